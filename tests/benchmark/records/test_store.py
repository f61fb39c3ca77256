from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, sha256, write_atomically
from benchmark.records.identity import make_key
from benchmark.records.result import SCHEMA_VERSION, Code, Result, read_result
from benchmark.records.scores import Scores
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from pathlib import Path


def record(**changes) -> Result:
    fields = {
        "key": make_key({"x": 1}),
        "status": "done",
        "task": "ttbar",
        "task_version": "1",
        "classes": ("ttbar", "wjets"),
        "source": "generated",
        "fingerprint": "f" * 64,
        "level": "detector",
        "fast_simulation": True,
        "preset": "smoke",
        "device": "cpu",
        "representation": "circles",
        "model": "cnn",
        "seed": 0,
        "metrics": score(scores(), ("ttbar", "wjets"), has_signal=True).metrics,
        "code": Code(version="0.1.0"),
    }
    return Result(**{**fields, **changes})


def scores(events: int = 20, mass: bool = False) -> Scores:
    rng = np.random.default_rng(0)
    return Scores.of(
        event_ids=np.arange(events, dtype=np.int64) + 2**60,
        labels=rng.integers(0, 2, events),
        probabilities=rng.dirichlet([1, 1], events).astype(np.float32),
        weights=np.ones(events, np.float32),
        mass=rng.uniform(1, 9, events).astype(np.float32) if mass else None,
    )


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


@pytest.mark.parametrize("mass", [False, True])
def test_round_trip(store: ResultStore, mass: bool):
    stored, given = store.add(record(), scores(mass=mass)), scores(mass=mass)
    (found,) = store.all()
    assert store.find("ttbar", stored.key) == found == stored
    again = store.scores(found)
    assert again.log_ratios.tobytes() == given.log_ratios.tobytes()
    assert again.probabilities.tobytes() == given.probabilities.tobytes()
    assert again.events.columns().keys() == given.events.columns().keys()
    for name, column in again.events.columns().items():
        wanted = getattr(given.events, name)
        assert (column == wanted).all()
        assert column.dtype == wanted.dtype
    assert sorted(path.name for path in (store.folder / "ttbar").iterdir()) == [
        f"{stored.stem}.json",
        f"{stored.stem}.npz",
        f"events-{given.events.sha256[:12]}.npz",
    ]


def test_a_record_replaces_the_one_of_the_same_key(store: ResultStore):
    store.add(record(status="failed", reason="no luck", metrics={}))
    stored = store.add(record(), scores())
    assert list(store.all()) == [stored]


def test_unknown_key_and_empty_folder(store: ResultStore):
    assert store.find("ttbar", "nothing") is None
    assert list(store.all()) == []
    store.add(record(), scores())
    assert store.find("ttbar", record().key[:12] + "x" * 52) is None, "the first letters of a key are not the key"
    assert store.find("dimuon", record().key) is None


def damage_json(path: Path, how: str) -> None:
    text = path.read_text()
    broken = {
        "truncated": text[: len(text) // 2],
        "empty": "",
        "list": "[1]",
        "field": text.replace('"seed": 0', '"seed": "first"'),
        "extra": text.replace('"seed": 0', '"seed": 0, "luck": 1'),
        "newer": text.replace('"schema_version": 2', f'"schema_version": {SCHEMA_VERSION + 1}'),
        "no version": text.replace('"schema_version": 2,', ""),
    }
    path.write_text(broken[how])


@pytest.mark.parametrize("how", ["truncated", "empty", "list", "field", "extra", "newer", "no version"])
def test_broken_record_is_one_warning_and_not_found(store: ResultStore, how: str, capsys: pytest.CaptureFixture[str]):
    stored, other = store.add(record(), scores()), store.add(record(key=make_key({"x": 2})), scores())
    path = store.folder / "ttbar" / f"{stored.stem}.json"
    damage_json(path, how)
    with pytest.raises(UserError, match=str(path)):
        read_result(path)
    assert store.find("ttbar", stored.key) is None
    assert list(store.all()) == list(store.all()) == [other]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {path}: ")


def test_binary_record(store: ResultStore, capsys: pytest.CaptureFixture[str]):
    stored = store.add(record(), scores())
    (store.folder / "ttbar" / f"{stored.stem}.json").write_bytes(b"\xff\xfe\x00")
    assert store.find("ttbar", stored.key) is None
    assert "not a readable result" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["missing", "truncated", "changed"])
