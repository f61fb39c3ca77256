"""`data show --plots`: figures on disk, and the table of numbers measured in them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from benchmark import cli
from tasks.data.dataset import DataSet
from tasks.data.store import prepare
from tasks.registry import TASKS
from tests.benchmark.cells import toy_job
from tests.benchmark.toys import DOUBTFUL, TOY, benchmark

ROOT = Path(__file__).parents[4]


@pytest.fixture
def shown(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Figures of the toy taskin a new folder, and the output."""

    def run(*words: str) -> tuple[Path, str]:
        folder = tmp_path / "new" / "figures"
        assert cli.exit_code(("data", "show", TOY, "--data", str(toy_data), "--plots", str(folder), *words)) == 0
        return folder, capsys.readouterr().out

    return run


def test_a_task_in_one_file_gets_figures(shown, toy_data: Path):
    folder, text = shown()
    name = toy_job().data.folder(toy_data).name
    assert [path.name for path in sorted(folder.iterdir())] == [f"toy-{name}-muon.png"]
    with Image.open(folder / f"toy-{name}-muon.png") as image:
        image.load()
        assert image.width > 800
        assert len(set(image.convert("L").resize((64, 64)).tobytes())) > 20
    lines = text.splitlines()
    assert f"toy/{name}: 1 figures in {folder}" in lines
    (row,) = (line for line in lines if "leading muon: azimuth preferred" in line)
    assert " 0 to 4 " in row
    assert " ok " in row
    assert "Rayleigh" in row


def test_as_json(shown, toy_data: Path):
    folder, text = shown("--json")
    (plots,) = json.loads(text)["plots"].values()
    assert plots["figures"] == [str(path) for path in sorted(folder.iterdir())]
    assert [check["verdict"] for check in plots["checks"]] == ["ok", "ok"]
    assert plots["checks"][0].keys() == {"name", "value", "low", "high", "unit", "source", "verdict"}


def test_again_gives_the_same_bytes_and_leaves_no_temporary_file(shown):
    folder, _ = shown()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    shown()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_parameters_choose_the_data_sets(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ("data", "show", f"{TOY}[slope=61]", "--data", str(toy_data), "--plots", str(tmp_path / "none"))
    assert cli.exit_code(words) == 0
    assert "figures in" not in capsys.readouterr().out
    assert list((tmp_path / "none").iterdir()) == []


def test_a_number_outside_its_range_is_reported_and_no_error(tmp_path: Path):
    root, figures = tmp_path / "data", tmp_path / "figures"
    prepare(DataSet(DOUBTFUL, TASKS.load(DOUBTFUL).resolve("smoke"), "detector"), root, 1, lambda *_: None)
    # in a process of its own, since a banner of C++ goes past what Python takes for standard output
    found = benchmark("data", "show", DOUBTFUL, "--data", str(root), "--plots", str(figures), cwd=ROOT)
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    assert "FastJet" not in found.stdout
    rows = [line.split() for line in found.stdout.splitlines()]
    assert ["far", "0.7", "[GeV]", "0.8", "to", "0.9", "OUTSIDE", "by", "hand"] in rows
    assert ["half", "0.7", "at", "least", "0.4", "ok", "by", "hand"] in rows
    assert ["unknown", "-", "0.8", "to", "0.9", "too", "few", "events", "by", "hand"] in rows
    assert len([*figures.glob("doubtful-*-by-hand.png")]) == 1
    plain = benchmark("data", "show", DOUBTFUL, "--data", str(root), "--json", "--plots", str(figures), cwd=ROOT)
    (plots,) = json.loads(plain.stdout)["plots"].values()
    values = {check["name"]: (check["value"], check["high"]) for check in plots["checks"]}
    assert (values["half"], values["unknown"]) == ((0.7, None), (None, 0.9))


@pytest.mark.parametrize("below", [False, True])
def test_a_file_in_the_way(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], below: bool):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "figures" if below else tmp_path / "file"
    assert cli.exit_code(("data", "show", TOY, "--data", str(toy_data), "--plots", str(folder))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"error: {'' if below else '--plots '}{folder}: ")
    assert "Name another one." in line
    assert (tmp_path / "file").read_text() == "in the way"


def test_an_unknown_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.exit_code(("data", "show", "tbar", "--plots", str(tmp_path / "figures"))) == 2
    assert "unknown task 'tbar'" in capsys.readouterr().err
    assert not (tmp_path / "figures").exists()


def test_matplotlib_is_imported_only_to_draw(toy_data: Path):
    code = "import sys; from benchmark import cli; cli.exit_code(sys.argv[1:]); print('matplotlib' in sys.modules)"
    words = (sys.executable, "-c", code, "data", "show", TOY, "--data", str(toy_data))
    found = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.splitlines()[-1] == "False"
