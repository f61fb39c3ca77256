from __future__ import annotations

import dataclasses
import heapq
import json
import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.commands.plan_table import show, write_seconds
from benchmark.core.errors import UserError
from benchmark.engine.estimate import Estimates, shortest_first
from benchmark.engine.plan import _identified, data_to_make, plan
from benchmark.engine.request import Overwrite, Request, Settings
from benchmark.records.published import ACCEPTED
from benchmark.records.store import ResultStore
from tests.benchmark.cells import toy_job
from tests.benchmark.toys import LONELY, TOY, model, request, run_toy
from tests.tasks.sources.files import back_to_back, csv

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


def test_a_time_is_scaled_from_the_nearest_result(tmp_path: Path, toy_results: Path, toy_data: Path):
    settings = Settings(tmp_path, toy_data, 1)
    (stored,) = (result for result in ResultStore(toy_results).all() if result.status == "done")
    seconds, events = sum(stored.timings.values()), sum(stored.events.values())
    own, accepted = tmp_path / "own", tmp_path / "accepted"

    def add(folder: Path, **changes: object) -> None:
        ResultStore(folder).add(stored.model_copy(update={"status": "done", **changes}))

    def expected(**asked: object) -> float | None:
        (planned,) = plan(request("Nearest", **asked), settings)
        return Estimates(own, accepted).seconds(planned)

    assert expected() is None
    add(accepted, task="else", timings={"fit": 4 * seconds})
    assert expected() == pytest.approx(4 * seconds), "the accepted result of another task"
    add(accepted, timings={"fit": 3 * seconds})
    assert expected() == pytest.approx(3 * seconds), "the accepted result of this task"
    add(own, task="else", timings={"fit": 2 * seconds})
    assert expected() == pytest.approx(2 * seconds), "the user's own result of another task"
    add(own)
    assert expected() == pytest.approx(seconds), "the user's own result of this task"
    larger = f"{TOY}[events_per_class=400]"
    (planned,) = plan(request("Nearest", tasks=(larger,)), settings)
    rate = seconds / events
    # 400 for training and validation, and 100 for the test
    assert Estimates(own).seconds(planned) == pytest.approx(1000 * rate), "scaled by the events of both classes"
    (other,) = plan(request("Nearest[noise=1]"), settings)
    assert Estimates(own, accepted).seconds(other) is None, "other parameters take another time"


def test_the_cheapest_cells_come_first(tmp_path: Path, toy_results: Path, toy_data: Path):
    models = ("cnn", "ffnn", "bdt")
    asked = request(models=models, representations=("circles", "fourvectors"), seeds="2")
    items = plan(asked, Settings(tmp_path, toy_data, 1))
    names = [
        (i.cell.representation.target, i.cell.model.target, i.cell.seed)
        for i in Estimates(tmp_path).cheapest_first(items)
    ]
    order = [("fourvectors", "bdt"), ("fourvectors", "ffnn"), ("circles", "bdt"), ("fourvectors", "cnn")]
    order += [("circles", "ffnn"), ("circles", "cnn")]
    assert names == [(*pair, seed) for pair in order for seed in (0, 1)], "guessed"
    (done,) = (result for result in ResultStore(toy_results).all() if result.status == "done")
    (nearest,) = plan(request("Nearest"), Settings(tmp_path, toy_data, 1))
    for seconds, place in ((1e-3, 0), (1e6, -1)):
        ResultStore(tmp_path / str(place)).add(done.model_copy(update={"timings": {"fit": seconds}}))
        found = Estimates(tmp_path / str(place)).cheapest_first([*items, nearest])
        assert found[place] is nearest, "known"


@given(st.lists(st.floats(0, 1e3), max_size=40), st.integers(1, 5))
def test_workers_end_together(times: list[float], workers: int):
    order = shortest_first(times, workers)
    assert sorted(order) == list(range(len(times)))
    busy = [0.0] * workers
    for place in order:  # each piece goes to the worker that is free first
        heapq.heapreplace(busy, busy[0] + times[place])
    long = [*sorted(times, reverse=True), *[0.0] * (workers + 1)]
    # the worker that ends last was not later than the mean when it began its piece, none of the longest ones
    bound = max(long[0], sum(times) / workers + (1 - 1 / workers) * long[workers])
    assert max(busy) <= bound * (1 + 1e-9)
    if times:
        assert min(times) in [times[place] for place in order[:workers]], "the first results come soon"
    if workers == 1:
        assert [times[place] for place in order] == sorted(times)