def test_result_without_its_scores_is_not_found(store: ResultStore, how: str):
    stored = store.add(record(), scores())
    path = store.folder / "ttbar" / f"{stored.stem}.npz"
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        with path.open("ab") as file:
            file.write(b"more")
    assert store.find("ttbar", stored.key) is None
    with pytest.raises(UserError, match="Run the cell again"):
        store.scores(stored)


def test_failed_result_needs_no_scores(store: ResultStore):
    stored = store.add(record(status="failed", reason="no luck", metrics={}))
    assert store.find("ttbar", stored.key) == stored


def test_leftovers_of_a_killed_run_are_no_results(store: ResultStore):
    stored = store.add(record(), scores())
    folder = store.folder / "ttbar"
    (folder / f".{stored.stem}-x1y2.tmp").write_text("{")
    (folder / f".{stored.stem}.json").write_text("{")
    (folder / "examples-0123.json").write_text("{")
    assert list(store.all()) == [stored]


def test_error_inside_write_leaves_the_old_file_and_no_other(tmp_path: Path):
    path = tmp_path / "record.json"
    write_atomically(path, lambda file: file.write(b"old"))

    def fail(error: BaseException):
        def write(file):
            file.write(b"half of the n")
            raise error

        return write

    for error, raised in ((ValueError("x"), ValueError), (KeyboardInterrupt(), KeyboardInterrupt)):
        with pytest.raises(raised):
            write_atomically(path, fail(error))
    for error in (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), OSError("odd")):
        with pytest.raises(UserError, match=r"record\.json: can't be written \((No space left on device|odd)\)"):
            write_atomically(path, fail(error))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_keeps_the_old_result(store: ResultStore, monkeypatch: pytest.MonkeyPatch):
    stored = store.add(record(), scores())

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"No space left on device.*Free space or name another folder"):
        store.add(record(created="later"), scores(30))
    assert list(store.all()) == [stored]
    assert store.find("ttbar", stored.key) == stored


def test_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="the folder can't be made"):
            make_folder(folder)
    # root may write anywhere, so a file mode would not test this
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match="the folder can't be written"):
        make_folder(tmp_path)


def test_examples(store: ResultStore, capsys: pytest.CaptureFixture[str]):
    pictures = {"ttbar": np.zeros((4, 8, 8, 3), np.uint8)}
    assert store.examples("ttbar", "f" * 64) == {}
    store.add_examples("ttbar", "f" * 64, pictures)
    assert (store.examples("ttbar", "f" * 64)["ttbar"] == 0).all()
    (path,) = (store.folder / "ttbar").glob("examples-*.npz")
    path.write_bytes(path.read_bytes()[:40])
    assert store.examples("ttbar", "f" * 64) == {}
    assert "not pictures" in capsys.readouterr().err


def test_sha256(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")


def test_scores_that_seeds_have_in_common_may_be_stored_once(store: ResultStore):
    kept = store.add(record(), scores())
    other = store.add(record(key=make_key({"x": 2}), seed=1), scores())
    assert other.scores_sha256 == kept.scores_sha256
    (store.folder / "ttbar" / f"{other.stem}.npz").unlink()
    assert store.problems(other) == ()
    assert store.find("ttbar", other.key) == other
    assert store.scores(other).log_ratios.tobytes() == scores().log_ratios.tobytes()


def test_scores_of_another_content_or_cell_are_not_taken(store: ResultStore):
    lost = store.add(record(), scores())
    (store.folder / "ttbar" / f"{lost.stem}.npz").unlink()
    store.add(record(key=make_key({"x": 2}), seed=1), scores(21))
    store.add(record(key=make_key({"x": 3}), model="bdt"), scores())
    (store.folder / "ttbar" / "circles-cnn-seed2-0.npz").mkdir()
    os.mkfifo(store.folder / "ttbar" / "circles-cnn-seed3-0.npz")
    (problem,) = store.problems(lost)
    assert problem.kind == "scores"
    assert f"{lost.stem}.npz" not in problem.text
    with pytest.raises(UserError, match=rf"{lost.stem}\.npz: no such file"):
        store.scores(lost)
