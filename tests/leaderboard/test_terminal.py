from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest

from benchmark.commands.output import print_boards
from benchmark.metrics.metric import MetricColumn
from benchmark.records.result import MetricValue, Result, Throughput
from leaderboard.ranking.boards import rank
from leaderboard.ranking.columns import all_columns, text_table
from leaderboard.terminal import board_text, fold
from tests.leaderboard.factory import make_result

if TYPE_CHECKING:
    from leaderboard.ranking.board import Board

NUMBER = re.compile(r"\d[\d,.]*")
AUCS = ("0.9951 +0.0021 −0.0036", "0.9938 +0.0025 −0.0041")


def numbers(text: str) -> set[str]:
    return {number.rstrip(",.") for number in NUMBER.findall(text)}


def wide_board() -> Board:
    def result(model: str, auc: tuple[float, float, float], **changes: object) -> Result:
        interval = {"low": 0.9, "high": 0.99123}
        metrics = {
            "auc": MetricValue(value=auc[0], low=auc[1], high=auc[2]),
            "rejection_50": MetricValue(value=1576.0, low=238.0, high=10483.0),
            "signal_accuracy": MetricValue(value=0.974, **interval),
            "accuracy": MetricValue(value=0.9651, **interval),
        }
        speed = Throughput(train_events_per_s=12345.6, predict_events_per_s=2345678.9, peak_memory_mb=1234.5)
        fields = {"metrics": metrics, "throughput": speed, "parameters_count": 1_074_003, "timings": {"fit": 2846.1}}
        return make_result(model=model, **{**fields, **changes})

    (board,) = rank(
        [
            result("cnn", (0.9951, 0.9915, 0.9972), parameters={"depth": 15, "dropout": 0.0, "kernel": "large"}),
            result("cnn", (0.9938, 0.9897, 0.9963), parameters={"depth": 50, "dropout": 0.3, "kernel": "small"}),
            make_result(model="recnn", status="timeout", reason="stopped after 3,600 s", parameters={}),
        ]
    )
    return board


@pytest.mark.parametrize("width", range(62, 240, 3))
def test_no_line_is_too_long_and_no_number_is_cut(width: int) -> None:
    board = wide_board()
    text = board_text(board, width)
    assert max(map(len, text.splitlines())) <= width
    assert all(auc in text for auc in AUCS)
    header, rows = text_table(board)
    whole = numbers(" ".join(itertools.chain(header, *rows, [board.title])))
    assert numbers(text.partition("All rows")[0]) <= whole
    for name in ("depth=15", "dropout=0.3", "kernel=large"):
        assert name in text


@pytest.mark.parametrize("width", [62, 80, 120, 150, 400])
def test_columns_are_in_the_table_or_listed_as_left_out(width: int) -> None:
    text = " ".join(board_text(wide_board(), width).split())
    table_text, _, left_out = text.partition("No room for:")
    for column in all_columns([]):
        if column.name in {"rejection_50", "accuracy", "train_events_per_s", "fit_s", "parameters_count"}:
            shown = COLUMN_TEXTS[column.name] in table_text
            assert shown != (column.header.replace(", ", " in ") in left_out), column.name
    assert bool(left_out) == (width < 200)
    assert not left_out or left_out.endswith("They are in `results --csv` and on the page.")


COLUMN_TEXTS = {
    "rejection_50": "1,576 +8,907 −1,338",
    "accuracy": "0.965 +0.026 −0.065",
    "train_events_per_s": "12,346",
    "fit_s": "2,846",
    "parameters_count": "1,074,003",
}


def test_more_room_never_shows_less() -> None:
    found = [board_text(wide_board(), width).count("1,576") for width in range(62, 240)]
    assert found == sorted(found)


def test_rows_without_numbers_have_their_reason_below() -> None:
    assert "circles · recnn: timeout: stopped after 3,600 s" in board_text(wide_board(), 100)


def test_columns_that_distinguish_rows_are_always_there() -> None:
    results = [make_result(auc=(0.8, 0.7, 0.9), device=device) for device in ("cpu", "cuda")]
    text = board_text(rank(results)[0], 62)
    assert "cpu" in text
    assert "cuda" in text


@pytest.mark.parametrize(
    ("name", "width", "lines"),
    [
        ("cnn", 14, ["cnn"]),
        ("cnn[depth=15,dropout=0.2]", 14, ["cnn[depth=15,", "dropout=0.2]"]),
        ("averyveryverylongname", 8, ["averyver", "yverylon", "gname"]),
        ("", 8, [""]),
    ],
)
def test_names_are_folded_after_commas(name: str, width: int, lines: list[str]) -> None:
    assert fold(name, width) == lines


def test_names_cannot_control_the_terminal() -> None:
    # no record that is read has such a name, but one in memory may
    made = make_result(auc=(0.8, 0.7, 0.9)).model_copy(update={"model": "\x1b[2Jcnn"})
    text = board_text(rank([made])[0], 100)
    assert "\x1b" not in text
    assert r"\x1b[2Jcnn" in text
    column = MetricColumn("x", "\x1b[2JX")
    metrics = {"auc": MetricValue(value=0.8), "x": MetricValue(value=1.0)}
    made = make_result(metrics=metrics).model_copy(update={"metric_columns": (column,)})
    assert "\x1b" not in board_text(rank([made])[0], 100)


def test_a_row_below_chance_is_marked_and_explained() -> None:
    (board,) = rank([make_result(auc=(0.38, 0.29, 0.47)), make_result(model="b", auc=(0.9, 0.8, 0.95))])
    text = board_text(board, 120)
    assert "0.380 ± 0.090 (inverted)" in text
    assert text.count("inverted: AUC is significantly below 0.5") == 1


def test_a_metric_from_a_file_goes_before_the_columns_of_others() -> None:
    board = wide_board()
    column = MetricColumn("brier", "Brier score", better="lower")
    more = {"metrics": {"brier": MetricValue(value=0.25, low=0.24, high=0.26)}, "metric_columns": (column,)}
    results = [r.model_copy(update={**more, "metrics": {**r.metrics, **more["metrics"]}}) for r in board.results]
    text = board_text(rank(results)[0], 80)
    assert "0.250 ± 0.010" in text
    assert "Rejection at 50%" in text.partition("No room for:")[2]


@pytest.mark.parametrize("width", [80, 120])
def test_it_is_as_wide_as_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_boards([wide_board()])
    printed = capsys.readouterr().out
    assert printed == board_text(wide_board(), width) + "\n"
