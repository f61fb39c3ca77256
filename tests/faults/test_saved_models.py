"""Saved models of strangers and of bad disks: no code of theirs runs, and no changed file is used."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet
import pytest
import torch
from safetensors.torch import save

from benchmark import cli
from benchmark.core.errors import UserError
from benchmark.core.files import sha256
from benchmark.engine.model_store import ORIGIN, restore
from benchmark.engine.prediction import predict
from models.bdt import BDT
from models.model import silent
from models.registry import MODELS
from models.tensors import parse_tensors
from tasks.registry import TASKS
from tests.faults.saved import FILES, claim_events, reseal, save_all

if TYPE_CHECKING:
    from collections.abc import Callable

    Saved = tuple[dict[str, Path], Path]

EVIL = """
from pathlib import Path
Path({marker!r}).write_text("ran")
{more}
class Evil({base}):
    '''A plug-in that leaves a mark when it is imported.'''
    name = {name!r}
"""
BASES = {
    "task": "from tasks.dimuon.dimuon import Dimuon as Base",
    "representation": "from representations.fourvectors.fourvectors import FourVectors as Base",
    "model": "from models.bdt import BDT as Base",
}
PARTS = tuple(BASES)
TARGETS: dict[str, Callable[[Path], str]] = {
    "absolute": lambda file: f"{file}:Evil",
    "without class": str,
    "relative": lambda file: f"{file.name}:Evil",
    "with dots": lambda file: f"{file.parent}/below/../{file.name}:Evil",
    "below": lambda file: f"./below/../{file.name}:Evil",
    "home": lambda file: f"~/{file.name}:Evil",
    "link": lambda file: f"{file.parent}/link.py:Evil",
    "url": lambda file: f"file://{file}:Evil",
    "upper case": lambda file: f"{file.parent}/{file.stem.upper()}.PY:Evil",
    "nul": lambda file: f"{file}\0:Evil",
    "nul at the end": lambda file: f"{file}:Evil\0",
    "folder": lambda file: f"{file.parent}:Evil",
    "spaces": lambda file: f" {file}:Evil ",
    "two colons": lambda file: f"{file}::Evil",
    "parameters": lambda file: f"{file}:Evil[a=1]",
    "new line": lambda file: f"bdt\n{file}:Evil",
    "module": lambda file: f"{file.stem}:Evil",
    "dotted": lambda file: f"{file.stem}.Evil",
    "entry": lambda file: "os:system",
    "empty": lambda file: "",
    "escapes": lambda file: "\033[31mred\033[0m",
    "surrogate": lambda file: "\ud800",
    "long": lambda file: "a" * 10_000 + ".py:Evil",
}


@pytest.fixture(scope="module")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Folders of saved models by name, and of the events that they were fitted on: to be read only."""
    return save_all(tmp_path_factory.mktemp("saved-models"))


@pytest.fixture
def folder(saved_models: Saved, tmp_path: Path) -> Path:
    """A copy of the saved trees."""
    return copied(saved_models, "bdt", tmp_path)


def copied(saved_models: Saved, name: str, tmp_path: Path) -> Path:
    made = tmp_path / "model"
    shutil.copytree(saved_models[0][name], made)
    return made


