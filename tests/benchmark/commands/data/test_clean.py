from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from benchmark import cli
from benchmark.core.temporary import temporary_for
from tasks.data.inventory import SAMPLES
from tests.benchmark.cells import run_cell, toy_job
from tests.benchmark.toys import TOY
from tests.leftovers import leftover_of_a_killed_process


@pytest.fixture
def root(toy_data: Path, tmp_path: Path) -> Path:
    """A data root with two complete data sets, and one whose making was interrupted."""
    root = tmp_path / "data"
    shutil.copytree(toy_data, root, ignore=shutil.ignore_patterns("*-test-[0-9]*-*"))
    half = root / "toy" / "detector-9-0123456789"
    half.mkdir()
    (half / "hard-train-0000.parquet").write_bytes(bytes(2500))
    return root


@pytest.fixture
def test_set(root: Path, toy_data: Path) -> Path:
    """A third complete data set."""
    folder = toy_job().test.folder(root)
    shutil.copytree(toy_job().test.folder(toy_data), folder, ignore=shutil.ignore_patterns(SAMPLES))
    return folder


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


def test_a_test_set_goes_as_others_do(cleaned, root: Path, test_set: Path, complete: set[str]):
    assert cleaned("--yes")[0] == 0
    assert names(root) == {*complete, test_set.name}
    assert cleaned("--yes", "--all", "toy")[0] == 0
    assert names(root) == {"lonely"}


def test_samples_alone(cleaned, root: Path, complete: set[str], test_set: Path, monkeypatch):
    shutil.rmtree(toy_job().data.folder(root) / SAMPLES, ignore_errors=True)
    assert cleaned("--samples", "toy") == (0, f"nothing to delete in {root}\n", "")
    result, _ = run_cell(toy_job(), root)
    assert result.status == "done"
    shutil.rmtree(test_set)
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


def test_samples_do_not_disturb_verifying_and_showing(root: Path, test_set: Path, capsys: pytest.CaptureFixture[str]):
    run_cell(toy_job(), root)
    assert cli.exit_code(("data", "verify", TOY, "--data", str(root))) == 0
    said = capsys.readouterr().out
    assert f"ok: {toy_job().data.folder(root)} (240 events in 6 shards)" in said
    assert f"ok: {test_set} (200 events in 2 shards)" in said
    assert cli.exit_code(("data", "show", TOY, "--data", str(root))) == 0
    assert "kB on disk, of which samples " in capsys.readouterr().out


@pytest.mark.parametrize("words", ["--samples --all", "--samples --incomplete"])
def test_samples_are_asked_for_alone(cleaned, words: str):
    code, _, err = cleaned(*words.split())
    assert code == 2
    assert "exclude each other. Name one." in err


def test_what_killed_runs_left_goes_too(cleaned, root: Path, complete: set[str]):
    folder = toy_job().data.folder(root)
    home = folder / SAMPLES
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    half = leftover_of_a_killed_process(home / "circles-0123456789")
    half.mkdir()
    (half / "train-labels.bin").write_bytes(bytes(1000))
    left = [
        half,
        home / ".circles-0123456789.lock",
        folder / ".lock",
        folder / ".hard-train-0000.parquet.json",
        leftover_of_a_killed_process(folder / "soft-train-0000.parquet"),
    ]
    for path in left[1:]:
        path.write_bytes(bytes(500))
    alive = [temporary_for(folder / "hard-train-0001.parquet"), home / ".graph-0123456789.lock"]
    for path in alive:
        path.touch()
    with FileLock(alive[1]):
        code, out, err = cleaned("toy", "--yes")
        assert (code, err) == (0, "")
        assert {Path(line.partition(": ")[0]) for line in out.splitlines()[:-1]} == {root / "toy" / HALF, *left}
        assert out.splitlines()[-1] == "deleted 1 data sets and 5 leftovers, 5.5 kB"
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in alive)
    assert names(root) == complete
    assert cli.exit_code(("data", "verify", "toy", "--data", str(root))) == 0


def test_leftovers_of_other_folders(cleaned, tmp_path: Path, root: Path):
    results = tmp_path / "results"
    (results / "toy").mkdir(parents=True)
    (results / "toy" / "a-seed0-1.json").write_text("{}")
    left = [
        leftover_of_a_killed_process(results / "toy" / "a-seed0-1.json"),
        leftover_of_a_killed_process(results / "index.html"),
    ]
    alive = temporary_for(results / "toy" / "b.json")
    for path in (*left, alive):
        path.write_bytes(b"1234")
    (results / "link").symlink_to(results / "toy")
    words = ("toy", "--incomplete", "--leftovers", str(results), "--json")
    rows = json.loads(cleaned(*words, "--dry-run")[1])
    assert {row["folder"]: row["state"] for row in rows} == {
        str(root / "toy" / HALF): "incomplete",
        **{str(path): "leftover" for path in left},
    }
    assert all(path.exists() for path in left)
    assert all(row["deleted"] for row in json.loads(cleaned(*words, "--yes")[1]))
    assert sorted(path.name for path in results.rglob("*")) == sorted(["toy", "link", "a-seed0-1.json", alive.name])
    code, _, err = cleaned("--leftovers", str(tmp_path / "none"), "--dry-run")
    assert code == 2
    assert err.startswith(f"error: --leftovers {tmp_path / 'none'}: no such folder. Name a folder of results")
