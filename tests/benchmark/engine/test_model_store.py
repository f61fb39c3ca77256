"""Fitted models in folders: kept, restored with all that they were fitted for, and refused where that has changed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.core.errors import UserError
from benchmark.engine.model_store import ORIGIN, folder_of, is_saved, read, restore
from benchmark.records.store import ResultStore
from tests.benchmark.toys import arguments, model, request, run_toy

if TYPE_CHECKING:
    from pathlib import Path


def test_models_are_kept_with_what_they_were_fitted_for(tmp_path: Path, toy_data: Path):
    models = tmp_path / "models"
    done, failed = run_toy(request("Nearest[noise=1]", "Raises"), tmp_path / "results", toy_data, models=models)
    assert is_saved(models, done)
    assert not is_saved(models, failed)
    assert sorted(path.name for path in (models / "toy").iterdir()) == [done.stem]
    restored = restore(folder_of(models, done), "cpu")
    assert restored.model.parameters() == {"noise": 1.0}
    assert restored.task.parameters() == done.variant
    identity = restored.origin.identity
    assert (restored.representation.name, identity.seed, restored.origin.key) == ("fourvectors", 0, done.key)
    assert identity.result_key() == done.key
    assert restored.origin.classes == done.classes


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
    assert store.scores(result).scores.tobytes() == store.scores(good).scores.tobytes()
    assert re.match(
        r"the model was not saved: NotImplementedError: later \(toy_models.py, line \d+\)\. `save\(folder\)` has to ",
        result.reason,
    )
    assert re.search(r"warning: toy · fourvectors · \S+ · seed 0: the model was not saved", capsys.readouterr().err)
    assert not is_saved(models, result)
    assert list((models / "toy").iterdir()) == []


@pytest.fixture
def folder(tmp_path: Path, toy_data: Path) -> Path:
    (done,) = run_toy(request("Nearest"), tmp_path / "results", toy_data, models=tmp_path / "models")
    return folder_of(tmp_path / "models", done)


def test_other_versions_are_refused(folder: Path):
    whole = json.loads((folder / ORIGIN).read_text())

    def edit(part: str, **changes: str) -> None:
        identity = {**whole["identity"], part: {**whole["identity"][part], **changes}}
        (folder / ORIGIN).write_text(json.dumps({**whole, "identity": identity}))

    edit("representation", version="0")
    with pytest.raises(UserError, match=r"representation fourvectors version 0, but version \S+ is here"):
        restore(folder, "cpu")
    edit("model", file="0")
    with pytest.raises(UserError, match="model nearest version 1, but its file has changed"):
        restore(folder, "cpu")
    edit("model", target=model("Missing"))
    with pytest.raises(UserError, match="Name the class"):
        restore(folder, "cpu")


def test_folders_of_something_else(folder: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"no model\.json \(no such folder\)"):
        read(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"no model\.json \(found: toy\)"):
        read(folder.parent.parent)
    for text, reason in (("{", "JSON"), ("[]", "object"), ("{}", "field 'key': Field required")):
        (folder / ORIGIN).write_text(text)
        with pytest.raises(UserError, match=reason):
            read(folder)