def refused(folder: Path, events: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line with which `predict` refuses a model."""
    code = cli.exit_code(
        ["predict", str(folder), str(events), "--device", "cpu", "--output", str(folder.parent / "x.csv"), "-q", *words]
    )
    captured = capsys.readouterr()
    assert code == 2, captured
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err[:-1].isprintable()
    assert len(captured.err) < 1000
    return captured.err


# --- code ------------------------------------------------------------------------------------------------------------


def write_evil(folder: Path, part: str, name: str = "bdt", more: str = "") -> tuple[Path, Path]:
    """A plug-in in a file, and the mark that it leaves."""
    file, marker = folder / f"evil_{part}.py", folder / "marker"
    file.write_text(EVIL.format(marker=str(marker), base="Base", name=name, more=f"{BASES[part]}\n{more}"))
    return file, marker


@pytest.mark.parametrize("part", PARTS)
def test_no_file_that_a_model_names_is_run(
    saved_models: Saved, folder: Path, part: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Where its hash is right, and its folder on the path of modules; with another hash even if it is trusted."""
    root = folder.parent
    file, marker = write_evil(root, part)
    (root / "below").mkdir()
    for other in (root / "__init__.py", root / f"{file.stem.upper()}.PY"):
        shutil.copy(file, other)
    (root / "link.py").symlink_to(file)
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.syspath_prepend(str(root))
    for form, target in TARGETS.items():
        for digest, trust in ((sha256(file), ()), ("0" * 64, ("--trust-code",)), ("", ("--trust-code",))):
            changes = {"target": target(file), "file": digest}
            reseal(folder, lambda record, changes=changes: record["identity"][part].update(changes))
            reason = refused(folder, saved_models[1], capsys, *trust)
            assert trust or "--trust-code" in reason or "model.json: not the record" in reason, form
            assert cli.exit_code(["export", str(folder), "--onnx", str(root / "x.onnx"), *trust]) == 2
            capsys.readouterr()
            assert not marker.exists(), form


def test_trusted_code_runs_if_neither_it_nor_its_siblings_changed(
    saved_models: Saved, folder: Path, capsys: pytest.CaptureFixture[str]
):
    root = folder.parent
    file, marker = write_evil(root, "model", more="import helper")
    (root / "helper.py").write_text("NUMBER = 1")
    entry = MODELS.find(f"{file}:Evil")
    changes = {"target": entry.target, "file": entry.file_hash(), "version": BDT.version}
    reseal(folder, lambda record: record["identity"]["model"].update(changes))
    (root / "helper.py").write_text("NUMBER = 2")
    assert "its file has changed since" in refused(folder, saved_models[1], capsys, "--trust-code")
    assert not marker.exists()
    (root / "helper.py").write_text("NUMBER = 1")
    assert "--trust-code" in refused(folder, saved_models[1], capsys)
    assert not marker.exists()
    words = ["predict", str(folder), str(saved_models[1]), "--device", "cpu", "--output", str(root / "x.csv"), "-q"]
    assert cli.exit_code([*words, "--trust-code"]) == 0
    assert marker.exists()


@pytest.mark.parametrize("part", PARTS)
def test_names_that_are_nearly_registered(
    saved_models: Saved, folder: Path, part: str, capsys: pytest.CaptureFixture[str]
):
    for target in ("BDT", "bdt ", "models.bdt:BDT", "models.bdt", "bdt:BDT", "bdt[trees=1]", "b*", "ﬀnn"):
        reseal(folder, lambda record, target=target: record["identity"][part].update(target=target))
        assert f"its {part} is '{target}', expected an installed one" in refused(folder, saved_models[1], capsys)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(FILES))
