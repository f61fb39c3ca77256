"""Samples that are stored with their data set: made once, opened again, checked whenever they are opened."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import pytest
import torch

from benchmark.engine import sample_store as module
from benchmark.engine.cell import evaluate
from benchmark.engine.code_hash import sources
from benchmark.engine.job import content_of
from benchmark.engine.sample_store import represent, represented
from benchmark.records.scores import arrays_of
from models.model import Context
from representations.fourvectors.fourvectors import FourVectors
from representations.samples import Ragged, Vectors, store
from representations.samples.store import RECORD
from tasks.data.inventory import SAMPLES
from tests.benchmark.cells import context, every_shard, job, planned, run_cell, toy_job
from tests.benchmark.toys import TOY
from tests.tasks.data_sets import rewrite

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.engine.job import Job
    from benchmark.engine.sample_store import Represented
    from benchmark.records.result import Result
    from benchmark.records.scores import Scores
    from tasks.events import Events

EVENTS = 240
"""Training and validation events."""
TEST = 200


@pytest.fixture
def root(toy_data: Path, tmp_path: Path) -> Path:
    """A data root without samples."""
    for data in (toy_job().data, toy_job().test):
        folder = data.folder(toy_data)
        shutil.copytree(folder, tmp_path / "toy" / folder.name, ignore=shutil.ignore_patterns(SAMPLES))
    return tmp_path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events were represented in each call, but for those that warm up."""
    calls: list[int] = []
    plain = FourVectors.represent

    def counting(self: FourVectors, events: Events) -> Vectors:
        calls.append(len(events))
        return plain(self, events)

    monkeypatch.setattr(FourVectors, "represent", counting)
    monkeypatch.setattr(module, "WARM_UP_EVENTS", 0)
    return calls


def kept(root: Path, job_: Job | None = None) -> Path:
    """The folder of the samples of a cell."""
    made = job_ or toy_job()
    manifests = made.manifests(root)
    assert manifests is not None
    key = made.identity(manifests).samples_key()
    return made.data.folder(root) / SAMPLES / f"{made.representation.name}-{key[:10]}"


def content(found: Represented) -> bytes:
    """All tensors of all splits."""
    parts = [part for samples in found.splits.values() for part in vars(samples).values()]
    ragged = [tensor for part in parts if isinstance(part, Ragged) for tensor in (part.values, part.offsets)]
    tensors = ragged + [part for part in parts if hasattr(part, "numpy")]
    return b"".join(tensor.numpy().tobytes() for tensor in tensors)


def written(scores: Scores) -> dict[str, tuple[str, bytes]]:
    """The arrays of a file of scores: those of all parts, and the hashes of ids, labels and weights of their events."""
    return {name: (array.dtype.str, array.tobytes()) for name, array in arrays_of(scores).items()}


def test_another_model_and_seed_represent_nothing_again(root: Path, counted: list[int]):
    _, scores = run_cell(toy_job(), root)
    assert sum(counted) == EVENTS + TEST
    counted.clear()
    stages: list[str] = []
    again, same_scores = run_cell(toy_job(), root, lambda *step: stages.append(step[0]))
    assert again.status == "done"
    assert written(same_scores) == written(scores)
    for other in (toy_job(seed=1), toy_job("Raises"), job(TOY, "fourvectors", "bdt")):
        run_cell(other, root)
    assert counted == []
    assert "represent" not in stages
    assert module._held == {}, "nothing is held beside the memory maps"
    run_cell(job(TOY, "fourvectors[features=raw]", str(toy_job().cell.model)), root)
    assert sum(counted) == EVENTS + TEST


def test_a_record_tells_when_its_samples_were_made(root: Path, monkeypatch: pytest.MonkeyPatch):
    def told(result: Result) -> tuple[float | None, str]:
        return result.throughput.represent_events_per_s, result.environment["represented"]

    monkeypatch.setattr(module, "datetime", Clock)
    first, _ = run_cell(toy_job(), root)
    again, _ = run_cell(toy_job(seed=1), root)
    assert told(again) == told(first)
    assert told(first)[0] > 0
    assert told(first)[1] == "2020-02-02T20:20:20+00:00"
    monkeypatch.setattr(module, "_machine", lambda: "another, 64 cores")
    elsewhere, _ = run_cell(toy_job(seed=2), root)
    assert told(elsewhere) == (None, told(first)[1]), "no record tells a rate that another machine had"


