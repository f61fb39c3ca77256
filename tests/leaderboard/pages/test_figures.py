from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import pytest

from benchmark.metrics.rejection import roc_curve
from leaderboard.pages.figures import figures
from leaderboard.pages.roc_points import POINTS, rejection_curve, thin
from leaderboard.ranking.boards import rank
from leaderboard.ranking.scores import ScoreBook
from tests.leaderboard.factory import add_cell

if TYPE_CHECKING:
    from benchmark.records.store import ResultStore
    from leaderboard.pages.drawing import Chart


def all_figures(store: ResultStore) -> dict[str, dict[str, Chart]]:
    book = ScoreBook(store)
    return {
        f"{board.task} {board.preset}": {figure.name: figure for figure in figures(board, book)}
        for board in rank(store.all(), store)
    }


def test_plotly_accepts_every_figure(full_store: ResultStore) -> None:
    found = all_figures(full_store)
    tradeoffs = {"tradeoff-prediction", "tradeoff-training"}
    assert set(found["ttbar standard"]) == {"roc", "classes"} | tradeoffs
    assert set(found["dimuon quick"]) == {"class-auc", "classes"} | tradeoffs
    assert set(found["wprime quick"]) == {"roc"} | tradeoffs
    for figure in (figure for by_name in found.values() for figure in by_name.values()):
        made = go.Figure(figure.spec)  # raises for a property that isn't plotly's
        assert made.layout.xaxis.title.text
        assert made.layout.yaxis.title.text
        assert figure.description
        assert figure.caption


def test_roc_axes_and_curves(full_store: ResultStore) -> None:
    roc = all_figures(full_store)["ttbar standard"]["roc"].spec
    assert roc["layout"]["yaxis"]["type"] == "log"
    assert len(roc["data"]) == 8 + 1  # rows with scores, and guessing
    for trace in roc["data"]:
        assert min(trace["x"]) > 0
        assert max(trace["x"]) == 1
        assert min(trace["y"]) == 1


def test_classes_are_taken_one_by_one(full_store: ResultStore) -> None:
    found = all_figures(full_store)
    names = {
        key: [trace["name"] for trace in by_name["classes"].spec["data"]]
        for key, by_name in found.items()
        if "classes" in by_name
    }
    assert names["ttbar standard"] == ["against wjets", "against drellyan", "guessing"]
    assert names["dimuon quick"] == ["jpsi", "psi2s", "upsilon", "z", "none", "guessing"]


def test_thinned_points_are_points_of_the_curve() -> None:
    rng = np.random.default_rng(5)
    is_signal = np.arange(20_000) % 2 == 0
    scores = rng.normal(size=20_000) + is_signal
    weights = np.ones(20_000)
    eps_b, eps_s, _ = roc_curve(is_signal, scores, weights)
    points = rejection_curve(is_signal, scores, weights)
    assert points is not None
    x, y = points
    assert 100 < len(x) <= POINTS + 2
    assert set(zip(x, y, strict=True)) <= set(zip(eps_s[eps_b > 0], 1 / eps_b[eps_b > 0], strict=True))
    assert (np.diff(x) >= 0).all()
    assert (x[-1], y[-1]) == (1.0, 1.0)
    # the line through the remaining points is close to the curve everywhere
    every = eps_b > 1e-3
    drawn = np.interp(eps_s[every], x, np.log10(y))
    assert np.abs(drawn - np.log10(1 / eps_b[every])).max() < 0.1


def test_short_curves_are_left_alone() -> None:
    x, y = np.array([0.1, 0.5, 1.0]), np.array([9.0, 3.0, 1.0])
    assert thin(x, y)[0] is x


def test_one_class_gives_no_curve() -> None:
    assert rejection_curve(np.ones(4, dtype=bool), np.arange(4.0), np.ones(4)) is None


def test_names_are_no_markup(store: ResultStore) -> None:
    add_cell(store, 1.0, task="wprime", model="cnn")
    (board,) = rank([r.model_copy(update={"model": "<a href='x'>&amp;"}) for r in store.all()])
    spec = figures(board, ScoreBook(store))[0].spec
    assert spec["data"][0]["name"] == "circles · &lt;a href='x'&gt;&amp;amp;"


@pytest.mark.parametrize("count", [1, 12])
def test_many_rows(store: ResultStore, count: int) -> None:
    for place in range(count):
        add_cell(store, 1.0, events=60, task="wprime", parameters={"depth": place})
    (by_name,) = all_figures(store).values()
    visible = [trace["visible"] for trace in by_name["roc"].spec["data"][:-1]]
    assert len(visible) == count
    assert visible.count(True) == min(count, 8)
    go.Figure(by_name["roc"].spec)


def test_variants_share_a_style_and_an_entry_of_the_legend(store: ResultStore) -> None:
    """Colour is the representation, dashes and markers the model; the text at the pointer has the parameters."""
    for representation in ("circles", "calorimeter", "fourvectors", "graph"):
        for model in ("cnn", "bdt", "mpnn"):
            for depth in (7, 15):
                given = {"representation": representation, "model": model, "parameters": {"depth": depth}}
                add_cell(store, 1.0, events=60, task="wprime", **given)
    (by_name,) = all_figures(store).values()
    for name, look in (
        ("roc", lambda trace: (trace["line"]["color"], trace["line"]["dash"])),
        ("tradeoff-prediction", lambda trace: (trace["marker"]["color"], trace["marker"]["symbol"])),
    ):
        traces = [trace for trace in by_name[name].spec["data"] if trace["name"] != "guessing"]
        assert len(traces) == len({trace["text"] for trace in traces}) == 24
        assert all(trace["name"] == trace["legendgroup"] for trace in traces)
        entries = [trace["name"] for trace in traces if trace["showlegend"]]
        assert sorted(entries) == sorted({trace["name"] for trace in traces})
        assert len(entries) == 12
        looks = {trace["name"]: look(trace) for trace in traces}
        assert all(looks[trace["name"]] == look(trace) for trace in traces)
        assert len(set(looks.values())) == 12
        colours = {(name.partition(" ")[0], colour) for name, (colour, _) in looks.items()}
        patterns = {(name.rpartition(" ")[2], pattern) for name, (_, pattern) in looks.items()}
        assert (len(colours), len(patterns)) == (4, 3)
        go.Figure(by_name[name].spec)
