"""Plug-ins of one name from different sources: they have rows and boards of their own."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from benchmark.records.collection import Results
from benchmark.records.result import PluginOrigin
from leaderboard.export import to_csv
from leaderboard.pages.site import build
from leaderboard.ranking.boards import rank
from leaderboard.terminal import board_text
from tests.leaderboard.factory import add_cell, make_result

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.store import ResultStore

MINE = PluginOrigin(name="mine.py", sha256="1a2b3c4d" * 8)
CHANGED = PluginOrigin(name="mine.py", sha256="99999999" * 8)
PACKAGE = PluginOrigin(name="their-models")


@pytest.mark.parametrize("kind", ["model", "representation"])
def test_a_file_does_not_take_the_row_of_a_built_in(kind: str) -> None:
    origins = (None, MINE, CHANGED, PACKAGE)
    results = [
        make_result(auc=(0.9, 0.89, 0.91), created=f"2025-01-0{day}", **{f"{kind}_origin": origin})
        for day, origin in enumerate(origins, start=1)
    ]
    (board,) = rank(results)
    name = {"model": "cnn", "representation": "circles"}[kind]
    assert sorted(getattr(row, kind) for row in board.rows) == [
        name,
        f"{name} (mine.py 1a2b3c4d)",
        f"{name} (mine.py 99999999)",
        f"{name} (their-models)",
    ]
    assert all(row.superseded == 0 for row in board.rows)
    assert f"{name} (their-models)" in board_text(board, 200)
    assert f"{name} (mine.py 1a2b3c4d)" in to_csv([board])
    frame = Results(results).to_frame()
    assert list(frame[f"{kind}_origin"]) == ["", "mine.py 1a2b3c4d", "mine.py 99999999", "their-models"]


def test_a_copied_file_is_the_same_source() -> None:
    copied = PluginOrigin(name="copy.py", sha256=MINE.sha256)
    results = [make_result(auc=0.9, seed=seed, model_origin=origin) for seed, origin in enumerate((MINE, copied))]
    (board,) = rank(results)
    assert len(board.rows) == 1


def test_tasks_of_different_sources_have_different_boards() -> None:
    results = [make_result(auc=0.9, task_origin=origin) for origin in (None, MINE, CHANGED)]
    boards = rank(results)
    assert [board.name for board in boards] == ["ttbar", "ttbar (mine.py 1a2b3c4d)", "ttbar (mine.py 99999999)"]
    lines = list(csv.DictReader(io.StringIO(to_csv(boards))))
    assert [line["task_origin"] for line in lines] == ["", "mine.py 1a2b3c4d", "mine.py 99999999"]


def test_a_file_does_not_make_a_built_in_task_outdated() -> None:
    old = make_result(auc=0.9)
    new = make_result(auc=0.9, task_origin=MINE, task_version="99", created="2030-01-01")
    newer = make_result(auc=0.9, task_origin=CHANGED, task_version="100", created="2031-01-01")
    assert {board.name: board.outdated for board in rank([old, new, newer])} == {
        "ttbar": False,
        "ttbar (mine.py 1a2b3c4d)": True,
        "ttbar (mine.py 99999999)": False,
    }


def test_a_stopped_cell_joins_the_boards_of_its_source() -> None:
    stopped = make_result(status="skipped", reason="no hits", fingerprint="", classes=(), task_origin=MINE, model="b")
    boards = rank([make_result(auc=0.9), make_result(auc=0.9, task_origin=MINE), stopped])
    assert [len(board.rows) for board in boards] == [1, 2]


def test_pages_name_the_source(store: ResultStore, tmp_path: Path) -> None:
    for origin in (None, MINE):
        add_cell(
            store, 1.0, events=300, model_origin=origin, task_origin=origin, created=f"2025-01-0{1 + bool(origin)}"
        )
    page = (build(store, tmp_path / "site").parent / "ttbar.html").read_text()
    assert page.count('<section class="board') == 2
    assert "cnn (mine.py 1a2b3c4d)" in page
    assert f"mine.py {MINE.sha256}" in page
