from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from tasks.data.inventory import SAMPLES
from tests.benchmark.cells import run_cell, toy_job
from tests.benchmark.toys import TOY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(toy_data: Path, tmp_path: Path) -> Path:
    """A data root with two complete data sets, and one whose making was interrupted."""
    root = tmp_path / "data"
    shutil.copytree(toy_data, root)
    half = root / "toy" / "detector-9-0123456789"
    half.mkdir()
    (half / "hard-0000.parquet").write_bytes(bytes(2500))
    return root


@pytest.fixture
def cleaned(root: Path, capsys: pytest.CaptureFixture[str]):
    def run(*words: str) -> tuple[int, str, str]:
        code = cli.exit_code(("data", "clean", *words, "--data", str(root)))
        return code, *capsys.readouterr()

    return run


def names(root: Path) -> set[str]:
    return {path.parent.name if path.parent.name == "lonely" else path.name for path in root.glob("*/*")}


@pytest.fixture
def complete(root: Path) -> set[str]:
    return {"lonely", toy_job().data.folder(root).name}


HALF = "detector-9-0123456789"


def answers(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    """Somebody sits at a terminal, and answers so."""
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text) or answer == "y")
    return asked


def test_only_what_is_of_no_use_goes_unless_all_is_asked_for(cleaned, root: Path, complete: set[str]):
    code, out, err = cleaned("--yes")
    assert (code, err, names(root)) == (0, "", complete)
    assert out.splitlines() == [
        f"{root / 'toy' / HALF}: 2.5 kB, incomplete: it was interrupted, or is being made",
        "deleted 1 data sets, 2.5 kB",
    ]
    assert cleaned("--yes")[1] == f"nothing to delete in {root}; add --all to delete complete data sets\n"
    assert cleaned("--yes", "--all", TOY)[0] == 0
    assert names(root) == {"lonely"}


def test_outdated_data_sets_go_too_and_not_with_incomplete(cleaned, root: Path, monkeypatch, complete: set[str]):
    monkeypatch.setattr("tasks.data.inventory.DETECTOR_VERSION", "next")
    out = cleaned(TOY, "--dry-run", "--json")[1]
    assert sorted(row["state"] for row in json.loads(out)) == ["incomplete", "outdated"]
    assert cleaned(TOY, "--yes", "--incomplete")[0] == 0
    assert names(root) == complete
    assert cleaned(TOY, "--yes")[0] == 0
    assert names(root) == {"lonely"}


def test_dry_run_deletes_nothing(cleaned, root: Path, complete: set[str]):
    code, out, _ = cleaned("--all", "--dry-run", "--yes")
    assert code == 0
    assert "nothing was deleted" in out.splitlines()[-1]
    assert names(root) == {*complete, HALF}
    rows = json.loads(cleaned("--all", "--dry-run", "--json")[1])
    assert [row["deleted"] for row in rows] == [False] * 3


def test_without_a_terminal_it_needs_yes_or_dry_run(cleaned, root: Path, complete: set[str], monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    code, out, err = cleaned()
    assert (code, out) == (2, "")
    assert "1 data sets in" in err
    assert "Add --yes" in err
    assert names(root) == {*complete, HALF}


@pytest.mark.parametrize("answer", ["y", "n"])
def test_it_asks(cleaned, root: Path, complete: set[str], monkeypatch, answer: str):
    asked = answers(monkeypatch, answer)
    code, out, _ = cleaned()
    assert code == 0
    assert asked == ["Delete these 1 data sets, 2.5 kB?"]
    assert names(root) == (complete if answer == "y" else {*complete, HALF})
    assert ("deleted 1 data sets" in out) == (answer == "y")


def test_what_can_not_be_deleted_is_said_and_the_rest_goes(cleaned, root: Path, complete: set[str]):
    (root / "toy" / HALF / "notes.txt").write_text("mine")
    code, out, err = cleaned("--all", "--yes", "toy", "--json")
    assert code == 1
    assert {row["folder"].rpartition("/")[2]: row["deleted"] for row in json.loads(out)} == {
        HALF: False,
        toy_job().data.folder(root).name: True,
    }
    assert err.startswith("left: ")
    assert "notes.txt" in err
    assert names(root) == {"lonely", HALF}


def test_samples_alone(cleaned, root: Path, complete: set[str], monkeypatch):
    shutil.rmtree(toy_job().data.folder(root) / SAMPLES, ignore_errors=True)
    assert cleaned("--samples", "toy") == (0, f"nothing to delete in {root}\n", "")
    result, _ = run_cell(toy_job(), root)
    assert result.status == "done"
    home = toy_job().data.folder(root) / SAMPLES
    (row,) = json.loads(cleaned("--samples", "toy", "--dry-run", "--json")[1])
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    assert row == {"folder": str(home), "bytes": size, "state": "complete", "deleted": False}
    asked = answers(monkeypatch, "y")
    code, out, err = cleaned("--samples", "toy")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("deleted 1 samples of data sets, ")
    assert asked[0].startswith("Delete these 1 samples of data sets, ")
    assert not home.exists()
    assert names(root) == {*complete, HALF}
    assert cli.exit_code(("data", "verify", TOY, "--data", str(root))) == 0


def test_samples_do_not_disturb_verifying_and_showing(root: Path, capsys: pytest.CaptureFixture[str]):
    run_cell(toy_job(), root)
    assert cli.exit_code(("data", "verify", TOY, "--data", str(root))) == 0
    assert f"ok: {toy_job().data.folder(root)} (240 events in 4 shards)" in capsys.readouterr().out
    assert cli.exit_code(("data", "show", TOY, "--data", str(root))) == 0
    assert "kB on disk, of which samples " in capsys.readouterr().out


@pytest.mark.parametrize("words", ["--samples --all", "--samples --incomplete"])
def test_samples_are_asked_for_alone(cleaned, words: str):
    code, _, err = cleaned(*words.split())
    assert code == 2
    assert "exclude each other. Name one." in err
