"""Circles against Pillow drawing event by event, both from the same events at 224 x 224 with 8 objects.

    python -m pytest -o addopts= tests/performance/test_circles.py --benchmark-only

Compare the columns "OPS": one round is `EVENTS` events for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
from PIL import Image, ImageDraw

from representations.circles import COLOURS, Circles
from tasks.events import KINDS
from tests.representations.collisions import random_events

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from tasks.events import Events

EVENTS = 1000


def pillow(events: Events) -> list[np.ndarray]:
    """What one would write in an afternoon: a loop over events and objects."""
    pictures = []
    for objects in ak.to_list(events.table["objects"]):
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


@pytest.mark.benchmark(group="circles, 1000 events")
def test_pillow(benchmark: BenchmarkFixture, events: Events) -> None:
    benchmark(pillow, events)


@pytest.mark.benchmark(group="circles, 1000 events")
@pytest.mark.parametrize("options", [{}, {"wrap": True}, {"fill": True}, {"size": 112}], ids=str)
def test_circles(benchmark: BenchmarkFixture, events: Events, options: dict[str, bool]) -> None:
    circles = Circles(**options)
    circles.represent(events)  # numba compiles once
    benchmark(circles.represent, events)
