from __future__ import annotations

import pytest

from benchmark.metrics.metric import Estimate
from benchmark.results import MetricValue
from leaderboard.columns import COLUMNS, best_text, table, visible, write_estimate, write_number
from leaderboard.ranking import rank
from tests.leaderboard.factory import make_result


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.85312, 0.84902, 0.85722), "0.8531 ± 0.0041"),
        (Estimate(0.9, 0.88, 0.91), "0.900 +0.010 −0.020"),
        (Estimate(123.0, 100.0, 160.0), "123 +37 −23"),
        (Estimate(0.5, 0.5, 0.5), "0.5000 ± 0.0000"),
        (Estimate(12.3456), "12.3"),
        (Estimate(12.0, 10.0, None), "12.0 +∞ −2.0"),
        (Estimate(None, low=812.0), "> 812"),
        (Estimate(None), "–"),
    ],
)
def test_estimates(estimate: Estimate, text: str) -> None:
    assert write_estimate(estimate) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (0.7123, "0.712"), (12.34, "12.3"), (12345.6, "12,346"), (3e9, "3.00e+09"), (float("inf"), "–")],
)
def test_numbers(number: float, text: str) -> None:
    assert write_number(number) == text


def test_names_are_unique_and_each_says_what_it_is() -> None:
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)
    assert all(column.help and column.header for column in COLUMNS)


def test_columns_without_values_are_left_out() -> None:
    (board,) = rank([make_result(auc=(0.8, 0.7, 0.9))])
    names = [column.name for column in visible(board)]
    assert "cvm" not in names
    assert "accuracy" not in names
    assert names[:4] == ["rank", "representation", "model", "auc"]


def test_table_is_plain_text() -> None:
    board = rank([make_result(auc=(0.8, 0.7, 0.9)), make_result(model="bdt", status="skipped", reason="no tracks")])[0]
    header, rows = table(board)
    first, last = (dict(zip(header, row, strict=True)) for row in rows)
    assert (first["Rank"], first["AUC"], first["Seeds"], first["Status"]) == ("1", "0.80 ± 0.10", "1", "done")
    assert (last["Rank"], last["AUC"], last["Seeds"], last["Status"]) == ("–", "–", "0 of 1", "skipped: no tracks")


def test_a_long_reason_is_cut() -> None:
    (board,) = rank([make_result(status="failed", reason="x" * 5000)])
    assert len(table(board)[1][0][-1]) == 300


def test_smoke_has_no_rank_column() -> None:
    (board,) = rank([make_result(auc=(0.8, 0.7, 0.9), preset="smoke")])
    assert "Rank" not in table(board)[0]


def test_best_follows_the_direction() -> None:
    def result(model: str, cvm: float) -> object:
        return make_result(model=model, metrics={"auc": MetricValue(value=0.5 + cvm), "cvm": MetricValue(value=cvm)})

    (board,) = rank([result("a", 0.1), result("b", 0.2)])  # type: ignore[list-item]
    columns = {column.name: column for column in COLUMNS}
    assert best_text(columns["cvm"], board.rows) == "0.100"
    assert best_text(columns["auc"], board.rows) == "0.700"
    assert best_text(columns["device"], board.rows) is None
