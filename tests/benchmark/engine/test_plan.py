from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from benchmark.commands.run import Overwrite, Settings, plan
from benchmark.core.plugin import PRESETS
from benchmark.engine.plan import History, expected_data, show, write_seconds
from benchmark.engine.request import Request
from benchmark.records.store import ResultStore
from tests.benchmark.toys import LONELY, TOY, request, run_toy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "unknown"),
        (0.0, "about 1 s"),
        (89.4, "about 89 s"),
        (90, "about 2 min"),
        (600, "about 10 min"),
        (5400, "about 1.5 h"),
        (150_000, "about 41.7 h"),
    ],
)
def test_seconds_in_words(seconds: float | None, words: str):
    assert write_seconds(seconds) == words


def expected(tmp_path: Path, preset: str, **names: str) -> float | None:
    """Seconds of one cell of plug-ins of this package."""
    fields = {"task": "ttbar", "representation": "fourvectors", "model": "cnn", **names}
    asked = Request(**{f"{kind}s": (name,) for kind, name in fields.items()}, preset=preset)
    (planned,) = plan(asked, Settings(tmp_path, tmp_path / "data", 1))
    return History(ResultStore(tmp_path)).expected(planned)


@pytest.mark.parametrize("preset", [preset.name for preset in PRESETS])
def test_every_cell_of_the_package_has_a_time(tmp_path: Path, preset: str):
    planned = plan(Request(preset=preset), Settings(tmp_path, tmp_path / "data", 1))
    history = History(ResultStore(tmp_path))
    assert planned
    assert all((history.expected(item) or 0) > 0 for item in planned)
    assert all(expected_data(planned).values())


def test_times_grow_with_events_pixels_and_parameters(tmp_path: Path):
    on_pictures = expected(tmp_path, "standard", representation="circles")
    assert on_pictures == 2900
    assert expected(tmp_path, "standard") < on_pictures / 4
    assert expected(tmp_path, "standard", representation="circles[size=112]") == pytest.approx(on_pictures / 4)
    assert expected(tmp_path, "standard", representation="circles[size=112]", model="bdt") == 25
    assert expected(tmp_path, "quick", task="ttbar[events_per_class=8000]") == pytest.approx(60)
    assert expected(tmp_path, "quick", task="ttbar[min_jets=2]") == pytest.approx(30)
    assert expected(tmp_path, "quick", task="dimuon") == pytest.approx(30 * 5 / 3)
    assert expected(tmp_path, "quick", model="cnn[epochs=18]") == pytest.approx(60)
    larger = plan(Request(("ttbar[events_per_class=8000]",), models=("bdt",)), Settings(tmp_path, tmp_path, 1))
    assert list(expected_data(larger).values()) == [300]
    views = plan(Request(("ttbar", "ttbar[classes_count=2]"), models=("bdt",)), Settings(tmp_path, tmp_path, 1))
    assert expected_data(views) == {"ttbar (detector)": 150}, "the same events, looked at in two ways"


def test_kept_results_and_the_time_that_like_ones_took(toy_results: Path, toy_data: Path):
    settings = Settings(toy_results, toy_data, 1, Overwrite.never)
    done, failed, other = plan(request("Nearest", "Raises", "Nearest[noise=1]"), settings)
    assert (done.kept.status, failed.kept.status, other.kept) == ("done", "failed", None)
    history = History(ResultStore(toy_results))
    (another_seed,) = plan(request("Nearest", seeds="7,"), settings)
    assert another_seed.kept is None
    assert history.expected(another_seed) == pytest.approx(sum(done.kept.timings.values()))
    assert history.expected(failed) is None
    assert history.expected(other) is None, "other parameters take another time"
    again = plan(request("Raises"), dataclasses.replace(settings, overwrite=Overwrite.failed))
    assert again[0].kept is None


