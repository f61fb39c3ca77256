from __future__ import annotations

import re
from dataclasses import replace

import pytest

from leaderboard.pages.sections import rank_in_words, slug
from leaderboard.ranking import boards
from leaderboard.ranking.rows import make_rows
from tests.leaderboard.factory import make_result


@pytest.mark.parametrize("name", ["index", "../up", "A b", "", "ttbar\n", "x" * 99, "<b>"])
def test_odd_task_names_become_plain_files(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,60}", slug(name))
    assert slug(name) != "index"


def test_slugs_do_not_collide() -> None:
    assert slug("ttbar") == "ttbar"
    assert len({slug(name) for name in ("a b", "a-b", "a.b", "A B")}) == 4


@pytest.mark.parametrize(
    ("rank", "text"),
    [
        ((1, 4), "Rank 1-4 of 6: no row beats it significantly; it beats two"),
        ((2, 6), "Rank 2-6 of 6: one row beats it significantly; it beats none significantly"),
        ((3, 3), "Rank 3 of 6: two rows beat it significantly; it beats three"),
    ],
)
def test_ranks_in_words(rank: tuple[int, int], text: str) -> None:
    rows = [replace(row, rank=rank) for row in make_rows([make_result(auc=0.8, model=str(n)) for n in range(6)])]
    (board,) = boards.rank([make_result(auc=0.8)])
    assert rank_in_words(rows[0], replace(board, rows=tuple(rows))) == text
