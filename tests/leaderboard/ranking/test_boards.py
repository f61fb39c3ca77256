from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmark.metrics.comparison import auc_difference
from benchmark.records.scores import Scores
from benchmark.records.verification import headline_area
from leaderboard.ranking import scores as scores_module
from leaderboard.ranking.boards import rank, rank_intervals, rank_with, significantly_better
from leaderboard.ranking.columns import write_rank
from leaderboard.ranking.rows import make_rows
from leaderboard.ranking.scores import ScoreBook
from tests.leaderboard.factory import make_result, metrics_of, scores_of

if TYPE_CHECKING:
    from benchmark.metrics.auc import Area
    from benchmark.records.result import Result
    from benchmark.records.store import ResultStore
    from leaderboard.ranking.board import Board

MODELS = ("a", "b", "c", "d", "e")


def ranks(board: Board) -> dict[str, str | None]:
    return {row.model: write_rank(row) for row in board.rows}


def with_interval(model: str, value: float, half: float, **changes: object) -> Result:
    return make_result(model=model, auc=(value, value - half, value + half), **changes)


def test_ranks_and_ties_by_hand() -> None:
    # a [0.89, 0.91], b [0.869, 0.891], c [0.83, 0.85], d [0.82, 0.84], e [0.70, 0.80]
    # a and b overlap, c and d overlap, nothing else does
    results = [
        with_interval("e", 0.75, 0.05),
        with_interval("d", 0.83, 0.01),
        with_interval("a", 0.90, 0.01),
        with_interval("c", 0.84, 0.01),
        with_interval("b", 0.88, 0.011),
    ]
    (board,) = rank(results)
    assert [row.model for row in board.rows] == list(MODELS)
    assert ranks(board) == {"a": "1-2", "b": "1-2", "c": "3-4", "d": "3-4", "e": "5"}


def test_a_row_tied_with_both_neighbours_may_have_the_ranks_of_both() -> None:
    # b overlaps a and c, c lies below a: a has one worse row, b none on either side, c one better row
    results = [with_interval("a", 0.90, 0.02), with_interval("b", 0.87, 0.02), with_interval("c", 0.84, 0.02)]
    assert ranks(rank(results)[0]) == {"a": "1-2", "b": "1-3", "c": "2-3"}


def test_a_wide_row_below_a_narrow_one_is_still_tied_with_the_best() -> None:
    # b [0.869, 0.871] lies below a [0.88, 0.92]; c [0.76, 0.96] stands below b and is tied with all
    results = [with_interval("a", 0.90, 0.02), with_interval("b", 0.87, 0.001), with_interval("c", 0.86, 0.10)]
    assert ranks(rank(results)[0]) == {"a": "1-2", "b": "2-3", "c": "1-3"}


def test_another_row_never_changes_whether_two_rows_are_tied(store: ResultStore) -> None:
    results = [stored(store, m, scores_of(2, 1.0 + 0.1 * k, seed=k, shared=0.8)) for k, m in enumerate(MODELS)]
    results.append(stored(store, "other", scores_of(2, 1.2, seed=9, shared=0.2)))  # wrong about other events

    def separated(chosen: list[Result]) -> set[tuple[str, str]]:
        book = ScoreBook(store)
        (board,) = rank_with(chosen, book)
        pairs = {(a.model, b.model) for a in board.rows for b in board.rows if significantly_better(a, b, book)}
        for row in board.rows:  # ranks follow from the numbers of better and worse rows alone
            first = 1 + sum(worse == row.model for _, worse in pairs)
            last = len(board.rows) - sum(better == row.model for better, _ in pairs)
            assert row.rank == (first, last)
        return pairs

    everyone = separated(results)
    assert 0 < len(everyone) < len(results) * (len(results) - 1) / 2
    for left_out in results:
        rest = [result for result in results if result is not left_out]
        assert separated(rest) == {pair for pair in everyone if left_out.model not in pair}


def test_without_intervals_all_rows_are_tied() -> None:
    (board,) = rank([make_result(model="a", auc=0.9), make_result(model="b", auc=0.5)])
    assert ranks(board) == {"a": "1-2", "b": "1-2"}


def test_one_row() -> None:
    assert ranks(rank([with_interval("a", 0.9, 0.01)])[0]) == {"a": "1"}


def test_no_results() -> None:
    assert rank([]) == []


def test_rows_without_numbers_are_last_with_their_reason() -> None:
    results = [
        make_result(model="a", status="skipped", reason="no tracks"),
        with_interval("b", 0.6, 0.01),
        make_result(model="c", status="timeout", reason="stopped after 60 s"),
        make_result(model="d", status="done"),
    ]
    (board,) = rank(results)
    assert board.rows[0].model == "b"
    assert {row.model: row.reason for row in board.rows[1:]} == {
        "a": "skipped: no tracks",
        "c": "timeout: stopped after 60 s",
        "d": "no AUC: not recorded",
    }
    assert [row.rank for row in board.rows[1:]] == [None, None, None]


