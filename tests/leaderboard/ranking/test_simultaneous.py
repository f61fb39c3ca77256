"""Rows compared all at once: against pairs by themselves, with nested test events, and boards of equal rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from leaderboard.ranking.boards import rank
from leaderboard.ranking.comparison import compare, significantly_better
from leaderboard.ranking.scores import ScoreBook
from leaderboard.ranking.simultaneous import _cells, better
from tests.leaderboard.factory import make_result, scores_of
from tests.leaderboard.ranking.test_protocol import first_of, stored

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from benchmark.records.store import ResultStore
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row


def board_of(store: ResultStore) -> Board:
    (board,) = rank(store.all(), store)
    return board


def sorted_rows(board: Board) -> list[Row]:
    return sorted(board.rows, key=lambda row: row.model)


def test_differences_and_variances_are_those_of_pairs(store: ResultStore) -> None:
    """One with three seeds, one of one seed with fewer events, two of one seed."""
    for seed in range(3):
        stored(store, scores_of(2, 1.0 + 0.1 * seed, seed=seed, events=3000), model="a", seed=seed, fingerprint="large")
    stored(store, scores_of(2, 1.2, seed=4, events=3000), model="b", fingerprint="large")
    stored(store, scores_of(2, 1.0, seed=5, events=3000), model="c", fingerprint="large")
    stored(store, first_of(scores_of(2, 1.1, seed=6, events=3000), 800), model="d", fingerprint="small")
    rows, book = sorted_rows(board_of(store)), ScoreBook(store)
    together, cells = _cells(rows, book)
    assert together == [0, 1, 2, 3]
    for a in range(4):
        for b in range(a + 1, 4):
            pair = compare(rows[a], rows[b], book)
            assert np.isclose(cells.difference[a, b], pair.value, rtol=0, atol=1e-12), (a, b)
            # spreads are of the logit of the whole row here, and of the area on common events there
            assert np.isclose(np.sqrt(cells.variance[a, b]), pair.standard_error, rtol=0.1), (a, b)
    alone = [replace(row, borrowed=None) for row in rows[1:]]
    _, cells = _cells(alone, book)
    for a in range(3):
        for b in range(a + 1, 3):
            pair = compare(alone[a], alone[b], book)
            assert np.isclose(np.sqrt(cells.variance[a, b]), pair.standard_error, rtol=1e-9), (a, b)


def test_what_holds_for_all_together_holds_for_pairs(store: ResultStore) -> None:
    for place in range(8):
        stored(store, scores_of(2, 1.0 + 0.02 * place, seed=place, shared=0.6), model=f"m{place}")
    rows, book = board_of(store).rows, ScoreBook(store)
    together = better(rows, book)
    pairs = np.array([[a is not b and significantly_better(a, b, book) for b in rows] for a in rows])
    assert 0 < together.sum() < pairs.sum()
    assert not (together & ~pairs).any()
    for place, row in enumerate(rows):
        assert row.rank == (1 + together[:, place].sum(), len(rows) - together[place].sum())


def test_ten_equal_rows_are_one_class(tmp_path: Path, store: ResultStore) -> None:
    """Ten boards, of which pairs by themselves would rank more than half."""
    tied = by_pairs = 0
    for number in range(10):
        results = type(store)(tmp_path / str(number))
        for place in range(10):
            stored(results, scores_of(2, 1.0, seed=100 * number + place, events=600), model=f"m{place}")
        rows = board_of(results).rows
        tied += {row.rank for row in rows} == {(1, 10)}
        by_pairs += not any(significantly_better(a, b, ScoreBook(results)) for a in rows for b in rows if a is not b)
    assert tied >= 8
    assert by_pairs < tied


def test_rows_without_scores_are_compared_by_their_intervals(store: ResultStore) -> None:
    results = [
        make_result(model=model, auc=(v, v - 0.01, v + 0.01)) for model, v in (("a", 0.5), ("b", 0.9), ("c", 0.3))
    ]
    (board,) = rank(results)
    assert {row.model: row.rank for row in board.rows} == {"b": (1, 1), "a": (2, 2), "c": (3, 3)}
    assert _cells(board.rows, ScoreBook(store)) == ([], None)


def test_identical_rows_and_no_rows(store: ResultStore) -> None:
    scores = scores_of(2, 1.0, seed=1)
    for model in ("a", "b"):
        stored(store, scores, model=model)
    rows = board_of(store).rows
    assert not better(rows, ScoreBook(store)).any()
    assert better([], ScoreBook(store)).shape == (0, 0)
    assert not better(rows[:1], ScoreBook(None)).any()


def test_three_nested_sets(store: ResultStore) -> None:
    """The smaller sets are where their rows say so, whatever a record says of its number of events."""
    for place, events in enumerate((3000, 1500, 600)):
        for model in ("a", "b"):
            whole = scores_of(2, 1.0 + 0.3 * (model == "b"), seed=2 * place + (model == "b"), events=3000)
            fields = {"fingerprint": f"f{events}", "events": {"train": 4000} if events == 3000 else {"test": events}}
            stored(store, first_of(whole, events), model=f"{model}{events}", **fields)
    rows, book = sorted_rows(board_of(store)), ScoreBook(store)
    together, cells = _cells(rows, book)
    assert len(together) == 6
    for a in range(6):
        for b in range(a + 1, 6):
            pair = compare(rows[a], rows[b], book)
            assert np.isclose(cells.difference[a, b], pair.value, rtol=0, atol=1e-12), (a, b)
            assert np.isclose(np.sqrt(cells.variance[a, b]), pair.standard_error, rtol=1e-9), (a, b)


def test_a_seed_that_separates_perfectly_still_has_a_spread(store: ResultStore) -> None:
    """An area of 1 has no logit: two perfect seeds and one of 0.93 are no better than three of 0.985."""
    for seed, strength in enumerate((30.0, 30.0, 2.1)):
        stored(store, scores_of(2, strength, seed=seed, events=600), model="a", seed=seed)
    for seed in range(3):
        stored(store, scores_of(2, 3.0, seed=10 + seed, events=600), model="b", seed=seed)
    rows, book = sorted_rows(board_of(store)), ScoreBook(store)
    assert max(result.metrics["auc"].value for result in rows[0].done) == 1
    assert compare(rows[0], rows[1], book).p_value > 0.3
    assert {row.rank for row in rows} == {(1, 2)}


def test_rows_whose_areas_are_unknown_are_left_to_pairs(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(store, scores_of(2, 1.0, seed=1), model="a")
    stored(store, scores_of(2, 3.0, seed=2), model="b")
    rows, book = board_of(store).rows, ScoreBook(store)
    monkeypatch.setattr(book, "area", lambda *_: None)
    assert _cells(rows, book) == ([], None)
    assert better(rows, book).sum() == 1, "b above a, by intervals"