class Clock:
    """A time that can't be that of the test."""

    @classmethod
    def now(cls, zone: object) -> Clock:
        return cls()

    def isoformat(self, timespec: str) -> str:
        return "2020-02-02T20:20:20+00:00"


@pytest.mark.parametrize(
    ("representation", "model"),
    list(product(["fourvectors", "circles", "graph"], ["bdt", "ffnn", "cnn"])),
)
def test_scores_are_the_same_with_and_without(root: Path, representation: str, model: str):
    made = job(TOY, representation, model)
    columns = made.representation.columns(made.data.task.info("detector"))
    in_memory = represent(every_shard(made, root, columns), made.representation)
    item = planned(made, root)
    expected, scores = evaluate(item, item.record, in_memory, context(made))
    for _ in ("made", "opened"):
        found, again = run_cell(made, root)
        assert found.metrics == expected.metrics
        assert found.training == expected.training, "losses have more digits than scores"
        assert written(again) == written(scores)
    assert (kept(root, made) / RECORD).is_file()


def test_the_key_covers_all_that_can_change_samples(toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = toy_job()
    manifests = made.manifests(toy_data)
    manifest = manifests.data
    task, model = str(made.cell.task), str(made.cell.model)
    edited = tmp_path / "toy_task.py"
    edited.write_text(Path(task.rpartition(":")[0]).read_text() + "\n# edited\n")
    jobs = {
        "nothing": made,
        "representation": job(task, "circles", model),
        "representation's parameter": job(task, "fourvectors[features=raw]", model),
        "variant": job(f"{task}[slope=50]", "fourvectors", model),
        "task's file": job(f"{edited}:Toy", "fourvectors", model),
        "view": job("ttbar", "fourvectors", model),
        "another view of the same events": job("ttbar[classes_count=2]", "fourvectors", model),
    }
    keys = {name: job_.identity(manifests).samples_key() for name, job_ in jobs.items()}
    shard = manifest.shards[0].model_copy(update={"sha256": "x"})
    changes = {"content": "x", "level": "hadron", "source": "files", "shards": [shard, *manifest.shards[1:]]}
    for field, value in {**changes, "shards in another order": None}.items():
        update = {field: value} if value else {"shards": manifest.shards[::-1]}
        changed = dataclasses.replace(manifests, data=manifest.model_copy(update=update))
        keys[field] = made.identity(changed).samples_key()
    for name, target, value in (
        ("version", "representations.fourvectors.fourvectors.FourVectors.version", "next"),
        ("schema", "representations.samples.store.SCHEMA_VERSION", 2),
        ("sources", "representations.__file__", str(edited)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, value)
            keys[name] = made.identity(manifests).samples_key()
    keys["test events"] = made.identity(manifests).samples_key(content_of(manifests.test))
    assert len(set(keys.values())) == len(keys)
    for same in (toy_job(seed=3), toy_job("Raises")):
        assert same.identity(manifests).samples_key() == keys["nothing"]


def test_all_that_representations_are_made_of_counts():
    root = Path(module.__file__).parents[2]
    found = {path.relative_to(root).as_posix() for path in sources()}
    own = sorted((root / "representations").rglob("*.py"))
    assert root / "representations" / "circles" / "raster.py" in own
    assert {path.relative_to(root).as_posix() for path in own} <= found
    assert "representations/samples/images.py" in found
    taken = {name for path in own for name in re.findall(r"^from (tasks[.\w]*) import", path.read_text(), re.M)}
    assert {name.replace(".", "/") + ".py" for name in taken} <= found


def test_what_is_damaged_is_made_again_with_a_line(root: Path, counted: list[int], capsys: pytest.CaptureFixture[str]):
    expected = content(represented(planned(toy_job(), root), root, Context()))
    file = kept(root) / "train-labels.bin"
    file.write_bytes(file.read_bytes()[:-8])
    counted.clear()
    assert content(represented(planned(toy_job(), root), root, Context())) == expected
    assert sum(counted) == EVENTS
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"warning: {file}: [\d,]+ bytes, expected [\d,]+; the samples are made again", line)
    counted.clear()
    assert content(represented(planned(toy_job(), root), root, Context())) == expected
    assert counted == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("key", "x", "made for another key"), ("events_per_s", "fast", "Input should be a valid number")],
)
def test_a_foreign_record_is_not_believed(
    root: Path, counted: list[int], capsys: pytest.CaptureFixture[str], name: str, value: str, reason: str
):
    represented(planned(toy_job(), root), root, Context())
    path = kept(root) / RECORD
    rewrite(path, lambda record: record["about"].update({name: value}))
    counted.clear()
    represented(planned(toy_job(), root), root, Context())
    assert sum(counted) == EVENTS
    assert reason in capsys.readouterr().err


