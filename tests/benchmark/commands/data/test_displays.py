"""`data show --representation`: event displays on disk, and the numbers printed with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from benchmark import cli
from benchmark.displays.events import EventDisplay, stems
from representations.circles.circles import Circles
from tasks.data.store import load
from tests.benchmark.cells import toy_job
from tests.benchmark.toys import TOY

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    "circles-average.png",
    "circles-examples.png",
    "fourvectors-distributions.png",
    "fourvectors-examples.png",
    "graph-distributions.png",
    "graph-examples.png",
]


@pytest.fixture
def shown(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Displays of the toy task in a new folder; the exit code, and the output."""

    def run(*words: str, task: str = TOY) -> tuple[int, Path, str, str]:
        folder = tmp_path / "new" / "displays"
        code = cli.exit_code(("data", "show", task, "--data", str(toy_data), "--plots", str(folder), *words))
        return code, folder, *capsys.readouterr()

    return run


def test_all_representations_that_the_task_has(shown):
    code, folder, out, _ = shown("--representation", "all")
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert all(f"  {folder / name}" in out.splitlines() for name in FILES)
    assert "skipped: toy: no calorimeter hits in these events, which are of the level 'detector'" in out
    for path in folder.iterdir():
        with Image.open(path) as image:
            image.load()
            assert min(image.size) > 400
            assert len(set(image.convert("L").resize((64, 64)).tobytes())) > 10


def test_numbers_as_json(shown, toy_data: Path):
    code, folder, out, _ = shown("--representation", "circles[size=40]", "--representation", "calorimeter", "--json")
    assert code == 0
    (displays,) = json.loads(out)["displays"].values()
    circles, calorimeter = displays
    assert calorimeter["skipped"].startswith("toy: no calorimeter hits")
    assert circles["representation"] == "circles[size=40]"
    assert circles["parameters"]["size"] == 40
    names = [f"circles-size=40-{what}.png" for what in ("examples", "average")]
    assert circles["files"] == [str(folder / name) for name in names]
    events = load(toy_job().data, toy_data)
    lit = (Circles(size=40).represent(events).dense().numpy() > 0).any(axis=1).sum(axis=(1, 2))
    for code, name in enumerate(("hard", "soft")):
        chosen = events.column("label") == code
        expected = {"events": chosen.sum(), "lit_pixels": lit[chosen].mean(), "outside": 0.0}
        assert circles["classes"][name] == pytest.approx(expected)


def test_again_gives_the_same_bytes_and_leaves_no_temporary_file(shown):
    _, folder, *_ = shown("--representation", "circles,graph")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 4
    shown("--representation", "circles,graph")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_as_many_examples_as_asked_for(shown):
    sizes = []
    for number in ("1", "3", "7"):
        _, folder, *_ = shown("--representation", "circles", "--events", number)
        with Image.open(folder / "circles-examples.png") as image:
            sizes.append(image.size)
    (one, three, seven) = sizes
    assert one[1] == three[1] < seven[1]  # a second row
    assert three[0] < seven[0]


def test_several_data_sets_have_folders_of_their_own(tmp_path: Path, shown, toy_data: Path):
    from dataclasses import replace

    from tasks.data.store import prepare

    job = toy_job()
    data = replace(job.data, task=replace(job.data.task, slope=50.0))
    root = tmp_path / "root"
    for item in (job.data, data):
        prepare(item, root, 1, lambda *_: None)
    folder = tmp_path / "several"
    words = ("data", "show", TOY, "--data", str(root), "--representation", "graph", "--plots", str(folder))
    assert cli.exit_code(words) == 0
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    names = [item.folder(root).name for item in (job.data, data)]
    assert found == {f"{name}/graph-{what}.png" for name in names for what in ("examples", "distributions")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--representation", "circle"), "unknown representation 'circle'. Did you mean 'circles'?"),
        (("--representation", "circles[sizes=3]"), "unknown parameter 'sizes'"),
        (("--representation", "calorimeter"), "nothing could be drawn (calorimeter: toy: no calorimeter hits"),
        (("--representation", "fourvectors[features=high]"), "no engineered features"),
        (("--events", "3"), "data show: --events without --representation"),
    ],
)
def test_errors_of_drawing_are_one_line(shown, words, message):
    code, folder, out, err = shown(*words)
    assert code == 2
    assert out == ""
    *before, line = err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not any("Traceback" in text for text in before)
    assert not list(folder.rglob("*.png"))


@pytest.mark.parametrize("words", [("--representation", "circles"), ("--events", "3")])
def test_displays_need_a_folder(toy_data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]):
    assert cli.exit_code(("data", "show", TOY, "--data", str(toy_data), *words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: data show: {words[0]} without --plots: there is no folder for displays. Add --plots DIR."


def test_no_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ("data", "show", "ttbar", "--data", str(tmp_path), "--representation", "graph", "--plots", str(tmp_path))
    assert cli.exit_code(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "ttbar: no complete data set to show. To make one: python -m benchmark data generate ttbar" in line


def test_a_mean_of_no_events_is_null(tmp_path: Path):
    item = EventDisplay(tmp_path, "graph", {}, (tmp_path / "a.png",), {"empty": {"events": 0, "nodes": np.nan}})
    assert item.as_json()["classes"] == {"empty": {"events": 0, "nodes": None}}


def test_names_of_files_never_meet():
    wanted = [("circles", {}), ("circles", {}), ("circles", {"size": "64"})]
    assert stems(wanted) == ["circles", "circles-2", "circles-size=64"]
