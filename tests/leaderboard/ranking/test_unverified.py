"""Rows whose records disagree with their scores: they are shown everywhere, with the reason, and have no rank."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmark.core.seal import sealed
from benchmark.records.result import MetricValue, read_result
from benchmark.records.scores import Scores
from benchmark.records.verification import headline_area
from leaderboard.export import to_csv, to_json, to_latex, to_markdown
from leaderboard.pages.site import build
from leaderboard.ranking import scores as scores_module
from leaderboard.ranking.boards import compare_events, rank, rank_with
from leaderboard.ranking.columns import visible
from leaderboard.ranking.scores import ScoreBook
from leaderboard.terminal import board_text
from tests.leaderboard.factory import add_cell, make_result, scores_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.store import ResultStore
    from leaderboard.ranking.board import Board

EDITED = "the record has an AUC of 0.9990 [0.9980, 0.9999], but its scores give "


def by_hand(path: Path, *, seal: bool) -> None:
    """Give a record a better AUC; seal : whether it is sealed again."""
    content = json.loads(path.read_text())
    content["metrics"]["auc"] |= {"value": 0.999, "low": 0.998, "high": 0.9999}
    if seal:
        del content["seal"]
    path.write_text(json.dumps(content))
    if seal:
        path.write_bytes(sealed(read_result(path)))


def edited(store: ResultStore, *, preset: str = "quick", seal: bool = True) -> Board:
    """A board whose row "bdt", the worst, claims to be the best."""
    for model, strength in (("cnn", 1.2), ("mpnn", 1.0), ("bdt", 0.3)):
        add_cell(store, strength, events=300, model=model, preset=preset)
    by_hand(next(path for path in store.paths() if "bdt" in path.stem), seal=seal)
    (board,) = rank(store.all(), store)
    return board


def test_an_edited_row_has_no_rank(store: ResultStore) -> None:
    board = edited(store)
    assert [(row.model, row.rank is None) for row in board.rows] == [("cnn", False), ("mpnn", False), ("bdt", True)]
    (problem,) = board.rows[-1].problems
    assert problem.startswith(EDITED)
    assert problem.endswith("run the cell again")
    assert board.best is not None
    assert board.best.model == "cnn"


def test_edited_rows_do_not_decide_which_number_of_training_events_is_ranked(store: ResultStore) -> None:
    for model, train in (("cnn", 4000), ("bdt", 9000), ("mpnn", 9000)):
        result = add_cell(store, 1.0, events=300, model=model)
        store.add(result.model_copy(update={"events": {**result.events, "train": train}}), store.scores(result))
    for path in store.paths():
        if "cnn" not in path.stem:
            by_hand(path, seal=True)
    (board,) = rank(store.all(), store)
    assert board.train_events == 4000
    assert [(row.model, row.rank) for row in board.rows if not row.problems] == [("cnn", (1, 1))]


def test_a_wrong_seal_takes_the_rank(store: ResultStore) -> None:
    board = edited(store, seal=False)
    assert [problem.partition(",")[0].partition(";")[0] for problem in board.rows[-1].problems] == [
        "the record was changed after it was written (wrong seal)",
        "the record has an AUC of 0.9990 [0.9980",
    ]
    assert board.rows[-1].rank is None
    assert board.rows[-1].remark.count("run the cell again") == 1
    (column,) = (column for column in visible(board) if column.name == "auc")
    assert column.entry(board.rows[-1], 4).text == "0.9990"
    assert "−" in column.entry(board.rows[0], 4).text


def test_an_edited_record_sets_no_bound(store: ResultStore) -> None:
    for model in ("cnn", "bdt"):
        add_cell(store, 1.0, events=300, model=model, bounds={"accuracy": 1.0})
    path = next(path for path in store.paths() if "bdt" in path.stem)
    content = {**json.loads(path.read_text()), "bounds": {"accuracy": 0.0}, "created": "2999-01-01T00:00:00+00:00"}
    path.write_text(json.dumps(content))
    (board,) = rank(store.all(), store)
    assert board.bounds == {"accuracy": 1.0}
    assert [(row.model, row.rank is None) for row in board.rows] == [("cnn", False), ("bdt", True)]


def test_every_output_says_so(store: ResultStore, tmp_path: Path) -> None:
    board = edited(store)
    text = " ".join(board_text(board, 100).split())
    assert "circles · bdt: done; unverified: the record has an AUC of 0.9990" in text
    assert "(unverified)" in text
    for line in csv.DictReader(io.StringIO(to_csv([board]))):
        assert (line["rank"] == "") == (line["model"] == "bdt") == ("unverified" in line["status"])
    for written in (to_markdown([board]), to_latex([board])):
        assert "(unverified)" in written
        assert "but its scores give" in written
    records = json.loads(to_json(board.results, ScoreBook(store)))
    assert [bool(record["problems"]) for record in records] == [False, False, True]
    page = (build(store, tmp_path / "site").parent / "ttbar.html").read_text()
    before, _, after = page.partition("Not ranked: unverified")
    assert ">bdt</a></th>" not in before
    assert ">bdt</a></th>" in after
    assert "0.999" not in before.partition("<tbody>")[2].partition("</table>")[0]
    assert EDITED in after
    assert json.loads((tmp_path / "site" / "results.json").read_text())[0].keys() >= {"problems"}


def test_figures_leave_it_out(store: ResultStore, tmp_path: Path) -> None:
    edited(store)
    page = (build(store, tmp_path / "site").parent / "ttbar.html").read_text()
    figures = page.split('<script type="application/json"')[1:]
    assert figures
    assert not any("bdt" in figure.partition("</script>")[0] for figure in figures)


def test_unranked_boards_say_so_too(store: ResultStore) -> None:
    board = edited(store, preset="smoke")
    assert [bool(row.problems) for row in board.rows] == [row.model == "bdt" for row in board.rows]


def test_a_page_of_unverified_rows_alone(store: ResultStore, tmp_path: Path) -> None:
    add_cell(store, 1.0, events=300)
    (path,) = store.paths()
    by_hand(path, seal=True)
    index = build(store, tmp_path / "site").read_text()
    assert "no row is verified" in index
    page = (tmp_path / "site" / "ttbar.html").read_text()
    assert "No row is verified." in page
    assert EDITED in page  # although all rows have the same status


def test_the_seed_is_named(store: ResultStore) -> None:
    for seed in (0, 1):
        add_cell(store, 1.0, events=300, seed=seed)
    by_hand(next(path for path in store.paths() if "seed1" in path.stem), seal=True)
    (board,) = rank(store.all(), store)
    (problem,) = board.rows[0].problems
    assert problem.startswith("seed 1: the record has an AUC")


def forged(store: ResultStore, model: str, how: str, **changes: Any) -> None:
    """A record of perfect scores on other test events than its fingerprint says, as a stranger may write it."""
    honest = scores_of(3, 1.0, seed=7, events=300)
    columns = {**honest.events.columns(), "probabilities": honest.probabilities}
    guessed = honest.probabilities.argmax(axis=1)
    columns |= {
        "labels": {"labels": guessed},
        "ids": {"event_ids": columns["event_ids"] + 10**9, "labels": guessed},
        "weights": {"weights": (guessed == columns["labels"]).astype(np.float32)},
        "masses": {"mass": np.ones(300)},
        "few": {name: column[:15] for name, column in columns.items()},
    }[how]
    made = Scores.of(**columns)
    events = {"train": 4000, "valid": 500, "test": len(made.log_ratios)}
    bare = make_result(model=model, events=events, **changes)
    area = headline_area(bare, made)
    assert area is not None
    found = area.estimate()
    auc = MetricValue(value=found.value, low=found.low, high=found.high)
    store.add(bare.model_copy(update={"metrics": {"auc": auc}}), made)


@pytest.mark.parametrize("how", ["labels", "ids", "weights", "masses", "few"])
def test_other_test_events_than_most_take_the_rank(store: ResultStore, how: str) -> None:
    for model, strength in (("cnn", 1.2), ("mpnn", 1.0)):
        add_cell(store, strength, events=300, model=model)
    forged(store, "bdt", how)
    (board,) = rank(store.all(), store)
    assert [(row.model, row.rank is None) for row in board.rows] == [("cnn", False), ("mpnn", False), ("bdt", True)]
    (problem,) = board.rows[-1].problems
    assert problem.startswith(
        "other test events (ids, labels, weights or masses) than 2 of 3 results with its fingerprint"
    )
    assert "unverified: other test events" in " ".join(board_text(board, 100).split())
    book = ScoreBook(store)
    compare_events(store.all(), book)
    records = json.loads(to_json(board.results, book))
    assert [len(record["problems"]) for record in records] == [0, 0, 1]


def test_without_a_majority_no_row_is_ranked(store: ResultStore) -> None:
    add_cell(store, 1.2, events=300, model="cnn")
    forged(store, "bdt", "labels")
    (board,) = rank(store.all(), store)
    assert [row.rank for row in board.rows] == [None, None]
    assert all("have different test events" in row.problems[0] for row in board.rows)


def test_rows_with_other_problems_have_no_vote(store: ResultStore) -> None:
    add_cell(store, 1.2, events=300, model="cnn")
    for model in ("bdt", "mpnn"):
        forged(store, model, "ids")
        by_hand(next(path for path in store.paths() if model in path.stem), seal=True)
    (board,) = rank(store.all(), store)
    assert [row.model for row in board.rows if row.rank] == ["cnn"]


def test_boards_of_other_events_are_not_compared(store: ResultStore) -> None:
    add_cell(store, 1.2, events=300, model="cnn")
    add_cell(store, 1.2, events=200, model="bdt", fingerprint="another")
    add_cell(store, 1.2, events=200, model="mpnn", variant={"min_jets": 2})
    assert [row.problems for board in rank(store.all(), store) for row in board.rows] == [()] * 3


def test_a_forged_row_does_not_part_nested_test_events(store: ResultStore) -> None:
    for model, strength in (("cnn", 1.2), ("mpnn", 1.0)):
        add_cell(store, strength, events=300, model=model)
        add_cell(store, strength, events=150, model=model, seed=1, fingerprint="prefix")
    for seed in range(3):  # one of them may be the first by its key
        add_cell(store, 0.9, events=150, model="cnn", seed=10 + seed, fingerprint="prefix")
        forged(store, "bdt", "labels", seed=seed, fingerprint="prefix")
    (board,) = rank(store.all(), store)
    assert [row.model for row in board.rows if row.rank is None] == ["bdt"]
    (problem,) = board.rows[-1].problems
    assert "than 5 of 8 results with its fingerprint" in problem


def test_two_records_with_one_key_are_not_mixed_up(store: ResultStore) -> None:
    good = add_cell(store, 1.2, events=300, model="cnn")
    other = store.add(good.model_copy(update={"model": "bdt"}), store.scores(good))
    edited = other.model_copy(update={"metrics": {"auc": MetricValue(value=0.999, low=0.99, high=1.0)}})
    store.add(edited)
    (board,) = rank(store.all(), store)
    assert {row.model: bool(row.problems) for row in board.rows} == {"cnn": False, "bdt": True}


def test_few_scores_are_kept_in_memory(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("cnn", "mpnn", "bdt"):
        add_cell(store, 1.0, events=300, model=model)
    results = list(store.all())
    expected = [row.rank for board in rank(results, store) for row in board.rows]
    monkeypatch.setattr(scores_module, "MOST_BYTES", 1)
    book = ScoreBook(store)
    (board,) = rank_with(results, book)
    assert [row.rank for row in board.rows] == expected
    assert len(book._kept) == 1
    assert all(book.get(result) is not None for result in results)
