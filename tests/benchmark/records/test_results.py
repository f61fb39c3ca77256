from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, sha256, write_atomically
from benchmark.records import results
from benchmark.records.results import (
    SCHEMA_VERSION,
    Code,
    MetricValue,
    Result,
    ResultStore,
    Scores,
    make_key,
    read_result,
    upgrade,
)

HISTORIC = Path(__file__).parent / "historic_results"


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
        "metrics": {"auc": MetricValue(value=0.9, low=0.8, high=1 / 3 + 0.6)},
        "code": Code(version="0.1.0"),
    }
    return Result(**{**fields, **changes})


def scores(events: int = 20, mass: bool = False) -> Scores:
    rng = np.random.default_rng(0)
    return Scores(
        event_ids=np.arange(events, dtype=np.int64) + 2**60,
        labels=rng.integers(0, 2, events),
        scores=rng.dirichlet([1, 1], events).astype(np.float32),
        weights=np.ones(events, np.float32),
        mass=rng.uniform(1, 9, events).astype(np.float32) if mass else None,
    )


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


@pytest.mark.parametrize("mass", [False, True])
def test_round_trip(store: ResultStore, mass: bool):
    kept, given = store.add(record(), scores(mass=mass)), scores(mass=mass)
    (found,) = store.all()
    assert store.find("ttbar", kept.key) == found == kept
    for name, column in vars(store.scores(found)).items():
        wanted = getattr(given, name)
        assert (column is None and wanted is None) or (column == wanted).all()
        assert column is None or column.dtype == wanted.dtype
    assert sorted(path.name for path in (store.folder / "ttbar").iterdir()) == [f"{kept.stem}.json", f"{kept.stem}.npz"]


def test_a_record_replaces_the_one_of_the_same_key(store: ResultStore):
    store.add(record(status="failed", reason="no luck", metrics={}))
    kept = store.add(record(), scores())
    assert list(store.all()) == [kept]


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
        "newer": text.replace('"schema_version": 1', f'"schema_version": {SCHEMA_VERSION + 1}'),
        "no version": text.replace('"schema_version": 1,', ""),
    }
    path.write_text(broken[how])


@pytest.mark.parametrize("how", ["truncated", "empty", "list", "field", "extra", "newer", "no version"])
def test_broken_record_is_one_warning_and_not_found(store: ResultStore, how: str, capsys: pytest.CaptureFixture[str]):
    kept, other = store.add(record(), scores()), store.add(record(key=make_key({"x": 2})), scores())
    path = store.folder / "ttbar" / f"{kept.stem}.json"
    damage_json(path, how)
    with pytest.raises(UserError, match=str(path)):
        read_result(path)
    assert store.find("ttbar", kept.key) is None
    assert list(store.all()) == list(store.all()) == [other]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {path}: ")


def test_binary_record(store: ResultStore, capsys: pytest.CaptureFixture[str]):
    kept = store.add(record(), scores())
    (store.folder / "ttbar" / f"{kept.stem}.json").write_bytes(b"\xff\xfe\x00")
    assert store.find("ttbar", kept.key) is None
    assert "not a readable result" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["missing", "truncated", "changed"])
def test_result_without_its_scores_is_not_found(store: ResultStore, how: str):
    kept = store.add(record(), scores())
    path = store.folder / "ttbar" / f"{kept.stem}.npz"
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        with path.open("ab") as file:
            file.write(b"more")
    assert store.find("ttbar", kept.key) is None
    with pytest.raises(UserError, match="scores are missing or changed since they were recorded"):
        store.scores(kept)


def test_failed_result_needs_no_scores(store: ResultStore):
    kept = store.add(record(status="failed", reason="no luck", metrics={}))
    assert store.find("ttbar", kept.key) == kept


def test_leftovers_of_a_killed_run_are_no_results(store: ResultStore):
    kept = store.add(record(), scores())
    folder = store.folder / "ttbar"
    (folder / f".{kept.stem}-x1y2.tmp").write_text("{")
    (folder / f".{kept.stem}.json").write_text("{")
    (folder / "examples-0123.json").write_text("{")
    assert list(store.all()) == [kept]


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
    kept = store.add(record(), scores())

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"No space left on device.*Free space or name another folder"):
        store.add(record(created="later"), scores(30))
    assert list(store.all()) == [kept]
    assert store.find("ttbar", kept.key) == kept


def test_folder_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="the folder can't be made"):
            make_folder(folder)
    # root may write anywhere, so that a mode would prove nothing here
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match="the folder can't be written"):
        make_folder(tmp_path)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_nan_is_no_metric(number: float):
    with pytest.raises(ValidationError):
        MetricValue(value=number)


def test_key_changes_with_its_parts_and_not_with_their_order():
    parts = {"task": {"name": "a", "parameters": {"x": 1, "y": 2.0}}, "classes": ("a", "b"), "none": None}
    assert make_key(parts) == make_key(dict(reversed(parts.items())))
    assert make_key(parts) != make_key({**parts, "none": 0})
    for wrong in (float("nan"), object()):
        with pytest.raises(UserError, match="plain JSON values"):
            make_key({"parameter": wrong})


@pytest.mark.parametrize("path", sorted(HISTORIC.glob("v*.json")), ids=lambda path: path.stem)
def test_records_of_every_schema_version_are_readable_for_ever(path: Path):
    found = read_result(path)
    assert found.schema_version == SCHEMA_VERSION
    assert found.status == "done"
    assert 0.9 < found.metrics["auc"].value < 1
    assert found.metrics["example_undefined"].reason == "no event of this class"
    assert found.classes == ("ttbar", "wjets", "drellyan")


def test_every_schema_version_has_its_archived_record():
    versions = [json.loads(path.read_text())["schema_version"] for path in HISTORIC.glob("v*.json")]
    assert sorted(versions) == list(range(1, SCHEMA_VERSION + 1))


def test_upgrades_are_applied_in_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "SCHEMA_VERSION", 3)
    steps = {n: lambda old, n=n: {**old, "schema_version": n + 1, "trail": [*old.get("trail", []), n]} for n in (1, 2)}
    monkeypatch.setattr(results, "UPGRADES", steps)
    assert upgrade({"schema_version": 1}, "here") == {"schema_version": 3, "trail": [1, 2]}
    assert upgrade({"schema_version": 2}, "here")["trail"] == [2]
    assert upgrade({"schema_version": 3}, "here") == {"schema_version": 3}
    with pytest.raises(UserError, match="here: schema version 4, expected 1 to 3"):
        upgrade({"schema_version": 4}, "here")


def test_examples(store: ResultStore, capsys: pytest.CaptureFixture[str]):
    pictures = {"ttbar": np.zeros((4, 8, 8, 3), np.uint8)}
    assert store.examples("ttbar", "f" * 64) == {}
    store.add_examples("ttbar", "f" * 64, pictures)
    assert (store.examples("ttbar", "f" * 64)["ttbar"] == 0).all()
    (path,) = (store.folder / "ttbar").glob("examples-*.npz")
    path.write_bytes(path.read_bytes()[:40])
    assert store.examples("ttbar", "f" * 64) == {}
    assert "not readable as pictures" in capsys.readouterr().err


def test_sha256(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")