def test_smoke_ranks_nothing_and_is_not_ordered_by_score() -> None:
    results = [with_interval(m, v, 0.01, preset="smoke") for m, v in (("a", 0.5), ("b", 0.9))]
    (board,) = rank(results)
    assert not board.ranked
    assert board.best is None
    assert [(row.model, row.rank) for row in board.rows] == [("a", None), ("b", None)]


@pytest.mark.parametrize(
    "change",
    [
        {"task_version": "2"},
        {"fingerprint": "another"},
        {"level": "hadron"},
        {"preset": "paper"},
        {"variant": {"jets": 2}},
        {"source": "CMS open data"},
        {"task": "wprime"},
    ],
)
def test_what_makes_another_board(change: dict[str, object]) -> None:
    assert len(rank([make_result(auc=0.8), make_result(auc=0.8, model="b", **change)])) == 2


@pytest.mark.parametrize("change", [{"device": "cuda"}, {"model": "b"}, {"seed": 1}, {"created": "2026"}])
def test_what_stays_on_the_board(change: dict[str, object]) -> None:
    assert len(rank([make_result(auc=0.8), make_result(auc=0.8, **change)])) == 1


def test_a_cell_without_events_is_on_every_board_it_may_belong_to() -> None:
    skipped = make_result(model="b", status="skipped", reason="empty", fingerprint="", source="none")
    boards = rank(
        [skipped, make_result(auc=0.8), make_result(auc=0.8, fingerprint="other"), make_result(auc=0.8, preset="paper")]
    )
    assert sorted((board.preset, len(board.rows)) for board in boards) == [("paper", 1), ("quick", 2), ("quick", 2)]
    assert len(rank([skipped])) == 1  # and on its own board if there is none


def test_an_older_version_is_outdated_and_last() -> None:
    boards = rank(
        [
            make_result(auc=0.8, task_version="9", created="2025-01-01"),
            make_result(auc=0.8, task_version="10", created="2025-02-01"),
        ]
    )
    assert [(board.task_version, board.outdated) for board in boards] == [("10", False), ("9", True)]


def test_order_of_results_does_not_matter() -> None:
    results = [with_interval(m, 0.8 + 0.01 * k, 0.01) for k, m in enumerate(MODELS)]
    assert rank(results) == rank(reversed(results))


def stored(store: ResultStore, model: str, scores: Scores, **changes: object) -> Result:
    bare = make_result(model=model, task="wprime", **{"events": {"test": len(scores.log_ratios)}, **changes})
    return store.add(bare.model_copy(update={"metrics": metrics_of(scores, bare.classes, signal=True)}), scores)


def paired_scores() -> tuple[Scores, Scores]:
    """Two models that are wrong about the same events, one less often; their intervals overlap."""
    return scores_of(2, 1.3, seed=1, shared=1.0), scores_of(2, 1.15, seed=2, shared=1.0)


def test_paired_scores_separate_rows_with_overlapping_intervals(store: ResultStore) -> None:
    better, worse = paired_scores()
    results = [stored(store, "a", better), stored(store, "b", worse)]
    low, high = results[0].metrics["auc"].low, results[1].metrics["auc"].high
    assert low is not None
    assert high is not None
    assert low < high
    difference = auc_difference(better.events.labels, better.probabilities, worse.probabilities)
    assert difference.low > 0
    assert ranks(rank(results, store)[0]) == {"a": "1", "b": "2"}
    assert ranks(rank(results)[0]) == {"a": "1-2", "b": "1-2"}


def test_events_in_another_order_are_the_same_events(store: ResultStore) -> None:
    better, worse = paired_scores()
    order = np.random.default_rng(0).permutation(len(worse.log_ratios))
    columns = {name: column[order] for name, column in worse.events.columns().items()}
    shuffled = Scores.of(**columns, probabilities=worse.probabilities[order])
    results = [stored(store, "a", better), stored(store, "b", shuffled)]
    assert ranks(rank(results, store)[0]) == {"a": "1", "b": "2"}


def test_other_events_are_never_paired(store: ResultStore) -> None:
    better, worse = paired_scores()
    moved = Scores.of(worse.events.event_ids + 1, worse.events.labels, worse.probabilities)
    results = [stored(store, "a", better), stored(store, "b", moved)]
    rows = [row for result in results for row in make_rows([result])]
    assert rank_intervals(rows, ScoreBook(store)) == [(1, 2), (1, 2)]