def test_data_that_a_run_would_make(tmp_path: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]):
    settings = Settings(tmp_path, tmp_path / "data", 1)
    asked = request("Nearest", tasks=(LONELY, "ttbar"))
    planned = plan(asked, settings)
    assert expected_data(planned) == {"lonely (detector)": None, "ttbar (detector)": 15}
    show(planned, settings, as_json=True)
    assert json.loads(capsys.readouterr().out)["data_to_make_expected_s"]["ttbar (detector)"] == 15
    show(planned, settings, as_json=False)
    (last,) = (line for line in capsys.readouterr().out.splitlines() if "Nothing was run." in line)
    assert last == (
        "2 of 2 cells to run, about 15 s in all, but unknown for: nearest (a plug-in that tells no `seconds`); "
        "data of lonely (detector). Nothing was run."
    )
    skipped = plan(request("Nearest", level="generator"), settings)
    assert expected_data(skipped) == {}
    show(skipped, settings, as_json=False)
    out = capsys.readouterr().out
    assert "to skip" in out
    assert "skipped: toy · fourvectors · nearest: " in out
    assert "0 of 1 cells to run. Nothing was run." in out
    assert not list(tmp_path.iterdir())


def reasons(tmp_path: Path, data: Path, **asked: object) -> dict[str, str | None]:
    """Why the cells of the package's plug-ins are going to be skipped, by representation and model."""
    planned = plan(Request(preset="smoke", **asked), Settings(tmp_path, data, 1))
    return {f"{item.job.cell.representation} {item.job.cell.model}": item.skip for item in planned}


def test_what_no_model_can_be_shown_is_known_before_there_are_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    asked = {"tasks": ("ttbar",), "representations": ("circles", "fourvectors")}
    models = ("cnn", "cnn[architecture=vgg]", "ffnn[pooling=deep-sets]", "bdt")
    found = reasons(tmp_path, tmp_path, models=models, **asked)
    skipped = {name: reason for name, reason in found.items() if reason}
    assert list(skipped) == ["circles ffnn[pooling=deep-sets]", "fourvectors cnn[architecture=vgg]"]
    assert "no view of Images as sequence" in skipped["circles ffnn[pooling=deep-sets]"]
    settings = Settings(tmp_path, tmp_path, 1)
    planned = plan(Request(models=models[1:2], preset="smoke", seeds="2", **asked), settings)
    show(planned, settings, as_json=False)
    out = capsys.readouterr().out
    assert out.count("to skip") == 2
    assert out.count("skipped: ttbar · fourvectors · cnn[architecture=vgg]: cnn: architecture vgg is for pictures") == 1
    assert "2 of 4 cells to run" in out
    assert list(expected_data(planned)) == ["ttbar (detector)"], "which is needed for the others"
    assert not list(tmp_path.iterdir())


def test_hits_are_made_at_the_level_of_the_detector_alone(tmp_path: Path):
    asked = {"tasks": ("ttbar",), "representations": ("calorimeter", "circles"), "models": ("bdt",)}
    assert reasons(tmp_path, tmp_path, **asked) == {"calorimeter bdt": None, "circles bdt": None}
    found = reasons(tmp_path, tmp_path, level="hadron", **asked)
    assert "no calorimeter hits" in found["calorimeter bdt"]
    assert found["circles bdt"] is None


def test_nobody_knows_at_which_level_a_task_of_others_has_hits(tmp_path: Path):
    asked = {"tasks": (TOY,), "representations": ("calorimeter",), "models": ("bdt",)}
    assert reasons(tmp_path, tmp_path, level="hadron", **asked) == {"calorimeter bdt": None}


def test_what_is_foreseen_comes_true(tmp_path: Path, toy_data: Path):
    """On a data set without masses and hits, as it lies there: each cell that is told of, and no other, is skipped."""
    models = ("cnn", "cnn[decorrelation=1]", "cnn[architecture=vgg]")
    asked = request(models=models, representations=("fourvectors", "calorimeter"))
    foreseen = [item.skip for item in plan(asked, Settings(tmp_path, toy_data, 1))]
    found = run_toy(asked, tmp_path, toy_data)
    assert [result.reason for result in found] == foreseen
    assert [reason is None for reason in foreseen] == [True, False, False, False, False, False]