def test_accepted_results_are_there():
    """They are package data: an installed program reads them."""
    assert list(ResultStore(ACCEPTED).all())
    (patterns,) = re.findall(
        r"^leaderboard = (\[.*\])$", (ACCEPTED.parents[1] / "pyproject.toml").read_text(), re.MULTILINE
    )
    found = {path for pattern in json.loads(patterns) for path in ACCEPTED.parent.glob(pattern)}
    assert set(ACCEPTED.glob("*/*.json")) <= found


def test_accepted_results_predict_the_cells_of_the_package(tmp_path: Path):
    """With a result made here: the accepted ones may be of other default parameters, until they are computed again."""
    settings = Settings(tmp_path, tmp_path / "data", 1)
    asked = Request(("ttbar", "dimuon"), ("fourvectors",), ("bdt",))
    own, other = plan(asked, settings)
    timings, events = {"fit": 5.0, "predict": 0.75, "score": 0.25}, {"train": 300, "valid": 100, "test": 200}
    filled = {"status": "done", "has_signal": True, "timings": timings, "events": events}
    ResultStore(tmp_path / "accepted").add(own.record.model_copy(update=filled))
    estimates = Estimates(tmp_path, tmp_path / "accepted")
    # 6 s for 600 events; 3 and 5 processes, 3200 events of each for training and validation, and 800 for the test
    assert (estimates.seconds(own), estimates.seconds(other)) == pytest.approx((3 * 40, 5 * 40))
    for changes in ({"representations": ("fourvectors[features=raw]",)}, {"models": ("bdt[trees=400]",)}):
        (earlier, _) = plan(dataclasses.replace(asked, **changes), settings)
        assert estimates.seconds(earlier) is None, "a result of other parameters predicts nothing"


def test_stored_results_and_the_time_that_like_ones_took(toy_results: Path, toy_data: Path):
    settings = Settings(toy_results, toy_data, 1, Overwrite.never)
    done, failed, other = plan(request("Nearest", "Raises", "Nearest[noise=1]"), settings)
    assert (done.stored.status, failed.stored.status, other.stored) == ("done", "failed", None)
    estimates = Estimates(toy_results)
    (another_seed,) = plan(request("Nearest", seeds="7,"), settings)
    assert another_seed.stored is None
    assert estimates.seconds(another_seed) == pytest.approx(sum(done.stored.timings.values()))
    assert estimates.seconds(failed) is None
    assert estimates.seconds(other) is None, "other parameters take another time"
    again = plan(request("Raises"), dataclasses.replace(settings, overwrite=Overwrite.failed))
    assert again[0].stored is None


def test_a_plugin_that_spoils_the_record_fails_before_anything_is_made(tmp_path: Path):
    settings = Settings(tmp_path, tmp_path / "data", 1)
    (derived,) = plan(request("Derived[noise=1]"), settings)
    assert derived.record.parameters == {"noise": 1.0, "twice": 2.0}
    assert derived.record.parameters_given == ("noise", "twice")
    with pytest.raises(UserError, match=r"Forgets\.changed raised KeyError: .* \(toy_models\.py, line \d+\)"):
        run_toy(request("Forgets"), tmp_path / "results", tmp_path / "data")
    assert not list(tmp_path.iterdir())


def test_the_record_of_a_plugin_of_others_is_made_under_guard():
    with pytest.raises(UserError, match="making its record raised KeyError: ''"):
        _identified(toy_job("Forgets"), None)


def test_a_plan_calls_plugins_of_others_in_another_process(tmp_path: Path, toy_data: Path):
    """One that ends its process spoils what is known of the others of its kind, and nothing else."""
    asked = request(models=(model("Leaver"), "bdt"))
    assert [item.skip for item in plan(asked, Settings(tmp_path, toy_data, 1))] == [None, None]


def test_data_that_a_run_would_make(tmp_path: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]):
    settings = Settings(tmp_path, tmp_path / "data", 1)
    planned = plan(request("Nearest", tasks=(LONELY, "ttbar")), settings)
    assert data_to_make(planned) == ["lonely (detector)", "ttbar (detector)"]
    show(planned, settings, as_json=True)
    assert json.loads(capsys.readouterr().out)["data_to_make"] == data_to_make(planned)
    show(planned, settings, as_json=False)
    (last,) = (line for line in capsys.readouterr().out.splitlines() if "Nothing was run." in line)
    assert last == (
        "2 of 2 cells to run; time unknown for 2 of them: no earlier result has this representation, model and device; "
        "plus the time to generate or read the events. Nothing was run."
    )
    variants = plan(Request(("ttbar", "ttbar[classes_count=2]"), models=("bdt",)), settings)
    assert data_to_make(variants) == ["ttbar (detector)"], "both variants use the same events"
    skipped = plan(request("Nearest", level="generator"), settings)
    assert data_to_make(skipped) == []
    show(skipped, settings, as_json=False)
    out = capsys.readouterr().out
    assert "to skip" in out
    assert "skipped: toy · fourvectors · nearest: " in out
    assert "0 of 1 cells to run. Nothing was run." in out
    assert not list(tmp_path.iterdir())