def test_a_flipped_bit_is_noticed_before_the_file_is_parsed(
    saved_models: Saved, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    folder = copied(saved_models, name, tmp_path)
    monkeypatch.setattr(type(MODELS.load(name)()), "load", None)  # not reached
    for file in (folder / FILES[name], folder / ORIGIN):
        whole = file.read_bytes()
        for place in np.linspace(0, len(whole) - 1, 14, dtype=int):
            for bit in (0, 6):
                file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
                with pytest.raises(UserError, match=r"changed since it was written|not the record of a saved model"):
                    restore(folder, "cpu")
        file.write_bytes(whole)


@pytest.mark.parametrize("name", list(FILES))
def test_a_saved_model_still_predicts(saved_models: Saved, name: str):
    found = predict(saved_models[0][name], saved_models[1], "cpu", 64, silent)
    assert found.classes == TASKS.load("dimuon")().classes
    assert found.scores.shape == (len(found.event_ids), len(found.classes))


def test_classes_are_not_renamed_by_the_record(saved_models: Saved, folder: Path):
    assert "classes" not in json.loads((folder / ORIGIN).read_text())
    reseal(folder, lambda record: record.update(classes=["none", "z"]))
    with pytest.raises(UserError, match="field 'classes': Extra inputs"):
        restore(folder, "cpu")


def test_other_files_are_refused(saved_models: Saved, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def replaced(make: Callable[[Path], object], name: str = "model.ubj") -> Callable[[Path], object]:
        def change(folder: Path) -> None:
            (folder / name).rename(folder.parent / "moved")
            make(folder / name)

        return change

    cases: list[tuple[Callable[[Path], object], str]] = [
        (lambda folder: (folder / "more.ubj").write_bytes(b"1"), "the file 'more.ubj' is no part of this model"),
        (lambda folder: (folder / ".hidden").write_bytes(b"1"), "the file '.hidden' is no part of this model"),
        (lambda folder: (folder / "model.ubj").unlink(), "the file 'model.ubj' is missing"),
        (lambda folder: (folder / "folder").mkdir(), "is an empty folder"),
        (lambda folder: (folder / "link").symlink_to("/dev/zero"), "is a link or no regular file"),
        (lambda folder: os.mkfifo(folder / "pipe"), "is a link or no regular file"),
        (replaced(lambda path: path.symlink_to(path.parent.parent / "moved")), "is a link or no regular file"),
        (replaced(lambda path: path.symlink_to("/dev/zero")), "is a link or no regular file"),
        (replaced(Path.mkdir), "is an empty folder"),
        (replaced(os.mkfifo), "is a link or no regular file"),
        (replaced(Path.mkdir, ORIGIN), "is a folder, expected a file"),
        (replaced(os.mkfifo, ORIGIN), "is a pipe, expected a file"),
        (replaced(lambda path: path.symlink_to("/dev/zero"), ORIGIN), "is a device, expected a file"),
        (replaced(lambda path: path.write_bytes(b" " * 20_000_000), ORIGIN), "of at most 16.0 MB"),
        (lambda folder: [(folder / str(n)).touch() for n in range(1001)], "has over 1,000 files"),
    ]
    for number, (change, reason) in enumerate(cases):
        folder = copied(saved_models, "bdt", tmp_path / str(number))
        change(folder)
        assert reason in refused(folder, saved_models[1], capsys)
    (tmp_path / "file").write_text("no folder")
    assert "no such folder" in refused(tmp_path / "file", saved_models[1], capsys)


# --- weights of a stranger, whose hashes are right -------------------------------------------------------------------


def test_weights_of_strangers(saved_models: Saved, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = copied(saved_models, "ffnn", tmp_path)
    file = folder / FILES["ffnn"]
    whole = file.read_bytes()
    for change, reason in [
        (lambda tensors: tensors.update(mean99999999999=torch.zeros(1)), "'mean99999999999' is none of this model"),
        (lambda tensors: tensors.update(mean0=torch.zeros(3), scale0=torch.ones(3)), "standardises [3] columns of its"),
        (dict.clear, "is missing"),
    ]:
        tensors, texts = parse_tensors(whole)
        change(tensors)
        file.write_bytes(save(tensors, texts))
        reseal(folder)
        assert reason in refused(folder, saved_models[1], capsys)


# --- events of a stranger, whose hashes are right --------------------------------------------------------------------


def without(name: str) -> Callable[[pyarrow.Table], pyarrow.Table]:
    return lambda rows: rows.drop_columns(name)


def with_column(name: str, values: Callable[[int], object]) -> Callable[[pyarrow.Table], pyarrow.Table]:
    def change(rows: pyarrow.Table) -> pyarrow.Table:
        column = pyarrow.array([values(number) for number in range(len(rows))])
        return rows.set_column(rows.column_names.index(name), name, column)

    return change


def repeated(rows: pyarrow.Table) -> pyarrow.Table:
    flat = [name for name in rows.column_names if name not in ("objects", "candidate")]
    return pyarrow.concat_tables([rows.slice(0, 1).select(flat)] * 2_000_000).combine_chunks()


def test_events_of_strangers(saved_models: Saved, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = copied(saved_models, "bdt", tmp_path)
    events = tmp_path / "events"
    shutil.copytree(saved_models[1], events)
    (shard,) = events.glob("*.parquet")
    rows = pyarrow.parquet.read_table(shard)
    for change, reason in [
        (without("label"), "not a shard of events (has no column 'label'"),
        (without("objects"), "its events have no column 'objects'"),
        (with_column("event_id", str), "the column 'event_id' holds string, expected numbers"),
        (with_column("objects", lambda number: [[{"pt": [str(number)]}]]), "the column 'objects' holds list<"),
        (with_column("objects", lambda number: [{"pt": 1.0}]), "its objects have no eta, phi, mass, charge, kind"),
        (with_column("weight", lambda number: None if number else 1.0), "the column 'weight' has missing values"),
        (repeated, "claims 2,000,000 events of 8,000,000 numbers in"),
    ]:
        pyarrow.parquet.write_table(change(rows), shard)
        claim_events(events, shard)
        assert reason in refused(folder, events, capsys)
