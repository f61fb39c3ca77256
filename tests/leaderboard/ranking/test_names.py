from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmark.records.store import ResultStore
from leaderboard.export import to_csv, to_latex, to_markdown
from leaderboard.pages.site import build
from leaderboard.ranking.boards import rank
from leaderboard.terminal import board_text
from tests.leaderboard.factory import add_cell, make_result

OWN = {"events_per_class": 4000, "shard_events": 1000, "min_jets": 0, "multiparton": True}


def names(*results: Any) -> dict[str, str]:
    return {f"{board.preset} {board.variant.get('min_jets')}": board.name for board in rank(results)}


def record(given: tuple[str, ...], preset: str = "quick", model: str = "cnn", **values: Any) -> Any:
    return make_result(auc=0.8, preset=preset, model=model, variant={**OWN, **values}, variant_given=given)


def test_the_record_says_what_was_given() -> None:
    assert names(record(("min_jets",), min_jets=2)) == {"quick 2": "ttbar[min_jets=2]"}
    assert names(record(())) == {"quick 0": "ttbar"}
    assert names(record(("events_per_class",), events_per_class=9)) == {"quick 0": "ttbar"}


def test_presets_that_differ_are_no_variants() -> None:
    # the smoke preset itself generates no multiparton interactions
    found = names(record(()), record((), "smoke", multiparton=False, events_per_class=200))
    assert found == {"quick 0": "ttbar", "smoke 0": "ttbar"}


def test_no_two_boards_have_the_same_title() -> None:
    few = record(("events_per_class",), events_per_class=9, model="b").model_copy(
        update={"fingerprint": "0f1e2d3c4b5a"}
    )
    titles = {board.title.partition(":")[0] for board in rank([record(()), few])}
    assert titles == {"ttbar (test events ttbar0)", "ttbar (test events 0f1e2d)"}


def test_accepted_records_have_clean_titles() -> None:
    folder = Path(__file__).parents[3] / "leaderboard" / "results"
    boards = rank(ResultStore(folder).all())
    tasks = {path.name for path in folder.iterdir()}
    assert {board.title.partition(":")[0] for board in boards} == {*tasks, "ttbar[min_jets=2]"}


def test_the_variant_is_named_everywhere(store: ResultStore, tmp_path: Path) -> None:
    add_cell(store, 1.0, events=60, variant={**OWN, "min_jets": 2}, variant_given=("min_jets",))
    boards = rank(store.all(), store)
    name = "ttbar[min_jets=2]"
    assert board_text(boards[0], 80).startswith(f"{name}: ")
    assert to_markdown(boards).startswith(r"### ttbar\[min\_jets=2\]: ")
    assert r"\caption{ttbar[min\_jets=2]: " in to_latex(boards)
    page = build(store, tmp_path / "site").parent
    for file in ("index.html", "ttbar.html"):
        text = (page / file).read_text(encoding="utf-8")
        assert f"{name}: quick" in text
        assert "events_per_class=" not in text


@pytest.mark.parametrize(
    ("source", "sizes"),
    [("generated", True), ("none", True), ("a.csv, b.root; test events are from MuRun2010B only", False)],
)
def test_files_have_no_size_of_the_preset(source: str, sizes: bool) -> None:
    boards = rank([make_result(auc=0.8, source=source, variant=OWN)])
    assert ("events_per_class" in boards[0].settings) == sizes
    assert ("events_per_class" in to_csv(boards)) == sizes
    assert "min_jets" in boards[0].settings
