"""Columns of metrics that are not built in: a table has a bounded number of them, and says how many are left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmark.metrics.metric import MetricColumn
from benchmark.records.result import MetricValue, ShiftedTest
from benchmark.records.store import ResultStore
from leaderboard.export import to_csv, to_json, to_latex, to_markdown
from leaderboard.pages.sections import board_section
from leaderboard.ranking.boards import rank
from leaderboard.ranking.columns import all_columns, left_out_in_words, visible
from leaderboard.ranking.metric_columns import MOST_COLUMNS, Declared
from leaderboard.ranking.scores import ScoreBook
from leaderboard.terminal import board_text
from tests.leaderboard.factory import make_result

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.result import Result

SHARED = MetricColumn("shared", "What two rows have", better="higher")
LEFT_OUT = "columns of metrics that are not built in are left out; a table has at most 50 of them"


def results(rows: int, own: int = 10) -> list[Result]:
    """Rows with columns of their own, and one that the last two rows have."""
    made = []
    for row in range(rows):
        names = [f"own_{row}_{place}" for place in range(own)]
        columns = tuple(MetricColumn(name, f"{name} {'long ' * 60}".strip()) for name in names)
        if row >= rows - 2:
            columns, names = (*columns, SHARED), [*names, "shared"]
        values = {"auc": MetricValue(value=0.9)} | {name: MetricValue(value=0.5) for name in names}
        made.append(make_result(model=f"m{row:03}", metric_columns=columns, metrics=values))
    return made


def test_a_table_has_the_columns_that_most_rows_have(tmp_path: Path):
    (board,) = boards = rank(results(20))
    columns = visible(board)
    own = [column.name for column in columns if column.name.startswith(("own", "shared"))]
    assert len(own) == MOST_COLUMNS
    first = [f"own_{row}_{place}" for row in range(20) for place in range(10)][: MOST_COLUMNS - 1]
    assert own == [*first, "shared"]
    words = f"{200 + 1 - MOST_COLUMNS} {LEFT_OUT}"
    assert left_out_in_words(boards).startswith(words)
    text = board_text(board, 100)
    assert [line.startswith(words) for line in text.splitlines()].count(True) == 1
    assert max(map(len, text.partition("No room for")[2].splitlines())) < 2000
    assert words in to_markdown(boards)
    assert words in to_latex(boards)
    assert left_out_in_words(boards) in board_section(board, ResultStore(tmp_path), ScoreBook(None)).remarks
    assert to_csv(boards).partition("\n")[0].count("own_") == 3 * (MOST_COLUMNS - 1)
    assert all("shared" in record["metrics"] for record in json.loads(to_json(board.results))[-2:])


def test_a_table_with_few_columns_leaves_none_out():
    (board,) = boards = rank(results(4))
    assert left_out_in_words(boards) == ""
    assert len(all_columns(boards)) == len(all_columns([])) + 4 * 10 + 1
    assert "left out" not in board_text(board, 100) + to_markdown(boards) + to_latex(boards)


def test_the_members_of_families_are_bounded_too():
    column = MetricColumn("gain_<part>", "Gain of <part>")
    values = {"auc": MetricValue(value=0.9)} | {f"gain_{n}": MetricValue(value=0.5) for n in range(400)}
    (board,) = boards = rank([make_result(metric_columns=(column,), metrics=values)])
    assert len([each for each in visible(board) if each.name.startswith("gain_")]) == MOST_COLUMNS
    assert left_out_in_words(boards).startswith(f"350 {LEFT_OUT}")


def test_the_families_of_strangers_are_bounded():
    made = [make_result(metric_columns=tuple(MetricColumn(f"f{n}_<x>", f"F{n}") for n in range(100)))]
    declared = Declared(made)
    assert declared.of("f49_y").header == "F49"
    assert declared.of("f50_y").header == "f50_y"


@pytest.mark.parametrize("kind", ["columns", "families"])
def test_work_grows_with_the_rows_and_not_with_their_square(kind: str, monkeypatch: pytest.MonkeyPatch):
    real, calls = MetricColumn.matching, 0

    def counted(self: MetricColumn, name: str) -> MetricColumn | None:
        nonlocal calls
        calls += 1
        return real(self, name)

    monkeypatch.setattr(MetricColumn, "matching", counted)

    def work(rows: int) -> int:
        nonlocal calls
        calls = 0
        made = results(rows)
        if kind == "families":
            families = [(MetricColumn(f"own_{row}_<part>", "F"),) for row in range(rows)]
            made = [
                result.model_copy(update={"metric_columns": each}) for result, each in zip(made, families, strict=True)
            ]
        board_text(rank(made)[0], 100)
        return calls

    assert work(120) < 2.5 * work(60)


def test_a_table_has_the_columns_of_the_shifts_that_most_rows_have():
    shifted = ShiftedTest(events=9, metrics={"auc": MetricValue(value=0.8)})
    names = [f"own{number}" for number in range(60)]
    made = [make_result(auc=0.9, model=name, shifted={name: shifted}) for name in names]
    made += [make_result(auc=0.9, model=model, shifted={"shower": shifted}) for model in ("bdt", "cnn")]
    (board,) = boards = rank(made)
    drops = [column.name for column in visible(board) if column.name.startswith("drop_")]
    assert len(drops) == MOST_COLUMNS
    assert drops[0] == "drop_shower"
    assert left_out_in_words(boards).startswith(f"{60 + 1 - MOST_COLUMNS} columns of shifted simulations are left out")
    assert left_out_in_words(boards) in board_text(board, 100).replace("\n", " ")


def test_what_a_board_ranks_by_is_never_left_out():
    made = results(20)
    value = {"peak": MetricValue(value=0.5)}
    rare = made[-1].model_copy(
        update={
            "metric_columns": (MetricColumn("peak", "Peak", order=None),),
            "metrics": made[-1].metrics | value,
            "headline": "peak",
            "created": "2030-01-01",
        }
    )
    (board,) = rank([*made[:-1], rare])
    names = [column.name for column in visible(board)]
    assert board.headline == "peak"
    assert names.index("peak") == names.index("auc") - 1
    assert sum(name.startswith(("own", "shared")) for name in names) == MOST_COLUMNS