@dataclasses.dataclass(frozen=True, kw_only=True)
class MyVectors(Vectors):
    """A kind of samples that only its author's model knows."""


def test_samples_of_ones_own_kind_are_held_in_memory(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    plain, calls = FourVectors.represent, []

    def mine(self: FourVectors, events: Events) -> MyVectors:
        calls.append(len(events))
        return MyVectors(**vars(plain(self, events)))

    monkeypatch.setattr(FourVectors, "represent", mine)
    first, _ = run_cell(toy_job(), root)
    calls.clear()
    again, _ = run_cell(toy_job(seed=1), root)
    assert (first.status, again.status, calls) == ("done", "done", [])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, "of the training and of the test events"
    words = "samples are held in memory and not stored: samples of kind MyVectors, expected Images, Vectors, Graphs"
    assert all(line.endswith(words) for line in lines)
    assert not list(kept(root).parent.iterdir())


def test_what_a_representation_returns_is_checked(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(FourVectors, "represent", lambda *words: None)
    result, _ = run_cell(toy_job(), root)
    assert result.status == "failed"
    assert result.reason == (
        "fourvectors: represent returned None, expected Images, Vectors or Graphs. Correct this plug-in."
    )


def test_a_folder_that_can_not_be_written(root: Path, capsys: pytest.CaptureFixture[str]):
    kept(root).parent.write_text("a file in the folder's place")
    result, _ = run_cell(toy_job(), root)
    assert result.status == "done"
    assert "held in memory and not stored: the folder can't be locked" in capsys.readouterr().err


FULL = OSError(28, "No space left on device")


def fail(*words: object, **more: object) -> None:
    raise FULL


def fail_in(owner: object, name: str, *, only: str = "") -> Callable[[pytest.MonkeyPatch], None]:
    """Make a function raise the error of a full disk, for all paths or for those whose name contains a text."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        plain = getattr(owner, name)

        def instead(*words: Any, **more: Any) -> Any:
            if only in str(words[0]) or only in str(words[-1]):
                raise FULL
            return plain(*words, **more)

        monkeypatch.setattr(owner, name, instead)

    return patch


def fail_in_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """As buffers are written when a file is closed."""

    def closing(self: store.Writer, *error: object) -> None:
        self._files.close()
        raise FULL

    monkeypatch.setattr(store.Writer, "__exit__", closing)


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(fail_in(Path, "mkdir", only=SAMPLES), id="mkdir of all samples"),
        pytest.param(fail_in(Path, "mkdir", only=".tmp"), id="mkdir"),
        pytest.param(fail_in(filelock.FileLock, "acquire"), id="lock"),
        pytest.param(fail_in(Path, "open", only=".bin"), id="open"),
        pytest.param(fail_in(store._Growing, "append"), id="write"),
        pytest.param(fail_in_close, id="close"),
        pytest.param(fail_in(Path, "write_bytes", only=store.RECORD), id="record"),
        pytest.param(fail_in(os, "replace"), id="rename"),
        pytest.param(fail_in(torch, "from_file"), id="map"),
    ],
)
def test_samples_that_can_not_be_stored_are_held_in_memory(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    patch: Callable[[pytest.MonkeyPatch], None],
):
    job_ = toy_job()
    expected = content(represent(every_shard(job_, root), job_.representation))
    home = kept(root).parent
    with monkeypatch.context() as full:
        patch(full)
        assert content(represented(planned(job_, root), root, Context())) == expected
    assert "samples are held in memory and not stored: " in capsys.readouterr().err
    assert [path.name for path in home.iterdir() if path.name != kept(root).name] == [] if home.exists() else True
    module._held.clear()
    assert content(represented(planned(job_, root), root, Context())) == expected
    assert [path.name for path in home.iterdir()] == [kept(root).name]


def test_a_lock_that_can_not_be_given_back(root: Path, monkeypatch: pytest.MonkeyPatch):
    job_ = toy_job()
    with monkeypatch.context() as broken:
        broken.setattr(filelock.FileLock, "release", fail)
        represented(planned(job_, root), root, Context())
    assert (kept(root) / RECORD).is_file()


# --- processes -------------------------------------------------------------------------------------------------------

REPRESENT = """
import hashlib, os, signal, sys
from pathlib import Path
from benchmark.engine.sample_store import represented
from representations.fourvectors.fourvectors import FourVectors
from models.model import Context
from tests.benchmark.cells import planned, toy_job
from tests.benchmark.engine.test_sample_store import content

plain, calls = FourVectors.represent, []

def counting(self, events):
    calls.append(len(events))
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, events)

FourVectors.represent = counting
found = content(represented(planned(toy_job(), Path(sys.argv[1])), Path(sys.argv[1]), Context()))
print(len(calls) > 0, hashlib.sha256(found).hexdigest())
"""


def process(root: Path, killed_at: int = 0) -> subprocess.Popen[str]:
    """A process of its own that represents the toy, and is killed at so many calls."""
    command = [sys.executable, "-c", REPRESENT, str(root), str(killed_at)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])


def test_two_processes_at_once_make_them_once(root: Path):
    said = [started.communicate(timeout=300)[0].split() for started in [process(root), process(root)]]
    assert sorted(made for made, _ in said) == ["False", "True"]
    assert said[0][1] == said[1][1]


def test_a_killed_run_leaves_nothing_that_is_taken_for_whole(root: Path, counted: list[int]):
    killed = process(root, killed_at=4)
    killed.communicate(timeout=300)
    assert killed.returncode == -9
    home = kept(root).parent
    (leftover,) = (path for path in home.iterdir() if path.name.endswith(".tmp"))
    assert "train-labels.bin" in {path.name for path in leftover.iterdir()}
    assert not kept(root).exists()
    represented(planned(toy_job(), root), root, Context())
    assert sum(counted) == EVENTS + TEST
    assert [path.name for path in home.iterdir()] == [kept(root).name]


# --- memory ----------------------------------------------------------------------------------------------------------

GROWS = """
import sys
from pathlib import Path
import awkward as ak
import numpy as np
import torch
from benchmark.engine.sample_store import _each
from representations.representation import truth
from representations.samples import Ragged, Vectors
from representations.samples.store import Writer
from benchmark.core.memory import keep_freed_memory, peak_memory_mb, reset_peak_memory
from tasks.events import EventInfo, Events

EVENTS, LENGTH = 2000, 500  # 2000 * 500 * 3 * 4 bytes = 12 MB a shard

number = np.arange(EVENTS)
truths = {"event_id": number, "group": number, "label": number % 2, "weight": np.ones(EVENTS), "split": 0 * number}
some = Events(ak.Array(truths), EventInfo("toy", ("signal", "background"), "detector", {"jet": 4}))

class Long:
    "Many particles of random numbers."
    name = "long"
    def represent(self, events):
        offsets = torch.arange(len(events) + 1) * LENGTH
        rows = Ragged(torch.rand(len(events) * LENGTH, 3), offsets)
        kinds = Ragged(torch.zeros(len(events) * LENGTH, dtype=torch.int8), offsets)
        names = ("pt", "eta", "phi")
        features = torch.zeros(len(events), 0)
        given = {"particles": rows, "kinds": kinds, "names": names, "slots": {"jet": 4}, "features": features}
        return Vectors(**truth(events), **given)

def peak(shards, keep):
    _each((some for _ in range(shards)), Long(), lambda *_: None, 0, keep)

keep_freed_memory()  # as the worker of a run does
with Writer(Path(sys.argv[1])) as writer:
    peak(2, writer.add)  # libraries are loaded, and buffers as large as they get
    reset_peak_memory("cpu")
    before, _ = peak_memory_mb("cpu")
    peak(20, writer.add)
    on_disk = peak_memory_mb("cpu")[0] - before
    writer.finish({})
parts = []
peak(20, lambda name, samples: parts.append(samples))
print(on_disk, peak_memory_mb("cpu")[0] - before, sum(part.nbytes for part in parts) / 2**20)
"""


def test_memory_does_not_grow_with_the_number_of_shards(tmp_path: Path):
    """In a new process, whose memory nothing else has used; samples held in memory are the control."""
    done = subprocess.run(
        [sys.executable, "-c", GROWS, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    on_disk, in_memory, whole = map(float, done.stdout.split())
    assert whole > 240
    assert in_memory > 0.8 * whole
    assert on_disk < 0.5 * whole, "a few shards of twenty: what the allocator keeps"
