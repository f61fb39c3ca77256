"""Tasks with a bound on the dependence of the score on the mass: ranks, tables and figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import pytest

from benchmark.records.result import MetricValue
from leaderboard.pages.decorrelation import mass_figure
from leaderboard.pages.site import build
from leaderboard.ranking.boards import rank
from leaderboard.ranking.columns import all_columns, best_text, bounds_in_words, shared_in_words, text_table
from leaderboard.terminal import board_text
from tests.leaderboard.factory import add_scored, make_result

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.result import Result
    from benchmark.records.store import ResultStore
    from leaderboard.ranking.board import Board

CHANCE = {"cvm_independent": MetricValue(value=0.00075)}


def scored(model: str, auc: float, cvm: float | None, **changes: Any) -> Result:
    reason = None if cvm is not None else "57 test events, expected 200 or more of diphoton"
    metrics = {
        "auc": MetricValue(value=auc, low=auc - 0.01, high=auc + 0.01),
        "cvm": MetricValue(value=cvm, low=0.0 if cvm else None, high=2 * cvm if cvm else None, reason=reason),
        **CHANCE,
    }
    return make_result(model=model, metrics=metrics, **{"task": "diphoton", "bounds": {"cvm": 0.002}, **changes})


def four() -> list[Result]:
    return [scored("a", 0.92, 0.08), scored("b", 0.80, 0.002), scored("c", 0.70, 0.001), scored("d", 0.85, None)]


def ranks(board: Board) -> list[tuple[str, tuple[int, int] | None]]:
    return [(row.model, row.rank) for row in board.rows]


def test_only_rows_within_the_bound_are_ranked() -> None:
    (board,) = rank(four())
    assert ranks(board) == [("b", (1, 1)), ("c", (2, 2)), ("a", None), ("d", None)]
    assert [board.beyond(row) for row in board.rows] == [False, False, True, True]
    assert board.best is not None
    assert board.best.model == "b"


def test_without_a_bound_all_are_ranked_and_in_smoke_none() -> None:
    (board,) = rank([result.model_copy(update={"bounds": {}}) for result in four()])
    assert [row.model for row in board.rows] == ["a", "d", "b", "c"]
    assert not any(map(board.beyond, board.rows))
    (smoke,) = rank([scored("a", 0.9, 0.08, preset="smoke")])
    assert smoke.bounds == {}
    assert not smoke.beyond(smoke.rows[0])


def test_the_mean_over_seeds_counts() -> None:
    seeds = [scored("a", 0.9, cvm, seed=seed) for seed, cvm in enumerate((0.001, 0.0029))]
    (board,) = rank(seeds)
    assert ranks(board) == [("a", (1, 1))]
    (board,) = rank([*seeds, scored("a", 0.9, 0.0022, seed=2)])
    assert ranks(board) == [("a", None)]


def test_the_newest_record_has_the_bound() -> None:
    old = scored("a", 0.9, 0.08, bounds={}, created="2024-01-01T00:00:00+00:00")
    (board,) = rank([old, scored("b", 0.8, 0.001)])
    assert ranks(board) == [("b", (1, 1)), ("a", None)]


def test_a_skipped_row_is_not_beyond() -> None:
    (board,) = rank([*four(), make_result(model="e", task="diphoton", status="skipped", reason="no hits")])
    assert ranks(board)[-1] == ("e", None)
    assert not board.beyond(board.rows[-1])


def test_words_and_tables() -> None:
    (board,) = rank(four())
    assert bounds_in_words(board) == "CVM at most 0.002"
    assert "CVM of chance 0.00075" in shared_in_words(board)
    text = board_text(board, 60)
    assert "Ranked: CVM at most 0.002." in text
    assert "CVM" in text.splitlines()[2]  # it is never left out
    header, rows = text_table(board)
    assert [row[header.index("Rank")] for row in rows] == ["1", "2", "–", "–"]
    auc = next(column for column in all_columns([board]) if column.name == "auc")
    assert best_text(auc, board.rows, [not board.beyond(row) for row in board.rows]) == "0.800 ± 0.010"


def test_the_page_has_two_tables(store: ResultStore, tmp_path: Path) -> None:
    for result in four():
        add_scored(store, result)
    page = (build(store, tmp_path).parent / "diphoton.html").read_text(encoding="utf-8")
    within, beyond = page.split("Not ranked: score depends on the mass", 1)
    assert "Ranked: CVM at most 0.002" in within
    for model in "bc":
        assert f">{model}</a></th>" in within
    for model in "ad":
        assert f">{model}</a></th>" not in within
        assert f">{model}</a></th>" in beyond
    links = [part.split('"')[0] for part in page.split('href="#')[1:] if "-row-" in part.split('"')[0]]
    assert len(links) == 4
    assert all(f'id="{link}"' in page for link in links)


def test_a_page_without_a_row_within(store: ResultStore, tmp_path: Path) -> None:
    add_scored(store, scored("a", 0.92, 0.08))
    index = build(store, tmp_path).read_text(encoding="utf-8")
    assert "no row is within the bound" in index
    assert "No row is within the bound." in (tmp_path / "diphoton.html").read_text(encoding="utf-8")


def test_the_figure_joins_strengths_of_one_cell() -> None:
    strengths = {0.0: (0.92, 0.08), 5.0: (0.75, 0.001), 0.5: (0.85, 0.01)}
    results = [
        scored("cnn", auc, cvm, parameters={"depth": 15, "decorrelation": strength})
        for strength, (auc, cvm) in strengths.items()
    ]
    (board,) = rank([*results, scored("bdt", 0.7, 0.002)])
    figure = mass_figure(board)
    assert figure is not None
    made = go.Figure(figure.spec)  # raises for a property that isn't plotly's
    (line,) = [trace for trace in made.data if trace.mode == "lines"]
    assert list(line.x) == [0.08, 0.01, 0.001]  # by strength, not by rank
    assert list(line.y) == [0.92, 0.85, 0.75]
    points = {trace.text: (trace.x[0], trace.y[0]) for trace in made.data if trace.mode == "markers"}
    assert points["circles · bdt"] == (0.002, 0.7)
    assert len(points) == 4
    assert [(shape.x0, shape.line.dash) for shape in made.layout.shapes] == [(0.002, "solid"), (0.00075, "dot")]
    left, right = made.layout.xaxis.range
    assert 10**left < 0.00075 < 0.08 < 10**right
    (bars,) = {trace.error_x.arrayminus[0] for trace in made.data if trace.name == "circles · bdt"}
    assert bars == pytest.approx(0.002, rel=0.01)  # down to 0, which a logarithmic axis does not have


def test_no_figure_without_a_mass() -> None:
    (board,) = rank([make_result(auc=0.9)])
    assert mass_figure(board) is None
