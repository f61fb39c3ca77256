"""The published results: whole, of the present protocol, and those that README shows."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmark.records.published import ACCEPTED
from benchmark.records.store import ResultStore
from leaderboard.ranking.boards import rank_with
from leaderboard.ranking.columns import write_rank
from leaderboard.ranking.scores import ScoreBook
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from benchmark.metrics.metric import Estimate
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row

README = Path(__file__).resolve().parents[2] / "README.md"
SECTION = re.compile(r"^### `([^`]+)`[^\n]*\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
MOST_BYTES = 40e6
TEST_EVENTS = {"dimuon": 1000}
"""Test events of each class, where they are not 5,000."""
TASK_NAMES = sorted(path.name for path in ACCEPTED.iterdir() if path.is_dir())


@cache
def boards() -> dict[str, Board]:
    """The published boards by their names."""
    store = ResultStore(ACCEPTED)
    return {board.name: board for board in rank_with(store.all(), ScoreBook(store))}


def core_rows(board: Board) -> list[Row]:
    """The rows of the core grid, without parameters, trained on all events."""
    representations, models = REPRESENTATIONS.core(), MODELS.core()
    return [
        row
        for row in board.rows
        if row.representation in representations and row.model in models and not board.other_training(row)
    ]


def test_published_results_take_less_than_40_mb() -> None:
    assert sum(path.stat().st_size for path in ACCEPTED.rglob("*") if path.is_file()) < MOST_BYTES


def test_every_published_result_agrees_with_its_scores() -> None:
    assert boards()
    for name, board in boards().items():
        assert [(row.representation, row.model, row.problems) for row in board.rows if row.problems] == [], name


@pytest.mark.parametrize("task", TASK_NAMES)
def test_a_published_board_has_all_cells_with_three_seeds(task: str) -> None:
    for name, board in boards().items():
        if board.task != task:
            continue
        rows = core_rows(board)
        assert len(rows) == 20, name
        assert {len(row.done) for row in rows} == {3}, name
        assert board.task_version == TASKS.load(task).version
        assert not board.outdated
        assert any(row.is_expert for row in board.rows) or board.expert_line.startswith("No expert line:")


@pytest.mark.parametrize("task", TASK_NAMES)
def test_a_published_board_has_references_curves_and_shifts(task: str) -> None:
    for name, board in boards().items():
        if board.task != task:
            continue
        lists = {row.model for row in board.rows if row.representation == "fourvectors"}
        assert lists >= {"constant", "cut", "random", "ffnn[recipe=paper]", "bdt[recipe=paper]"}, name
        raw = {row.model for row in board.rows if row.representation == "fourvectors[features=raw]"}
        assert raw >= {"bdt", "ffnn", "mpnn", "recnn"}, name
        curves = {(row.representation, row.model, row.train_events) for row in board.rows if board.other_training(row)}
        points = product(("fourvectors", "graph"), ("bdt", "ffnn", "mpnn"), (1000, 2000, 4000))
        assert curves >= set(points), name
        for row in core_rows(board):
            assert {frozenset(result.shifted) for result in row.done} == {frozenset(TASKS.load(task).shifts)}, name
            assert row.test_events == TEST_EVENTS.get(task, 5000) * len(board.classes), name


def rounded(score: Estimate) -> str:
    return f"{score.value:.3f} ± {max(score.high - score.value, score.value - score.low):.3f}"


def test_readme_shows_the_best_cell_of_each_representation() -> None:
    shown = dict(SECTION.findall(README.read_text()))
    assert set(shown) == set(boards())
    for name, board in boards().items():
        best: dict[str, Row] = {}
        for row in core_rows(board):
            best.setdefault(row.representation, row)
        expected = [(write_rank(row), row.representation, row.model, rounded(row.score)) for row in best.values()]
        lines = [[cell.strip() for cell in line.split("|")] for line in shown[name].splitlines() if "| " in line]
        found = [(line[1], line[2], line[3], line[4].partition(" (")[0]) for line in lines if line[2] in best]
        assert found == expected, name