def reasons(tmp_path: Path, data: Path, **asked: object) -> dict[str, str | None]:
    """Why the cells of plug-ins of the package will be skipped, by representation and model."""
    planned = plan(Request(preset="smoke", **asked), Settings(tmp_path, data, 1))
    return {f"{item.cell.representation} {item.cell.model}": item.skip for item in planned}


def test_samples_that_no_model_takes_are_known_before_there_are_events(
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
    assert data_to_make(planned) == ["ttbar (detector)"], "which is needed for the others"
    assert not list(tmp_path.iterdir())


def test_hits_are_made_at_the_level_of_the_detector_alone(tmp_path: Path):
    asked = {"tasks": ("ttbar",), "representations": ("calorimeter", "circles"), "models": ("bdt",)}
    assert reasons(tmp_path, tmp_path, **asked) == {"calorimeter bdt": None, "circles bdt": None}
    found = reasons(tmp_path, tmp_path, level="hadron", **asked)
    assert "no calorimeter hits" in found["calorimeter bdt"]
    assert found["circles bdt"] is None


def test_files_without_hits_are_known_before_the_import(tmp_path: Path):
    asked = {"tasks": ("dimuon",), "representations": ("calorimeter", "circles"), "models": ("bdt",)}
    source = csv(tmp_path / "a.csv", back_to_back(91.0, 146436, 1))
    found = reasons(tmp_path, tmp_path / "data", source=source, **asked)
    assert found["circles bdt"] is None
    assert found["calorimeter bdt"] == (
        "dimuon: no calorimeter hits in these events, the files hold reconstructed muons only"
    )


def test_a_task_of_others_may_have_hits_at_any_level(tmp_path: Path):
    asked = {"tasks": (TOY,), "representations": ("calorimeter",), "models": ("bdt",)}
    assert reasons(tmp_path, tmp_path, level="hadron", **asked) == {"calorimeter bdt": None}


def test_files_without_hits_are_known_before_they_are_read(tmp_path: Path):
    """The reader says which columns its files give; nothing is imported for that."""
    file = tmp_path / "MuRun2010B.csv"
    names = ("E", "px", "py", "pz", "pt", "eta", "phi", "Q")
    header = ",".join(["Run", "Event", *(f"{name}{muon}" for muon in (1, 2) for name in names), "M"])
    file.write_text(f"{header}\n1,1,45,45,0,0,45,0,0,1,45,-45,0,0,45,0,3.14,-1,90\n")
    data = tmp_path / "data"
    asked = {"tasks": ("dimuon",), "representations": ("calorimeter", "fourvectors"), "models": ("bdt",)}
    found = reasons(tmp_path, data, source=file, **asked)
    assert "reconstructed muons only" in found["calorimeter bdt"]
    assert found["fourvectors bdt"] is None
    assert not data.exists()
    generated = reasons(tmp_path, data, **asked)
    assert generated == {"calorimeter bdt": None, "fourvectors bdt": None}


def test_a_predicted_skip_comes_true(tmp_path: Path, toy_data: Path):
    """On a data set without masses and hits, the cells with a predicted skip are skipped, and no others."""
    models = ("cnn", "cnn[decorrelation=1]", "cnn[architecture=vgg]")
    asked = request(models=models, representations=("fourvectors", "calorimeter"))
    predicted = [item.skip for item in plan(asked, Settings(tmp_path, toy_data, 1))]
    found = run_toy(asked, tmp_path, toy_data)
    assert [result.reason for result in found] == predicted
    assert [reason is None for reason in predicted] == [True, False, False, False, False, False]


def test_a_plan_of_events_that_are_a_pipe_does_not_wait(tmp_path: Path, toy_data: Path):
    shutil.copytree(toy_data, tmp_path / "data")
    for shard in (tmp_path / "data").rglob("*.parquet"):
        shard.unlink()
        os.mkfifo(shard)
    (item,) = plan(request("Nearest"), Settings(tmp_path / "results", tmp_path / "data", 1))
    assert item.skip is None, "the run says what is wrong"
