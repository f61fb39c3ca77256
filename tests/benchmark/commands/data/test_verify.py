from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from tests.benchmark.cells import toy_job
from tests.benchmark.toys import TOY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(toy_data: Path, tmp_path: Path) -> Path:
    """A data root that may be broken."""
    shutil.copytree(toy_data, tmp_path / "data", ignore=shutil.ignore_patterns("*-test-[0-9]*-*"))
    return tmp_path / "data"


@pytest.fixture
def verified(root: Path, capsys: pytest.CaptureFixture[str]):
    def run(*words: str) -> tuple[int, str]:
        code = cli.exit_code(("data", "verify", *words, "--data", str(root)))
        captured = capsys.readouterr()
        assert captured.err == ""
        return code, captured.out

    return run


def test_all_is_well(verified, root: Path):
    code, text = verified()
    assert code == 0
    lonely, toy = text.splitlines()
    assert toy == f"ok: {toy_job().data.folder(root)} (240 events in 6 shards)"
    assert lonely.startswith("ok: ")
    assert verified("--quiet") == (0, "")
    code, text = verified(TOY, "--json")
    assert [(row["status"], row["problems"]) for row in json.loads(text)] == [("ok", [])]


def test_what_is_damaged_is_named_and_what_to_do(verified, root: Path):
    folder = toy_job().data.folder(root)
    (folder / "hard-train-0001.parquet").unlink()
    (folder / "soft-train-0000.parquet").write_bytes(b"")
    code, text = verified("--quiet")
    assert code == 1
    assert text.splitlines() == [
        f"damaged: {folder}: soft-train-0000.parquet: changed since it was written (another SHA-256 is recorded)",
        f"damaged: {folder}: hard-train-0001.parquet: missing",
        f"  Delete {folder}, and repeat the command that made it.",
    ]
    code, text = verified("toy", "--json")
    assert (code, [row["status"] for row in json.loads(text)]) == (1, ["damaged"])
    (folder / "manifest.json").write_text("{")
    code, text = verified("toy")
    assert code == 1
    assert "not a valid manifest" in text


def test_an_interrupted_one_is_no_damage(verified, root: Path):
    (toy_job().data.folder(root) / "manifest.json").unlink()
    code, text = verified("toy")
    assert code == 0
    assert text.startswith("incomplete: ")


def test_parameters_choose(verified):
    for given, count in (("slope=60", 1), ("slope=61", 0), ("events_per_class=120,slope=60.0", 1)):
        code, text = verified(f"{TOY}[{given}]", "--json")
        assert (code, len(json.loads(text))) == (0, count)


def test_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.exit_code(("data", "verify", "--data", str(tmp_path))) == 0
    assert capsys.readouterr().out == f"no data in {tmp_path} yet\n"


def test_a_missing_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.exit_code(("data", "verify", "--data", str(tmp_path / "none"))) == 2
    assert f"data verify: no folder {tmp_path / 'none'}" in capsys.readouterr().err
