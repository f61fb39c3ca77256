"""Published results beside a user's own: on the boards that both have, paired on the events that both have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.records.published import BesidePublished
from benchmark.records.store import ResultStore
from leaderboard.ranking.boards import rank
from leaderboard.ranking.columns import text_table
from tests.leaderboard.factory import make_result, pictures_of, scores_of
from tests.leaderboard.ranking.test_protocol import first_of, stored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[ResultStore, ResultStore]:
    """Own results and published ones; a cell is in both with the same key and another number of test events."""
    own, published = ResultStore(tmp_path / "own"), ResultStore(tmp_path / "published")
    better, worse = (scores_of(2, strength, seed=1, events=3000, shared=1.0) for strength in (1.3, 1.1))
    stored(published, better, model="a", fingerprint="large")
    stored(published, worse, model="b", fingerprint="large")
    stored(own, first_of(worse, 800), model="b", fingerprint="small")
    for changes in ({"preset": "standard"}, {"task_version": "9"}, {"variant": {"min_jets": 2}}, {"level": "hadron"}):
        stored(published, better, fingerprint="large", model="elsewhere", **changes)
    published.add(make_result(task="ttbar", auc=0.9))
    published.add_examples("wprime", "large", pictures_of(("w", "qcd")))
    return own, published


def test_own_rows_stand_beside_published_ones(folders: tuple[ResultStore, ResultStore]):
    own, published = folders
    beside = BesidePublished(own.folder, published.folder)
    (board,) = rank(beside.all(), beside)
    rows = {(row.model, row.whose): row for row in board.rows}
    assert set(rows) == {("a", "published"), ("b", "published"), ("b", "own")}
    assert rows["a", "published"].rank == (1, 1)
    assert rows["b", "own"].rank == rows["b", "published"].rank == (2, 3)
    assert not [row.problems for row in board.rows if row.problems], "scores are found where each result is from"
    header, lines = text_table(board)
    assert {line[header.index("Results")] for line in lines} == {"own", "published"}
    assert beside.examples("wprime", "large").keys() == {"w", "qcd"}
    assert list(own.all()) == [result for result in beside.all() if not result.published]


def test_nothing_is_written_to_the_published_folder(folders: tuple[ResultStore, ResultStore]):
    own, published = folders
    before = {path: path.read_bytes() for path in published.folder.rglob("*") if path.is_file()}
    beside = BesidePublished(own.folder, published.folder)
    stored(beside, scores_of(2, 1.0, seed=3), model="new")
    assert before == {path: path.read_bytes() for path in published.folder.rglob("*") if path.is_file()}
    assert "new" in {result.model for result in own.all()}


def test_the_published_folder_itself_and_one_that_is_missing(folders: tuple[ResultStore, ResultStore], tmp_path: Path):
    own, published = folders
    assert not [result for result in BesidePublished(published.folder, published.folder).all() if result.published]
    assert list(BesidePublished(own.folder, tmp_path / "nowhere").all()) == list(own.all())
