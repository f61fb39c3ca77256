from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from benchmark.commands.run import Overwrite, Settings, plan
from benchmark.plan import History, expected_data, show, write_seconds
from benchmark.results import ResultStore
from tests.benchmark.toys import LONELY, request

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
    assert expected_data(planned) == {f"{LONELY} (detector)": None, "ttbar (detector)": 10}
    show(planned, settings, as_json=True)
    assert json.loads(capsys.readouterr().out)["data_to_make_expected_s"]["ttbar (detector)"] == 10
    show(planned, settings, as_json=False)
    assert (
        "2 of 2 cells to run, about 10 s in all, and 3 of unknown length. Nothing was run." in capsys.readouterr().out
    )
    assert expected_data(plan(request("Nearest", level="generator"), settings)) == {}
    assert not list(tmp_path.iterdir())
