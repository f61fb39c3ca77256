"""Hostile plug-ins: none ends or hangs a run, changes the result of another cell, or leaves a process behind."""

from __future__ import annotations

import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmark.engine.progress import Display
from benchmark.engine.request import Request, Settings
from benchmark.engine.runner import run
from benchmark.records.store import ResultStore
from tests.benchmark.core.workers import has_ended
from tests.benchmark.toys import TOY, benchmark
from tests.faults.plugins.hostile_models import FOLDER
from tests.workers import spawned_workers

if TYPE_CHECKING:
    from benchmark.records.result import Result

HOSTILE = Path(__file__).parent / "plugins" / "hostile_models.py"


@pytest.fixture
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which forked processes leave their ids."""
    folder = tmp_path / "traces"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    return folder


def run_models(
    folder: Path,
    *names: str,
    seeds: str = "1",
    tasks: tuple[str, ...] = (TOY,),
    file: Path = HOSTILE,
    spawned: bool = True,
):
    """spawned : workers that leave processes behind have to be, since the system shows the mark of these alone."""
    models = [f"{file}:{name}" if name[0].isupper() else name for name in names]
    wanted = Request(tasks, ("fourvectors",), models, preset="smoke", seeds=seeds)
    with spawned_workers() if spawned else nullcontext():
        return run(wanted, Settings(folder / "results", folder / "data", 2), Display(quiet=True))


REASONS = {
    "holds": "the worker process ended with exit code 3",
    "babbles": "the worker process sent ",
    "limits": "the worker process can't store the result: ",
    # whichever is seen first: the pipe that closes, or the process that ends since it can't be read any more
    "closes": (
        "the worker process was ended, since its pipe had closed; does a plug-in close files?",
        "the worker process ended with exit code 1",
    ),
    "exits": "SystemExit: 0 (hostile_models.py, line ",
    "leaves": "the worker process ended with exit code 0",
    "mute": "UnspeakableError: its __str__ raises RuntimeError (hostile_models.py, line ",
    "interrupts": "KeyboardInterrupt (hostile_models.py, line ",
    "half": "half: parameters_count returned 3.5, expected a whole number, 0 or more, or None. Correct this plug-in.",
}
MORE = ("Closes", "Exits", "Leaves", "Mute", "Interrupts", "Half")


def run_grid(folder: Path, *names: str, spawned: bool) -> dict[str, Result]:
    """Run models of which the last is good, without --timeout. It finds a clean process."""
    found = {result.model: result for result in run_models(folder, *names, spawned=spawned)}
    assert list(found) == [name.lower() for name in names]
    wanted = {name: "failed" if name in REASONS else "done" for name in found}
    assert {name: result.status for name, result in found.items()} == wanted
    for name, result in found.items():
        assert (result.reason or "").startswith(REASONS.get(name, "")), name
        assert (result.metrics["auc"].value if result.status == "done" else 0.5) == 0.5
    assert set(found["good"].details.values()) == {0.0}
    assert {result.model: result for result in ResultStore(folder / "results").all()} == found
    modes = {path.stat().st_mode & 0o600 for path in (folder / "results").rglob("*.*")}
    assert modes == {0o600}
    return found


def test_a_grid_of_hostile_models(tmp_path: Path, traces: Path):
    found = run_grid(tmp_path, "Babbles", "Limits", "Masks", "Poisons", "Good", spawned=False)
    assert set(found["poisons"].details.values()) == {1.0}


def test_a_grid_of_models_that_leave_processes(tmp_path: Path, traces: Path):
    run_grid(tmp_path, "Holds", "Doubles", "Haunts", "Good", spawned=True)
    forked = [int(path.name) for path in traces.iterdir()]
    assert len(forked) >= 2
    assert all(map(has_ended, forked))


@pytest.mark.slow
def test_more_hostile_models(tmp_path: Path, traces: Path):
    found = {result.model: result for result in run_models(tmp_path, *MORE, "ffnn")}
    assert [result.status for result in found.values()] == [*["failed"] * len(MORE), "done"]
    for name in map(str.lower, MORE):
        assert found[name].reason.startswith(REASONS[name])


def test_a_file_that_deletes_itself_and_events_that_cannot_be_made(tmp_path: Path, traces: Path):
    """The second seed of the model has no file any more; the cells of a broken task fail; the others go on."""
    own = tmp_path / "mine.py"
    shutil.copy(HOSTILE, own)
    (tmp_path / "broken.py").write_text(BROKEN)
    tasks = (f"{tmp_path / 'broken.py'}:Broken", TOY)
    found = run_models(tmp_path, "Vanishes", seeds="2", tasks=tasks, file=own)
    states = [(result.task, result.model, result.seed, result.status) for result in found]
    assert states == [
        *(("broken", "vanishes", seed, "failed") for seed in (0, 1)),
        *(("toy", "vanishes", 0, "done"), ("toy", "vanishes", 1, "failed")),
    ]
    assert {result.reason for result in found[:2]} == {
        "Broken.generate raised SystemExit: no events today (broken.py, line 11). Correct this file."
    }
    assert "no file" in found[3].reason


BROKEN = """
from tests.benchmark.plugins.toy_task import Toy
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Broken(Toy):
    '''A task that makes no events.'''
    name = "broken"

    def generate(self, process, level, count, seed):
        raise SystemExit("no events today")
"""


SECOND = """
import os, threading, time
from pathlib import Path
flag = Path(__file__).with_suffix(".flag")
if flag.exists():
    {act}
flag.touch()
"""


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("os._exit(0)", "ended with exit code 0, in "),
        pytest.param("time.sleep(1000)", "took longer than 25 s in the process", marks=pytest.mark.slow),
        pytest.param(
            "threading.Timer(1.0, os._exit, (0,)).start()",
            "ended with exit code 0, after it had loaded plug-ins",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_file_that_does_something_else_the_second_time(tmp_path: Path, act: str, words: str):
    first = f"import annotations\n{SECOND.format(act=act)}"
    (tmp_path / "mine.py").write_text(HOSTILE.read_text().replace("import annotations", first))
    models = ["--model", "mine.py:Good", "--dry-run", "--preset", "smoke"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "BENCHMARK_IMPORT_TIMEOUT": "25"}
    done = benchmark("run", "--task", "ttbar", "--representation", "fourvectors", *models, cwd=tmp_path, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


NOISE = """
print("hello")
print("\\x1bhello", file=sys.stderr)
os.write(2, b"\\x1bhello")
warnings.warn("hello")
"""


def test_what_is_printed_at_import_is_no_json(tmp_path: Path):
    """And a plug-in of one of our names is named with its file."""
    (tmp_path / "mine.py").write_text(HOSTILE.read_text().replace('"good"', '"bdt"') + NOISE)
    words = ["run", "--task", TOY, "--representation", "fourvectors", "--model", "mine.py:Good,bdt", "--dry-run"]
    done = benchmark(*words, "--preset", "smoke", "--json", cwd=tmp_path, PYTHONPATH=str(Path(__file__).parents[2]))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{")
    assert "hello" not in done.stdout + done.stderr
    assert '"model": "bdt (mine.py)"' in done.stdout
    assert '"model": "bdt"' in done.stdout
    assert not os.environ.get("POISON")
