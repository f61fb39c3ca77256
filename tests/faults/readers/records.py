"""Results: records, scores and pictures; and what the command line takes as text."""

from __future__ import annotations

import json
from contextlib import redirect_stderr
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmark.engine.request import parse_filter
from benchmark.records.collection import Results
from benchmark.records.result import read_result
from benchmark.records.scores import read_events, read_scores
from benchmark.records.store import PAGES_MARK, ResultStore
from leaderboard.export import to_csv, to_json, to_latex, to_markdown
from leaderboard.pages import folder as pages
from leaderboard.pages.sections import board_section
from leaderboard.ranking.boards import rank_with
from leaderboard.ranking.scores import ScoreBook
from leaderboard.regressions import drift, history
from leaderboard.terminal import board_text
from models.registry import MODELS
from tests.benchmark.records.test_store import record, scores
from tests.faults.fuzz import Fuzzed
from tests.faults.mutations.arrays import npz_changed
from tests.faults.mutations.damage import damaged
from tests.faults.mutations.text import json_changed, text_changed
from tests.leaderboard.regressions.test_history import point

if TYPE_CHECKING:
    from pathlib import Path


def result(suffix: str, folder: Path) -> Path:
    stored = ResultStore(folder).add(record(), scores())
    return folder / stored.task / f"{stored.stem}{suffix}"


def read_any_scores(path: Path) -> None:
    events = scores().events
    read_scores(path, None, 2, lambda _: events)


def events_of(folder: Path) -> Path:
    result(".npz", folder)
    return next(folder.glob("*/events-*.npz"))


def read_any_events(path: Path) -> None:
    read_events(path, scores().events.sha256)


def read_board(path: Path) -> None:
    """All that is made of a record: rows, exports and the parts of pages."""
    store = ResultStore(path.parents[1])
    with redirect_stderr(None):  # a record that can't be read is left out with a warning
        results = list(store.all())
    book = ScoreBook(store)
    boards = rank_with(results, book)
    to_csv(boards), to_markdown(boards), to_latex(boards), to_json(results, book)
    Results(results).to_frame()
    for board in boards:
        board_text(board, 100)
        json.dumps([chart.spec for chart in board_section(board, store, book).figures], allow_nan=False)


def examples(folder: Path) -> Path:
    ResultStore(folder).add_examples("ttbar", "f" * 64, {"ttbar": np.zeros((2, 8, 8, 3), np.uint8)})
    return next(folder.glob("*/examples-*.npz"))


def read_examples(path: Path) -> None:
    ResultStore(path.parents[1]).examples("ttbar", "f" * 64)


def page_list(folder: Path) -> Path:
    """The list of files in a folder of pages, of a build that was interrupted."""
    pages.write_pages(folder, {"index.html": b"a", "old.html": b"b"})
    record = json.loads((folder / PAGES_MARK).read_text())
    (folder / PAGES_MARK).write_text(json.dumps({**record, "before": {"static/table.js": "0" * 64}}))
    return folder / PAGES_MARK


def build_again(path: Path) -> None:
    """Write pages over those that the list names."""
    pages.write_pages(path.parent, {"index.html": b"c", "static/table.js": b"d"})


def history_file(folder: Path) -> Path:
    """A revision of twelve, with which a series is long enough for a step."""
    for day in range(1, 13):
        scores_of_seeds = tuple(0.9 - 0.01 * (day > 6) + 0.001 * seed * (-1) ** day for seed in range(3))
        file = history.write(folder, [point(day, scores_of_seeds)])
    return file


def read_history(path: Path) -> None:
    """The series of a history, and the steps in them."""
    list(drift.of_history(history.read(path.parent)))


def words(folder: Path) -> Path:
    (folder / "words").write_text("cnn[depth=15,dropout=0.2],ffnn[units=8]")
    return folder / "words"


def read_words(path: Path) -> None:
    for choice in parse_filter(path.read_bytes().decode()):
        MODELS.load(choice.target).resolve("smoke", dict(choice.given))


NPZ = (damaged, npz_changed)

READERS: dict[str, Fuzzed] = {
    "record": Fuzzed(partial(result, ".json"), read_result, (damaged, json_changed)),
    "board": Fuzzed(partial(result, ".json"), read_board, (json_changed,)),
    "scores": Fuzzed(partial(result, ".npz"), read_any_scores, NPZ),
    "events": Fuzzed(events_of, read_any_events, NPZ),
    "examples": Fuzzed(examples, read_examples, NPZ),
    "page_list": Fuzzed(page_list, build_again, (damaged, json_changed)),
    "history": Fuzzed(history_file, read_history, (damaged, json_changed)),
    "plugin_words": Fuzzed(words, read_words, (text_changed,)),
}
