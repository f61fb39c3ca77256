from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.engine import examples
from benchmark.engine.examples import EACH, draw
from representations.circles.circles import Circles
from representations.circles.colours import COLOURS
from tasks.data.store import load, shards
from tests.benchmark.cells import toy_job

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_first_test_events_of_each_class_are_drawn(toy_data: Path):
    data = toy_job().test
    test = load(data, toy_data).splits()["test"]
    pictures = draw(data, toy_data)
    assert set(pictures) == {"hard", "soft", "_kinds", "_colours", "_span"}
    assert pictures["_colours"].shape == (len(pictures["_kinds"]), 3)
    assert pictures["_colours"].dtype == np.uint8
    kinds = list(data.task.info(data.level).slots)
    assert [tuple(colour) for colour in pictures["_colours"].tolist()] == [COLOURS[kind] for kind in kinds]
    for code, name in enumerate(("hard", "soft")):
        first = test[np.flatnonzero(test.column("label") == code)[:EACH]]
        np.testing.assert_array_equal(pictures[name], Circles().picture(Circles().represent(first)))


def test_no_more_is_read_than_is_drawn(toy_data: Path, monkeypatch: pytest.MonkeyPatch):
    read = []

    def counted(*arguments):
        for events in shards(*arguments):
            read.append(events.table.fields)
            yield events

    monkeypatch.setattr(examples, "shards", counted)
    draw(toy_job().test, toy_data)
    assert len(read) == 2, "one shard of each class has enough"
    assert read[0] == ["event_id", "group", "label", "weight", "objects", "split"]
