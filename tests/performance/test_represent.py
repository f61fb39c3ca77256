"""Cost of representing events, over three decades of their number: the time per event must not grow.

    python -m pytest -o addopts= tests/performance/test_represent.py --benchmark-only

Compare `us_per_event` within a group. The second half is what keeping the samples, and opening them, costs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from representations.calorimeter.calorimeter import Calorimeter
from representations.circles.circles import Circles
from representations.fourvectors.fourvectors import FourVectors
from representations.graph.graph import Graph
from representations.samples.store import Writer, load
from tasks.events import SPLITS
from tests.representations.collisions import jets_of, random_events, showers_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from tasks.events import Events

DECADES = (100, 1000, 10_000, 100_000)
MADE = 1000
"""Events that are made; more are these again and again."""


@cache
def showers(count: int) -> Events:
    """200 hits an event in a window of the barrel, the hottest in its middle."""
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(-12, 13, (2, count, 200))
    energies = rng.exponential(0.5, (count, 200)) + 40 * np.exp(-np.hypot(rows, columns))
    shown = np.stack([rows + 60, columns + 180, energies], axis=2)
    return showers_of([[(int(row), int(column), energy) for row, column, energy in event] for event in shown.tolist()])


@cache
def jets(count: int) -> Events:
    """60 constituents a jet."""
    rng = np.random.default_rng(1)
    pt, (eta, phi) = rng.exponential(8, (count, 60)) + 0.5, rng.normal(0, 0.3, (2, count, 60))
    return jets_of([[(22, *row) for row in jet] for jet in np.stack([pt, eta, phi], axis=2).tolist()])


@cache
def objects(count: int) -> Events:
    return random_events(count, 8)


WAYS: dict[str, tuple[Any, Any]] = {
    "circles 112": (Circles(size=112), objects),
    "fourvectors": (FourVectors(), objects),
    "fourvectors, raw": (FourVectors(features="raw"), objects),
    "fourvectors, jets": (FourVectors(), jets),
    "calorimeter, crop": (Calorimeter(), showers),
    "graph": (Graph(), jets),
}


def events_of(way: str, count: int) -> Events:
    return WAYS[way][1](min(count, MADE))[np.arange(count) % MADE]


@pytest.mark.parametrize("count", DECADES)
@pytest.mark.parametrize("way", WAYS)
def test_represent(benchmark: BenchmarkFixture, per_event: Callable[..., Any], way: str, count: int) -> None:
    """In parts, as a run goes through the shards of a data set: memory is that of the samples and of one part."""
    representation, events = WAYS[way][0], events_of(way, count)
    benchmark.group = f"represent: {way}"
    parts = [events[start : start + MADE] for start in range(0, count, MADE)]
    representation.represent(parts[0])  # numba compiles once
    samples = per_event(count, lambda: [representation.represent(part) for part in parts])
    assert sum(map(len, samples)) == count


@pytest.mark.parametrize("count", DECADES[:3])
@pytest.mark.parametrize("way", WAYS)
def test_keep(benchmark: BenchmarkFixture, per_event: Callable[..., Any], tmp_path: Path, way: str, count: int) -> None:
    """Written in shards of 100 events."""
    benchmark.group = f"keep: {way}"
    samples = WAYS[way][0].represent(events_of(way, count))

    def keep() -> None:
        with Writer(tmp_path) as writer:
            for split in SPLITS:
                for start in range(0, count if split == "train" else 1, 100):
                    writer.add(split, samples[start : start + 100])
            writer.finish({})

    per_event(count, keep)


@pytest.mark.parametrize("count", DECADES[:3])
@pytest.mark.parametrize("way", WAYS)
def test_open(benchmark: BenchmarkFixture, per_event: Callable[..., Any], tmp_path: Path, way: str, count: int) -> None:
    """Hashed, checked and mapped."""
    benchmark.group = f"open: {way}"
    with Writer(tmp_path) as writer:
        for split in SPLITS:
            writer.add(split, WAYS[way][0].represent(events_of(way, count if split == "train" else 100)))
        writer.finish({})
    found = per_event(count, load, tmp_path)
    assert len(found.splits["train"]) == count
