"""Pairs of rows: which are compared, what is said of them together, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.metrics.comparison import auc_difference
from benchmark.records.result import PluginOrigin
from benchmark.records.store import ResultStore
from leaderboard.comparisons import Pair, both_folders, compared, lacking, of_folders, of_names, ranked
from leaderboard.formatting import write_number
from leaderboard.ranking.boards import rank_with
from leaderboard.ranking.scores import ScoreBook
from leaderboard.verdicts import disagreements, lines, record, verdict
from tests.leaderboard.factory import make_result, scores_of
from tests.leaderboard.ranking.test_protocol import first_of, stored

if TYPE_CHECKING:
    from pathlib import Path


def pairs(store: ResultStore, a: str, b: str) -> list[Pair]:
    boards, book = ranked(store)
    return compared(of_names(a, b, boards), book)


@pytest.fixture
def grid(store: ResultStore) -> ResultStore:
    """Two models on three representations: better, worse, and alike."""
    strengths = {"circles": (1.0, 1.4), "fourvectors": (1.4, 1.0), "graph": (1.2, 1.2)}
    for number, (representation, both) in enumerate(strengths.items()):
        for model, strength in zip(("bdt", "mpnn"), both, strict=True):
            scores = scores_of(2, strength, seed=10 * number + (model == "mpnn"))
            stored(store, scores, representation=representation, model=model)
    return store


def test_two_models_are_compared_on_each_representation(grid: ResultStore) -> None:
    found = pairs(grid, "bdt", "mpnn")
    assert {pair.names: pair.outcome for pair in found} == {
        ("circles/bdt", "circles/mpnn"): "better",
        ("fourvectors/bdt", "fourvectors/mpnn"): "worse",
        ("graph/bdt", "graph/mpnn"): "no significant difference",
    }
    words = verdict(found, "bdt", "mpnn")
    assert words.startswith("Of 3 pairs, mpnn is better in 1 and worse in 1 than bdt. ")
    (alike,) = (pair for pair in found if pair.outcome == "no significant difference")
    most = max(abs(alike.difference.low), abs(alike.difference.high))
    assert f"In one there is no significant difference: it is at most {write_number(most)} (95% intervals)." in words
    assert words.count(". ") == 2, "three sentences"


def test_two_representations_and_two_cells(grid: ResultStore) -> None:
    found = pairs(grid, "circles", "graph")
    assert [pair.names for pair in found] == [("circles/mpnn", "graph/mpnn"), ("circles/bdt", "graph/bdt")]
    (pair,) = pairs(grid, "circles/bdt", "fourvectors/bdt")
    assert pair.outcome == "better"


def test_a_difference_is_the_paired_one_and_holm_multiplies(grid: ResultStore) -> None:
    found = pairs(grid, "bdt", "mpnn")
    values = sorted(pair.difference.p_value for pair in found)
    for pair in found:
        scores = [grid.scores(row.done[0]) for row in (pair.b, pair.a)]
        expected = auc_difference(scores[0].events.labels, scores[0].probabilities, scores[1].probabilities)
        assert pair.difference.value == pytest.approx(expected.value)
    adjusted = {pair.difference.p_value: pair.p_value for pair in found}
    first = 3 * values[0]
    second = max(first, 2 * values[1])
    assert [adjusted[value] for value in values] == pytest.approx([first, second, max(second, values[2])])


def test_cells_of_two_folders(tmp_path: Path) -> None:
    before, after = (ResultStore(tmp_path / name) for name in ("a", "b"))
    for store, strength in ((before, 1.4), (after, 1.0)):
        stored(store, scores_of(2, strength, seed=1), model="cnn", parameters={"depth": 15})
        stored(store, scores_of(2, strength, seed=1), model="cnn", parameters={"depth": 50 if store is before else 20})
        stored(store, scores_of(2, 1.2, seed=2), model="ffnn")
    boards, book = ranked(both_folders(before, after))
    found = compared(of_folders(boards), book)
    assert {pair.b.results[0].model: pair.outcome for pair in found} == {
        "cnn": "worse",
        "ffnn": "no significant difference",
    }
    ffnn = next(pair for pair in found if pair.b.model == "ffnn")
    assert (ffnn.difference.value, ffnn.difference.low, ffnn.difference.high) == (0, 0, 0), "the same scores"


def test_common_events_alone_count(store: ResultStore) -> None:
    whole, few = scores_of(2, 1.0, seed=1, events=3000), first_of(scores_of(2, 1.4, seed=2, events=3000), 800)
    stored(store, whole, model="a", fingerprint="large")
    stored(store, few, model="b", fingerprint="small")
    (pair,) = pairs(store, "a", "b")
    expected = auc_difference(few.events.labels, few.probabilities, first_of(whole, 800).probabilities)
    assert pair.difference.value == pytest.approx(expected.value)
    boards, book = ranked(store)
    (pair,) = compared(of_names("a", "b", boards), book)
    listed = disagreements(pair, book, 5)
    assert len(listed) == 5
    labels = few.events.labels
    truth = np.arange(800), labels
    apart = np.abs(few.probabilities[truth] - first_of(whole, 800).probabilities[truth])
    assert [found.event_id for found in listed] == np.argsort(-apart, kind="stable")[:5].tolist()
    assert listed[0].true_class == ("w", "qcd")[labels[listed[0].event_id]]


def test_points_of_learning_curves_are_paired_with_their_like(store: ResultStore) -> None:
    for model, strength in (("a", 1.0), ("b", 1.5)):
        for train in (1000, 4000):
            scores = scores_of(2, strength, seed=train)
            stored(store, scores, model=model, events={"train": train, "test": len(scores.log_ratios)})
    found = pairs(store, "a", "b")
    assert sorted(pair.a.train_events for pair in found) == [1000, 4000]
    assert [pair.a.train_events for pair in found] == [pair.b.train_events for pair in found]
    assert {line[1] for line in lines(found)} == {"1,000", "4,000"}


def test_rows_without_scores_are_not_comparable(grid: ResultStore) -> None:
    results = [make_result(model=model, auc=(0.8, 0.7, 0.9)) for model in ("x", "y")]
    book = ScoreBook(None)
    found = compared(of_names("x", "y", rank_with(results, book)), book)
    assert [pair.outcome for pair in found] == ["not comparable"]
    assert verdict(found, "x", "y") == "No cell of y can be compared with x."
    assert record(found[0])["difference"] == {"value": None, "low": None, "high": None}
    assert disagreements(found[0], book, 3) == []
    assert lines(found)[0][-4:] == (
        *("–", "–", "–"),
        "not comparable: scores are missing, or test events are others",
    )


def test_what_failed_or_was_changed_is_said(tmp_path: Path) -> None:
    before, after = (ResultStore(tmp_path / name) for name in ("a", "b"))
    for store in (before, after):
        for model in ("bdt", "cnn", "ffnn", "mpnn"):
            scores = scores_of(2, 1.0, seed=len(model))
            if (store, model) == (after, "cnn"):
                events = {"train": 4000, "test": 1500}
                store.add(make_result(task="wprime", model=model, status="failed", reason="no memory", events=events))
            elif (store, model) != (after, "mpnn"):
                result = stored(store, scores, model=model)
                if (store, model) == (after, "ffnn"):
                    better = result.metrics["auc"].model_copy(update={"value": 0.99, "high": 0.999})
                    store.add(result.model_copy(update={"metrics": {**result.metrics, "auc": better}}), scores)
    boards, book = ranked(both_folders(before, after))
    found = {pair.a.model: pair for pair in compared(of_folders(boards), book)}
    assert {model: pair.outcome for model, pair in found.items()} == {
        "bdt": "no significant difference",
        "cnn": "not comparable",
        "ffnn": "not comparable",
    }
    assert found["cnn"].reason == "B is failed: no memory"
    assert found["ffnn"].reason.startswith("B is ")
    assert lacking(boards) == 1, "mpnn"
    words = verdict(list(found.values()), "a", "b", lacking(boards))
    assert words.endswith("2 pairs can't be compared. 1 cell of a has no counterpart.")


def test_each_row_is_in_one_pair(store: ResultStore) -> None:
    """Two models on 3,000 events and on the first 800 of them."""
    for number, model in enumerate(("a", "b")):
        whole = scores_of(2, 1.0 + 0.2 * number, seed=number, events=3000)
        stored(store, whole, model=model, fingerprint="large")
        stored(store, first_of(whole, 800), model=model, fingerprint="small")
    found = pairs(store, "a", "b")
    assert sorted((pair.a.test_events, pair.b.test_events) for pair in found) == [(800, 800), (3000, 3000)]


def test_tasks_of_files_are_compared_between_folders(tmp_path: Path) -> None:
    before, after = (ResultStore(tmp_path / name) for name in ("a", "b"))
    for store in (before, after):
        stored(store, scores_of(2, 1.0, seed=1), task_origin=PluginOrigin(name="mine.py", sha256="ab" * 32))
    boards, book = ranked(both_folders(before, after))
    assert [pair.outcome for pair in compared(of_folders(boards), book)] == ["no significant difference"]


def test_names_that_mean_nothing_or_two_things(grid: ResultStore) -> None:
    with pytest.raises(UserError, match=r"no result is of 'bdd'.*Did you mean 'bdt'\?"):
        pairs(grid, "bdd", "mpnn")
    with pytest.raises(UserError, match="'bdt' is a model and 'graph' a representation, expected two of a kind"):
        pairs(grid, "bdt", "graph")


def test_costs_are_counted_operations(store: ResultStore) -> None:
    speeds = make_result().throughput
    for model, flops in (("a", 1e6), ("b", 2.5e6)):
        stored(
            store,
            scores_of(2, 1.0, seed=len(model)),
            model=model,
            throughput=speeds.model_copy(update={"predict_flops": flops}),
        )
    found = pairs(store, "a", "b")
    assert found[0].cost == 2.5
    assert verdict(found, "a", "b").endswith(
        "A prediction takes 2.50 times as many operations; times were not measured in turn, and are not compared."
    )
