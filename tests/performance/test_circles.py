"""Circles against Pillow drawing event by event, both from the same events at 224 x 224 with 8 objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from representations.circles import COLOURS, Circles
from tasks.events import KINDS
from tests.representations.collisions import random_events

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from tasks.events import Events
    from tests.performance.conftest import SideBySide

EVENTS, BATCH = 1000, 128
Collision = list[dict[str, float]]


def pillow(collisions: list[Collision]) -> list[np.ndarray]:
    """What one would write in an afternoon: a loop over events and objects."""
    pictures = []
    for objects in collisions:
        picture = Image.new("RGB", (224, 224), "white")
        draw = ImageDraw.Draw(picture)
        for thing in objects:
            radius = max(1.0, 10.5 * np.log(max(thing["pt"], 1.0)))
            x, y = (thing["eta"] + 3) / 6 * 224, (thing["phi"] + np.pi) / (2 * np.pi) * 224
            box = (x - radius, y - radius, x + radius, y + radius)
            draw.ellipse(box, outline=COLOURS[KINDS[thing["kind"]]])
        pictures.append(np.asarray(picture))
    return pictures


@pytest.fixture(scope="module")
def events() -> Events:
    return random_events(EVENTS, 8)


@pytest.fixture(scope="module")
def collisions(events: Events) -> list[Collision]:
    """Ready-made, so that Pillow is not charged for leaving Awkward."""
    return ak.to_list(events.table["objects"])


@pytest.mark.parametrize("threads", [1, 2])
def test_sparse(side_by_side: SideBySide, events: Events, collisions: list[Collision], threads: int) -> None:
    """Pillow draws in one thread, however many there may be."""
    circles = Circles()
    side_by_side(
        f"circles, {EVENTS} events, to sparse pixels",
        lambda: circles.represent(events),
        "Pillow",
        lambda: pillow(collisions),
        at_least=20,
        threads=threads,
    )


@pytest.mark.parametrize("memory", ["new", "the same"])
@pytest.mark.parametrize("threads", [1, 2])
def test_dense(
    side_by_side: SideBySide, events: Events, collisions: list[Collision], threads: int, memory: str
) -> None:
    """Both leave a batch behind before they make the next one, or write it over the one before."""
    batch = torch.empty(BATCH, 3, 224, 224, dtype=torch.uint8)
    pictures = np.empty((BATCH, 224, 224, 3), np.uint8)

    def ours() -> None:
        images = Circles().represent(events)
        for index in torch.arange(EVENTS).split(BATCH):
            images.stored(index, out=batch[: len(index)] if memory == "the same" else None)

    def theirs() -> None:
        for start in range(0, EVENTS, BATCH):
            some = pillow(collisions[start : start + BATCH])
            np.stack(some, out=pictures[: len(some)] if memory == "the same" else None)

    what = f"circles, {EVENTS} events, to batches of bytes in {memory} memory"
    side_by_side(what, ours, "Pillow", theirs, at_least=5, threads=threads)


@pytest.mark.benchmark(group="circles, 1000 events")
@pytest.mark.parametrize("options", [{"wrap": True}, {"fill": True}, {"size": 112}], ids=str)
def test_options(benchmark: BenchmarkFixture, events: Events, options: dict[str, bool]) -> None:
    circles = Circles(**options)
    circles.represent(events)  # numba compiles once
    benchmark(circles.represent, events)
