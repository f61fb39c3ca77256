"""Circles against Pillow drawing event by event, both from the same events at 224 x 224 with 8 objects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from representations.circles.circles import Circles
from representations.circles.colours import COLOURS
from tasks.events import KINDS
from tests.performance.sizes import MEASURED
from tests.representations.collisions import random_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from tests.performance.conftest import SideBySide

EVENTS, BATCH = (2000, 128) if MEASURED else (50, 20)
"""As many as the training part of a file has at `standard`, about: that is what `represent` is given at once."""
Collision = list[dict[str, float]]


def pillow(collisions: list[Collision]) -> list[np.ndarray]:
    """A straightforward implementation: a loop over events and objects."""
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


def collisions() -> list[Collision]:
    """Ready-made, so that Pillow is not charged for leaving Awkward."""
    return ak.to_list(random_events(EVENTS, 8).table["objects"])


def to_pixels() -> Callable[[], Any]:
    events, circles = random_events(EVENTS, 8), Circles()
    return lambda: circles.represent(events)


def drawn() -> Callable[[], Any]:
    objects = collisions()
    return lambda: pillow(objects)


def to_batches(memory: str) -> Callable[[], Any]:
    """Leave a batch behind before the next one is made, or write it over the one before."""
    events = random_events(EVENTS, 8)
    batch = torch.empty(BATCH, 3, 224, 224, dtype=torch.uint8)

    def work() -> None:
        images = Circles().represent(events)
        for index in torch.arange(EVENTS).split(BATCH):
            images.stored(index, out=batch[: len(index)] if memory == "the same" else None)

    return work


def drawn_to_batches(memory: str) -> Callable[[], Any]:
    objects = collisions()
    pictures = np.empty((BATCH, 224, 224, 3), np.uint8)

    def work() -> None:
        for start in range(0, EVENTS, BATCH):
            some = pillow(objects[start : start + BATCH])
            np.stack(some, out=pictures[: len(some)] if memory == "the same" else None)

    return work


@pytest.mark.parametrize("threads", [1, 2])
def test_sparse(side_by_side: SideBySide, apart: Callable[..., Any], threads: int) -> None:
    """Each as its users run it: ours in a worker of a run, Pillow in a script, where it draws in one thread."""
    side_by_side(
        f"circles, {EVENTS:,} events, to sparse pixels",
        apart(to_pixels, threads, worker=True),
        "Pillow",
        apart(drawn, threads, worker=False),
        at_least=20,
        threads=threads,
        calls=10,
        their_calls=1,
    )


@pytest.mark.parametrize("memory", ["new", "the same"])
@pytest.mark.parametrize("threads", [1, 2])
def test_dense(side_by_side: SideBySide, apart: Callable[..., Any], threads: int, memory: str) -> None:
    side_by_side(
        f"circles, {EVENTS:,} events, to batches of bytes in {memory} memory",
        apart(partial(to_batches, memory), threads, worker=True),
        "Pillow",
        apart(partial(drawn_to_batches, memory), threads, worker=False),
        at_least=5,
        threads=threads,
        calls=5,
        their_calls=1,
    )


@pytest.mark.benchmark(group=f"circles, {EVENTS} events")
@pytest.mark.parametrize("options", [{"wrap": True}, {"fill": True}, {"size": 112}], ids=str)
def test_options(benchmark: BenchmarkFixture, options: dict[str, bool]) -> None:
    circles, events = Circles(**options), random_events(EVENTS, 8)
    circles.represent(events)  # numba compiles once
    benchmark(circles.represent, events)
