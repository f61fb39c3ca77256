"""Figures of rows that differ in one thing alone, and the drawings of trainings."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from benchmark.records.training import Epoch, Training
from leaderboard.pages.courses import HEIGHT, WIDTH, courses
from leaderboard.pages.curves import learning_figure, preprocessing_figure
from leaderboard.pages.site import build
from leaderboard.ranking.boards import rank, rank_with
from leaderboard.ranking.rows import make_rows
from leaderboard.ranking.scores import ScoreBook
from tests.leaderboard.factory import make_result, scores_of
from tests.leaderboard.ranking.test_protocol import stored

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.result import Result
    from benchmark.records.store import ResultStore


def particles(features: str, model: str = "cnn", auc: float = 0.8, **changes: object) -> Result:
    parameters = {"features": features, "boxes": 7}
    return make_result(
        representation="fourvectors", representation_parameters=parameters, model=model, auc=auc, **changes
    )


def test_a_learning_curve_joins_the_rows_of_one_cell() -> None:
    sizes = {4000: 0.83, 1000: 0.7, 2000: 0.78}
    results = [make_result(auc=auc, events={"train": size, "test": 500}) for size, auc in sizes.items()]
    others = [make_result(auc=0.8, model="bdt"), make_result(auc=0.6, events={"train": 1000, "test": 9}, model="ffnn")]
    (board,) = rank([*results, *others])
    figure = learning_figure(board, ScoreBook(None))
    assert figure is not None
    (trace,) = figure.spec["data"]
    assert (trace["x"], trace["y"]) == ([1000, 2000, 4000], [0.7, 0.78, 0.83])
    assert figure.spec["layout"]["xaxis"]["ticktext"] == ["1,000", "2,000", "4,000"]
    assert learning_figure(rank(others)[0], ScoreBook(None)) is None


def test_preprocessing_is_compared_for_each_model() -> None:
    contents = {"complete": 0.9, "raw": 0.6, "standard": 0.85}
    results = [particles(name, auc=auc) for name, auc in contents.items()]
    results += [particles("raw", "bdt", 0.5), particles("standard", "bdt", 0.7), particles("raw", "mpnn", 0.9)]
    results += [particles("standard", "mpnn", 0.9, events={"train": 99, "test": 1500})]
    (board,) = rank(results)
    figure = preprocessing_figure(board)
    assert figure is not None
    drawn = {trace["name"]: (trace["x"], trace["y"]) for trace in figure.spec["data"]}
    assert drawn == {
        "cnn": (["raw", "standard", "complete"], [0.6, 0.85, 0.9]),
        "bdt": (["raw", "standard"], [0.5, 0.7]),
    }
    json.dumps(figure.spec, allow_nan=False)


def training(losses: list[float], **changes: object) -> Training:
    history = tuple(Epoch(train_loss=loss / 2, valid_loss=loss) for loss in losses)
    fields = {"epochs": len(losses), "best": 3, "cap": 60, "converged": True, "history": history, **changes}
    return Training(**fields)


def test_the_drawing_of_a_training() -> None:
    (row,) = make_rows([make_result(auc=0.8, training=training([1.0, 0.5, 0.4, 0.6, 0.8]))])
    (course,) = courses(row)
    assert course.best == WIDTH / 2
    valid = [tuple(map(float, point.split(","))) for point in course.valid.split()]
    assert [x for x, _ in valid] == [0, 60, 120, 180, 240]
    assert valid[0][1] == 0, "the largest loss is at the top"
    assert valid[2][1] == pytest.approx(HEIGHT * 0.75)  # losses from 0.2 to 1
    assert course.words == "best 3 of 5, cap 60, converged"
    assert (course.low, course.high) == ("0.200", "1.00")


@pytest.mark.parametrize("course", [None, training([0.5], best=1), training([1.0, 1.0], best=9, epochs=2)])
def test_trainings_that_leave_nothing_to_draw(course: Training | None, store: ResultStore, tmp_path: Path) -> None:
    result = make_result(auc=0.8, training=course)
    (row,) = make_rows([result])
    assert all(0 <= found.best <= WIDTH for found in courses(row))
    assert len(courses(row)) == (course is not None and len(course.history) > 1)
    store.add(result)
    build(store, tmp_path / "site")


def test_a_page_has_notes_marks_and_drawings(store: ResultStore, tmp_path: Path) -> None:
    history = training([1.0, 0.5, 0.4, 0.35], best=4, converged=False, cap=4)
    said: dict[str, Any] = {"note": "Multi-parton interactions are off.", "expert": ("mass", "tau21")}
    store.add(make_result(auc=0.8, training=history, **said))
    store.add(make_result(auc=0.9, model="bdt", representation="expert", **said))
    build(store, tmp_path / "site")
    page = (tmp_path / "site" / "ttbar.html").read_text()
    assert "Multi-parton interactions are off." in page
    assert "Expert line: bdt on mass, tau21." in page
    assert "best 4 of 4, cap 4, ended by the cap" in page
    assert page.count("<polyline") == 2


def test_a_power_law_says_how_many_events_it_takes(store: ResultStore) -> None:
    """A model that gets better by a power of the number of events, and one that does not."""
    for size, strength in ((1000, 1.0), (2000, 1.4), (4000, 1.8)):
        for model, of_model in (("ffnn", strength), ("bdt", 1.2)):
            events = {"train": size, "test": 1500}
            stored(store, scores_of(2, of_model, seed=size), model=model, events=events)
    book = ScoreBook(store)
    (board,) = rank_with(store.all(), book)
    caption = learning_figure(board, book).caption
    assert "Power laws through 1 - AUC" in caption
    words = "circles · {} falls with the power"
    assert re.search(rf"{words.format('ffnn')} 1\.\d+ ± 0\.\d+ \(4,\d00 events \[[\d,]+, [\d,]+\]\)", caption)
    assert re.search(rf"{words.format('bdt')} .* \(not more events alone\)", caption)
