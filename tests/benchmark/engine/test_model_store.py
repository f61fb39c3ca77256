"""Fitted models in folders: kept, restored with all that they were fitted for, and refused where that has changed."""

from __future__ import annotations

import json
import re
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from benchmark import cli
from benchmark.core import seal
from benchmark.core.errors import UserError
from benchmark.core.seal import unsealed
from benchmark.engine.model_store import ORIGIN, folder_of, is_saved, read, restore, save, try_to_save
from benchmark.records.store import ResultStore
from tests.benchmark.toys import arguments, model, request, run_toy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmark.records.result import Result


def test_models_are_kept_with_what_they_were_fitted_for(tmp_path: Path, toy_data: Path):
    models = tmp_path / "models"
    done, failed = run_toy(request("Nearest[noise=1]", "Raises"), tmp_path / "results", toy_data, models=models)
    assert is_saved(models, done)
    assert not is_saved(models, failed)
    assert sorted(path.name for path in (models / "toy").iterdir()) == [done.stem]
    restored = restore(folder_of(models, done), "cpu", trust_code=True)
    assert restored.model.parameters() == {"noise": 1.0}
    assert restored.task.parameters() == done.variant
    identity = restored.origin.identity
    assert (restored.representation.name, identity.seed, restored.origin.key) == ("fourvectors", 0, done.key)
    assert identity.result_key() == done.key
    assert restored.task.classes == done.classes


def test_a_cell_is_run_again_for_its_model_and_not_twice(
    tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch
):
    wanted = request("Nearest")
    (first,) = run_toy(wanted, tmp_path / "results", toy_data)
    (second,) = run_toy(wanted, tmp_path / "results", toy_data, models=tmp_path / "models")
    assert is_saved(tmp_path / "models", second)
    assert second.scores_sha256 == first.scores_sha256
    monkeypatch.setattr("benchmark.engine.executor.Worker", None)
    assert run_toy(wanted, tmp_path / "results", toy_data, models=tmp_path / "models") == [second]
    assert list(ResultStore(tmp_path / "results").all()) == [second]


def test_a_model_that_cannot_be_saved_costs_no_result(
    tmp_path: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]
):
    """Not the new result, and with --overwrite always not the good one that it replaces."""
    store, models = ResultStore(tmp_path / "results"), tmp_path / "models"
    (good,) = run_toy(request("Unsaved"), store.folder, toy_data)
    assert (good.status, good.reason) == ("done", None)
    words = [*arguments(store.folder, toy_data, "Unsaved"), "--keep-models", str(models), "--overwrite", "always"]
    assert cli.exit_code(words) == 0
    (result,) = store.all()
    assert (result.status, result.metrics, result.key) == ("done", good.metrics, good.key)
    assert store.scores(result).log_ratios.tobytes() == store.scores(good).log_ratios.tobytes()
    assert re.match(
        r"the model was not saved: NotImplementedError: later \(toy_models.py, line \d+\)\. `save\(folder\)` has to ",
        result.reason,
    )
    assert re.search(r"warning: toy · fourvectors · \S+ · seed 0: the model was not saved", capsys.readouterr().err)
    assert not is_saved(models, result)
    assert list((models / "toy").iterdir()) == []


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, toy_data: Path) -> tuple[Path, Result]:
    """A saved model, not to be changed, and its result."""
    root = tmp_path_factory.mktemp("saved")
    (done,) = run_toy(request("Nearest"), root / "results", toy_data, models=root / "models")
    return folder_of(root / "models", done), done


@pytest.fixture
def folder(saved: tuple[Path, Result], tmp_path: Path) -> Path:
    made = folder_of(tmp_path / "models", saved[1])
    shutil.copytree(saved[0], made)
    return made


