"""What makes a ranking believable: headlines, finished trainings, seeds, nested test events, expert lines, shifts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmark.metrics.metric import Estimate
from benchmark.records.collection import Results
from benchmark.records.result import MetricValue, ShiftedTest
from benchmark.records.scores import IDS_OF_A_PROCESS, Scores
from benchmark.records.training import Training
from leaderboard.export import to_csv, to_latex, to_markdown
from leaderboard.ranking.boards import rank
from leaderboard.ranking.columns import all_columns, remarks, text_table, write_rank, write_seeds
from leaderboard.ranking.comparison import compare, pooled_spread
from leaderboard.ranking.scores import ScoreBook
from leaderboard.ranking.seeds import difference
from leaderboard.terminal import board_text
from tests.leaderboard.factory import make_result, metrics_of, scores_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.records.result import Result
    from benchmark.records.store import ResultStore
    from leaderboard.ranking.board import Board


def course(*, converged: bool, best: int = 20, epochs: int = 25) -> Training:
    return Training(epochs=epochs, best=best, cap=60 if converged else epochs, converged=converged)


def stored(store: ResultStore, scores: Scores, **changes: object) -> Result:
    bare = make_result(**{"task": "wprime", "events": {"train": 4000, "test": len(scores.log_ratios)}, **changes})
    metrics = metrics_of(scores, bare.classes, signal=bare.has_signal)
    return store.add(bare.model_copy(update={"metrics": {**bare.metrics, **metrics}}), scores)


def first_of(scores: Scores, count: int) -> Scores:
    """The scores of the first events alone."""
    events = scores.events
    return Scores.of(events.event_ids[:count], events.labels[:count], scores.probabilities[:count])


def named(board: Board) -> dict[str, str | None]:
    return {row.model: write_rank(row) for row in board.rows}


# --- headlines --------------------------------------------------------------------------------------------------------


def test_rows_are_ranked_by_the_headline_of_the_task(store: ResultStore) -> None:
    """Cell a is better for the signal, cell b for the mean over classes; scores are paired by what is ranked."""
    for headline, best in (("auc", "a"), ("auc_macro", "b")):
        for name, weights in (("a", [4.0, 0.3, 0.3]), ("b", [1.5, 2.0, 2.0])):
            scores = weighted(weights)
            stored(store, scores, task="ttbar", model=name, headline=headline, task_version=headline)
        (board,) = rank([result for result in store.all() if result.headline == headline], store)
        assert board.headline == headline
        assert [row.model for row in board.rows if row.rank == (1, 1)] == [best]
        row = board.rows[0]
        assert row.score.value == row.estimate(headline).value
        columns = [column.name for column in all_columns([board]) if column.metric]
        assert columns[0] == headline
        assert {"auc", "auc_macro"} & set(columns) == {"auc", headline}, "the other areas are in the details"
        words = "AUC, mean over classes" if headline == "auc_macro" else "AUC"
        assert words in " ".join(board_text(board, 90).split())


def weighted(strengths: list[float], events: int = 1500) -> Scores:
    """Scores that recognise each class with its own strength."""
    rng = np.random.default_rng(1)
    labels = np.arange(events) % 3
    logits = np.array(strengths) * (labels[:, None] == np.arange(3)) + rng.normal(size=(events, 3))
    return Scores.of(np.arange(events), labels, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))


def test_a_headline_that_is_no_area_needs_intervals_that_do_not_overlap() -> None:
    def result(model: str, value: float) -> Result:
        number = MetricValue(value=value, low=value - 0.01, high=value + 0.01)
        return make_result(model=model, headline="accuracy", metrics={"accuracy": number})

    (board,) = rank([result("a", 0.80), result("b", 0.79), result("c", 0.70)])
    assert named(board) == {"a": "1-2", "b": "1-2", "c": "3"}
    lower = [
        make_result(model=model, headline="cvm", metrics={"cvm": MetricValue(value=v, low=v / 2, high=2 * v)})
        for model, v in (("a", 0.001), ("b", 0.1))
    ]
    (board,) = rank(lower)
    assert named(board) == {"a": "1", "b": "2"}, "the CVM is better where it is smaller"


# --- finished trainings -----------------------------------------------------------------------------------------------


def test_rows_whose_training_was_cut_come_after_all_others(store: ResultStore) -> None:
    stored(store, scores_of(2, 2.0, seed=1), model="cut", training=course(converged=False))
    stored(store, scores_of(2, 1.0, seed=2), model="slow", training=course(converged=True))
    stored(store, scores_of(2, 0.4, seed=3), model="tree")  # without epochs
    stored(store, scores_of(2, 0.2, seed=4), model="short", training=course(converged=False, best=7, epochs=7))
    (board,) = rank(store.all(), store)
    assert named(board) == {"slow": "1", "tree": "2", "cut": "3", "short": "4"}
    header, rows = text_table(board)
    lines = {row[2]: dict(zip(header, row, strict=True)) for row in rows}
    assert lines["cut"]["AUC"].endswith("(not converged)")
    assert lines["cut"]["Best epoch"] == "20 of 25 (25)"
    assert lines["slow"]["Best epoch"] == "20 of 25 (60)"
    assert "not converged: its cap ended the training" in lines["cut"]["Status"]
    assert "circles · cut: done; not converged" in " ".join(board_text(board, 200).split())


def test_one_seed_that_was_cut_is_named() -> None:
    results = [make_result(auc=0.8, seed=seed, training=course(converged=seed != 2)) for seed in range(3)]
    (board,) = rank(results)
    assert board.rows[0].remark == "not converged: its cap ended the training of seed 2"


# --- seeds ------------------------------------------------------------------------------------------------------------


def test_a_row_of_one_seed_borrows_the_spread_of_the_board(store: ResultStore) -> None:
    """Two rows of three seeds scatter; a third row is ahead by less than they do, which events alone would resolve."""
    for model in ("a", "b"):
        for seed, strength in enumerate((0.9, 1.05, 1.2)):
            stored(store, scores_of(2, strength, seed=seed, shared=0.98), model=model, seed=seed)
    alone = stored(store, scores_of(2, 1.15, seed=9, shared=0.98), model="c")
    book = ScoreBook(store)
    (board,) = rank(store.all(), store)
    assert set(named(board).values()) == {"1-3"}
    rows = {row.model: row for row in board.rows}
    assert compare(replace(rows["c"], borrowed=None), rows["a"], book).standard_error < (
        compare(rows["c"], rows["a"], book).standard_error
    )
    spread = pooled_spread(board.rows)
    assert rows["c"].borrowed == spread
    assert rows["a"].borrowed is None
    logits = [np.log(r.metrics["auc"].value / (1 - r.metrics["auc"].value)) for r in rows["a"].done]
    assert spread.variance == pytest.approx(np.var(logits, ddof=1), rel=1e-9), "both have the same seeds"
    assert spread.freedom == 4
    assert write_seeds(rows["c"]) == "1 of 1 (borrowed)"
    assert "Rows of one seed borrow the spread over seeds of the others." in remarks(board)
    (board,) = rank([alone], store)
    assert "No row has several seeds: ranks do not include the noise of trainings." in remarks(board)


def test_seeds_that_have_no_numbers_are_counted_by_what_happened() -> None:
    fields = {"auc": 0.8}, {"status": "failed", "reason": "x"}, {"status": "timeout"}, {"status": "timeout"}
    (board,) = rank([make_result(seed=seed, **each) for seed, each in enumerate(fields)])
    assert write_seeds(board.rows[0]) == "1 of 4, one failed, two out of time"


def test_rows_of_one_seed_have_wider_intervals_without_scores() -> None:
    def row(model: str, value: float, seed: int = 0) -> Result:
        return make_result(model=model, seed=seed, auc=(value, value - 0.01, value + 0.01))

    apart = [row("a", 0.85), row("b", 0.80)]
    assert named(rank(apart)[0]) == {"a": "1", "b": "2"}
    scatter = [row("c", value, seed) for seed, value in enumerate((0.5, 0.6, 0.7))]
    board = rank([*apart, *scatter])[0]
    assert (named(board)["a"], named(board)["b"]) == ("1-2", "1-2") or named(board)["a"].startswith("1-")


# --- nested test events -----------------------------------------------------------------------------------------------


def test_fewer_of_the_same_test_events_are_on_the_same_board(store: ResultStore) -> None:
    """The first 800 of 3,000 events: paired on these, other events of the larger set play no part."""
    better, worse = (
        scores_of(2, 1.3, seed=1, events=3000, shared=1.0),
        scores_of(2, 1.1, seed=2, events=3000, shared=1.0),
    )
    stored(store, better, model="published", fingerprint="large", created="2025-02-01")
    stored(store, first_of(worse, 800), model="own", fingerprint="small")
    (board,) = rank(store.all(), store)
    assert named(board) == {"published": "1", "own": "2"}
    assert board.fingerprint == "small"
    assert board.fingerprints == ("small", "large")
    rows = {row.model: row for row in board.rows}
    book = ScoreBook(store)
    again = ScoreBook(store)
    found = compare(rows["published"], rows["own"], book)
    stored(store, first_of(better, 800), model="again", fingerprint="small")
    (other,) = rank(store.all(), store)
    rows = {row.model: row for row in other.rows}
    assert found == compare(rows["again"], rows["own"], again), "as if it had been tested on the 800 alone"
    assert {row.test_events for row in other.rows} == {800, 3000}
    assert "Tested on" in text_table(other)[0]


def test_only_the_beginning_of_a_test_set_is_a_part_of_it(store: ResultStore) -> None:
    """Two processes with 300 test events each. Of each, as many of the first ones have to be there."""
    whole = scores_of(2, 1.0, seed=1, events=600)
    process = np.arange(600) // 300
    ids = process * IDS_OF_A_PROCESS + np.arange(600)
    easy = np.argsort(-np.abs(whole.probabilities[:, 1] - 0.5))

    def add(model: str, chosen: NDArray[np.intp]) -> None:
        part = Scores.of(ids[chosen], whole.events.labels[chosen], whole.probabilities[chosen])
        stored(store, part, model=model, fingerprint=model)

    def boards() -> set[frozenset[str]]:
        return {frozenset(row.model for row in board.rows) for board in rank(store.all(), store)}

    add("all", np.arange(600))
    add("first", np.flatnonzero(np.arange(600) % 300 < 100))
    assert boards() == {frozenset({"all", "first"})}
    add("easy", easy[:200])
    add("one-process", np.arange(100))
    add("uneven", np.concatenate([np.arange(100), 300 + np.arange(150)]))
    add("late", np.flatnonzero(np.arange(600) % 300 >= 200))
    others = {frozenset({model}) for model in ("easy", "one-process", "uneven", "late")}
    assert boards() == {frozenset({"all", "first"})} | others


@pytest.mark.parametrize("change", ["labels", "ids", "weights"])
def test_other_events_make_another_board(store: ResultStore, change: str) -> None:
    scores = scores_of(2, 1.0, seed=1, events=600)
    events = scores.events
    weights = events.weights[:300] * (2 if change == "weights" else 1)
    ids = events.event_ids[:300] + (1000 if change == "ids" else 0)
    labels = events.labels[:300] if change != "labels" else 1 - events.labels[:300]
    stored(store, scores, model="a", fingerprint="large")
    stored(store, Scores.of(ids, labels, scores.probabilities[:300], weights), model="b", fingerprint="small")
    boards = rank(store.all(), store)
    assert [len(board.rows) for board in boards] == [1, 1]


def test_the_same_cell_on_fewer_events_is_a_row_of_its_own(store: ResultStore) -> None:
    scores = scores_of(2, 1.0, seed=1, events=600)
    stored(store, scores, fingerprint="large")
    stored(store, first_of(scores, 300), fingerprint="small", key="f" * 64)
    (board,) = rank(store.all(), store)
    assert sorted(row.test_events for row in board.rows) == [300, 600]
    assert [row.superseded for row in board.rows] == [0, 0]


# --- the expert line --------------------------------------------------------------------------------------------------


def test_the_expert_line_has_no_rank_and_marks_rows_below(store: ResultStore) -> None:
    columns = ("mass", "tau21")
    for model, strength in (("strong", 2.0), ("weak", 0.3)):
        stored(store, scores_of(2, strength, seed=1), model=model, expert=columns)
    stored(store, scores_of(2, 1.0, seed=2), representation="expert", model="bdt", expert=columns)
    (board,) = rank(store.all(), store)
    assert named(board) == {"strong": "1", "bdt": "line", "weak": "2"}, "in the order of scores"
    assert [row.below_expert for row in board.rows] == [False, False, True]
    assert board.expert_line == "Expert line: bdt on mass, tau21."
    assert "significantly below the expert line" in board.rows[-1].remark
    for text in (board_text(board, 200), to_markdown([board]), to_latex([board]), to_csv([board])):
        assert "Expert line: bdt on mass, tau21." in text
        assert "below the expert line" in text


def test_a_board_says_why_it_has_no_expert_line() -> None:
    (board,) = rank([make_result(auc=0.8, expert_note="classes are windows of the mass", note="no pile-up")])
    assert board.expert_line == "No expert line: classes are windows of the mass."
    assert remarks(board)[:2] == ["No pile-up.", "No expert line: classes are windows of the mass."]
    (board,) = rank([make_result(auc=0.8, expert=("mass",))])
    assert board.expert_line == "No row of the expert line (mass)."


def test_a_variant_may_have_no_ranks() -> None:
    (board,) = rank([make_result(auc=0.8, unranked="Pairs are back to back: a test, never ranked.")])
    assert not board.ranked
    assert named(board) == {"cnn": None}
    assert "Pairs are back to back: a test, never ranked." in remarks(board)


# --- bounds of few events ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("events", "ranked"), [(4_999, True), (5_000, False)])
def test_a_bound_on_the_cvm_needs_events(events: int, ranked: bool) -> None:
    metrics = {
        "auc": MetricValue(value=0.8),
        "cvm": MetricValue(value=0.01),
        "cvm_events": MetricValue(value=events),
    }
    (board,) = rank([make_result(metrics=metrics, bounds={"cvm": 0.002})])
    assert bool(board.rows[0].rank) == ranked
    assert ("too few events to bound" in " ".join(text_table(board)[1][0])) == ranked
    assert board.beyond(board.rows[0]) == (not ranked)


# --- shifted simulations ----------------------------------------------------------------------------------------------


def test_a_drop_has_the_interval_of_independent_events() -> None:
    """0.90 +- 0.03 and 0.86 +- 0.04: 0.04 +- 0.05."""
    found = difference(Estimate(0.90, 0.87, 0.93), Estimate(0.86, 0.82, 0.90))
    assert (found.value, found.low, found.high) == pytest.approx((0.04, -0.01, 0.09))


def test_drops_are_columns_over_seeds() -> None:
    def shifted(value: float) -> dict[str, ShiftedTest]:
        auc = MetricValue(value=value, low=value - 0.02, high=value + 0.02)
        return {"shower": ShiftedTest(fingerprint="f", events=500, metrics={"auc": auc})}

    results = [
        make_result(auc=(0.90, 0.88, 0.92), seed=0, shifted=shifted(0.85)),
        make_result(auc=(0.92, 0.90, 0.94), seed=1, shifted=shifted(0.89)),
        make_result(auc=(0.91, 0.89, 0.93), seed=2),  # not tested on shifted events
    ]
    (board,) = rank(results)
    found = board.rows[0].drop("shower")
    # Student's t with one degree of freedom
    events, seeds = 0.02 * np.sqrt(2), 12.7062 * np.std([0.05, 0.03], ddof=1) / np.sqrt(2)
    assert found.value == pytest.approx(0.04)
    assert found.high - found.value == pytest.approx(np.hypot(events, seeds), rel=1e-5)
    header, (row,) = text_table(board)
    assert dict(zip(header, row, strict=True))["Drop, shower"].startswith("0.04 ±")
    assert "drop_shower,drop_shower_low,drop_shower_high" in to_csv([board])


def test_a_table_of_results_has_the_training_and_the_shifts() -> None:
    test = ShiftedTest(fingerprint="f", events=5, metrics={"auc_macro": MetricValue(value=0.7)})
    metrics = {"auc_macro": MetricValue(value=0.8)}
    training = course(converged=True)
    result = make_result(metrics=metrics, headline="auc_macro", shifted={"shower": test}, training=training)
    (row,) = Results([result]).to_frame().to_dict("records")
    assert (row["headline"], row["auc_macro"], row["shower: auc_macro"]) == ("auc_macro", 0.8, 0.7)
    assert (row["converged"], row["best"], row["epochs"], row["cap"]) == (True, 20, 25, 60)
    assert "auc_macro" in repr(Results([result]))