def test_rows_without_their_scores_have_no_rank(store: ResultStore) -> None:
    better, worse = paired_scores()
    results = [stored(store, "a", better), stored(store, "b", worse)]
    (store.folder / "wprime" / f"{results[1].stem}.npz").write_bytes(b"not an archive")
    assert ranks(rank(results, store)[0]) == {"a": "1", "b": None}
    assert ranks(rank(results)[0]) == {"a": "1-2", "b": "1-2"}  # without a store there is nothing to check


def test_rows_trained_on_other_numbers_of_events_have_no_rank() -> None:
    def row(model: str, auc: float, events: int) -> Result:
        return make_result(model=model, auc=(auc, auc - 0.01, auc + 0.01), events={"train": events, "test": 1500})

    (board,) = rank([row("bdt", 0.8, 5120), row("cnn", 0.7, 5120), row("mpnn", 0.9, 20_000), row("ffnn", 0.6, 1000)])
    assert [(r.model, r.rank) for r in board.rows] == [
        ("bdt", (1, 1)),
        ("cnn", (2, 2)),
        ("mpnn", None),
        ("ffnn", None),
    ]
    assert board.rows[2].remark == "trained on 20,000 events, ranked rows on 5,120"


def test_an_expert_line_trained_on_other_events_is_no_line() -> None:
    def row(auc: float, events: int, representation: str) -> Result:
        found = {"train": events, "test": 1500}
        return make_result(representation=representation, model="bdt", auc=(auc, auc - 0.01, auc + 0.01), events=found)

    low = [row(auc, 5120, name) for auc, name in ((0.7, "circles"), (0.6, "graph"))]
    (board,) = rank([*low, row(0.9, 20_000, "expert")])
    assert [(r.representation, r.below_expert) for r in board.rows] == [
        ("circles", False),
        ("graph", False),
        ("expert", False),
    ]
    (board,) = rank([*low, row(0.9, 5120, "expert")])
    assert [r.below_expert for r in board.rows if not r.is_expert] == [True, True]


def test_the_larger_of_two_numbers_of_training_events_is_ranked() -> None:
    small, large = (make_result(auc=auc, events={"train": n, "test": 1500}) for auc, n in ((0.8, 1000), (0.7, 2000)))
    (board,) = rank([small, large])
    assert [(row.train_events, row.rank) for row in board.rows] == [(2000, (1, 1)), (1000, None)]


def test_seeds_that_scatter_make_a_tie(store: ResultStore) -> None:
    # the same two models as above, but a's seeds scatter by more than the difference
    better, worse = paired_scores()
    wide = [stored(store, "a", better), stored(store, "a", scores_of(2, 1.0, seed=3, shared=1.0), seed=1)]
    wide.append(stored(store, "a", scores_of(2, 1.6, seed=4, shared=1.0), seed=2))
    board = rank([*wide, stored(store, "b", worse)], store)[0]
    assert ranks(board) == {"a": "1-2", "b": "1-2"}


def test_noise_raises_no_alarm(store: ResultStore) -> None:
    results = [stored(store, name, scores_of(2, 1.2, seed=seed, shared=0.9)) for seed, name in enumerate(MODELS)]
    assert set(ranks(rank(results, store)[0]).values()) == {"1-5"}


def test_macro_boards_are_paired_too(store: ResultStore) -> None:
    results = []
    for name, strength in (("a", 2.0), ("b", 1.85)):
        scores = scores_of(5, strength, seed=1, shared=1.0)
        bare = make_result(task="dimuon", model=name)
        results.append(
            store.add(bare.model_copy(update={"metrics": metrics_of(scores, bare.classes, signal=False)}), scores)
        )
    (board,) = rank(results, store)
    assert board.macro
    assert ranks(board) == {"a": "1", "b": "2"}


def test_areas_are_made_once_a_row(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(result: Result, scores: Scores) -> Area | None:
        calls.append(result.model)
        return headline_area(result, scores)

    monkeypatch.setattr(scores_module, "headline_area", counted)
    results = [stored(store, m, scores_of(2, 1.0 + 0.1 * k, seed=k, shared=0.8)) for k, m in enumerate(MODELS)]
    rank(results, store)
    assert sorted(calls) == sorted(MODELS)


def test_other_weights_are_other_events(store: ResultStore) -> None:
    better, worse = paired_scores()
    events = worse.events
    heavier = Scores.of(events.event_ids, events.labels, worse.probabilities, events.weights * 2)
    results = [stored(store, "a", better), stored(store, "b", heavier)]
    rows = [row for result in results for row in make_rows([result])]
    assert rank_intervals(rows, ScoreBook(store)) == [(1, 2), (1, 2)]