def reseal(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the record of a saved model as whoever made it could: with its seal."""
    fields, _ = unsealed(json.loads((folder / ORIGIN).read_text()))
    edit(fields)
    (folder / ORIGIN).write_text(json.dumps({**fields, "seal": seal._hash(fields)}))


def test_other_versions_are_refused(folder: Path):
    whole = (folder / ORIGIN).read_bytes()

    def refused(part: str, reason: str, **changes: str) -> None:
        (folder / ORIGIN).write_bytes(whole)
        reseal(folder, lambda record: record["identity"][part].update(changes))
        with pytest.raises(UserError, match=reason):
            restore(folder, "cpu", trust_code=True)

    refused("representation", r"representation fourvectors version 0, but version \S+ is here", version="0")
    refused("model", "model nearest version 1, but its file has changed", file="0")
    refused("model", "Name the class", target=model("Missing"))
    refused("model", "'nothing.py' can't be read|no file", target="nothing.py")


def test_the_record_is_checked(folder: Path):
    whole = json.loads((folder / ORIGIN).read_text())
    for changes, reason in [
        ({"key": "other"}, r"changed since it was written \(its seal is wrong\)\. Save the model again"),
        ({"schema_version": 1}, r"model\.json: has no hashes of the model's files, as earlier versions saved it"),
        ({"seal": None}, "its seal is wrong"),
    ]:
        (folder / ORIGIN).write_text(json.dumps({**whole, **changes}))
        with pytest.raises(UserError, match=reason):
            read(folder)
    (folder / ORIGIN).write_text(json.dumps(unsealed(whole)[0]))
    with pytest.raises(UserError, match="its seal is missing"):
        read(folder)


def test_a_model_of_earlier_versions_is_saved_again(saved: tuple[Path, Result], folder: Path, tmp_path: Path):
    """Else it would have to be deleted by hand."""
    done = saved[1]
    assert is_saved(tmp_path / "models", done)
    whole = (folder / ORIGIN).read_text()
    (folder / ORIGIN).write_text(json.dumps({**json.loads(whole), "schema_version": 1, "classes": ["hard", "soft"]}))
    assert not is_saved(tmp_path / "models", done)
    (folder / ORIGIN).write_text(whole)
    next(path for path in folder.iterdir() if path.name != ORIGIN).unlink()
    assert not is_saved(tmp_path / "models", done)


def test_models_that_write_more_than_files_are_not_saved(saved: tuple[Path, Result], tmp_path: Path):
    (source, done), identity = saved, read(saved[0]).identity
    for write, reason in [
        (lambda folder: (folder / "link").symlink_to(source / ORIGIN), "is a link or no regular file"),
        (lambda folder: (folder / "more").mkdir(), "is an empty folder"),
        (lambda folder: (folder / ORIGIN).write_text("{}"), "model.json is the record of a saved model"),
    ]:
        assert reason in str(try_to_save(SimpleNamespace(save=write), identity, done, tmp_path / "others"))
        assert not is_saved(tmp_path / "others", done)


def test_files_in_folders_below_are_kept(saved: tuple[Path, Result], tmp_path: Path):
    _, done = saved

    def write(folder: Path) -> None:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "weights").write_bytes(b"1")
        (folder / "weights").write_bytes(b"2")

    save(SimpleNamespace(save=write), read(saved[0]).identity, done, tmp_path / "others")
    assert is_saved(tmp_path / "others", done)
    assert set(read(folder_of(tmp_path / "others", done)).files) == {"a/b/weights", "weights"}


def test_folders_of_something_else(folder: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"no model\.json \(no such folder\)"):
        read(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"no model\.json \(found: toy\)"):
        read(folder.parent.parent)
    for text, reason in (("{", "property name"), ("[]", "dictionary"), ("{}", "field 'key': Field required")):
        (folder / ORIGIN).write_text(text)
        with pytest.raises(UserError, match=reason):
            read(folder)


@pytest.mark.parametrize("refusing", ["exists", "iterdir"])
def test_a_folder_that_can_not_be_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: str):
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(f"pathlib.Path.{refusing}", denied)
    with pytest.raises(UserError, match=r": can't be read \(Permission denied\)\. Check permissions and disk\."):
        read(tmp_path)
    assert not is_saved(tmp_path, SimpleNamespace(task="toy", stem="nearest"))
