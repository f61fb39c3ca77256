"""Pile-up: the number of collisions, and their energy and hits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.calorimeter import Incoming, columns, hits
from tasks.detector.pileup import PileUp, eras, pool
from tasks.detector.tracker import STATE
from tasks.validation.figure import Axis, Check, Curve, Figure, spectrum
from tasks.validation.hits import DIRECTIONS, flat
from tasks.validation.statistics import SIGMAS, means

if TYPE_CHECKING:
    from tasks.detector.pileup import Era
    from tasks.validation.figure import Floats, MeasuredPoints, Spectrum

SEED = 20_120_705
NUMBERS = 20_000
"""Events for the distribution of the number of collisions."""
COUNT = 400
"""Events whose hits are simulated."""
POOL = 300
"""Collisions in the pool, generated in a few seconds."""
FLOW = (5.0, 25.0)
FLOW_SOURCE = (
    "6 charged particles a unit of eta of 0.55 GeV (PRL 105 (2010) 022002) and half as much in photons are 30 GeV in "
    "abs(eta) < 3; curling and thresholds take a large part"
)


def figure(asked: Era | float, energy: float, count: int | None) -> Figure:
    """Number of collisions for a year or a mean, and transverse energy and hits of events of pile-up only.

    energy : of the beams together, GeV. count : events whose hits are simulated.
    """
    events = min(count or COUNT, COUNT)
    parts = np.array(eras(asked))
    mean = float(np.average(parts[:, 1], weights=parts[:, 0]))
    between = float(np.average((parts[:, 1] - mean) ** 2, weights=parts[:, 0]))
    pileup = PileUp(eras(asked), pool(energy, POOL))
    rng = np.random.default_rng(SEED)
    drawn = np.diff(pileup.draw(NUMBERS, rng).offsets).astype(np.float64)
    empty = Incoming(np.zeros(events + 1, np.int64), np.zeros((0, STATE)), np.zeros(0, np.int64), np.zeros(0))
    over = pileup.draw(events, rng)
    numbers = np.diff(over.offsets).astype(np.float64)
    found = columns(hits(empty, rng, over))
    flow = {name: _transverse(found[name], name) for name in DIRECTIONS}
    read = {name: ak.to_numpy(ak.num(found[name].energy)).astype(np.float64) for name in DIRECTIONS}
    edges = np.arange(max(mean - 10.0, 0.0) - 0.5, mean + 11.0, max(2.0, mean / 10))
    axis = Axis("collisions over an event")
    flow_axis = Axis("transverse energy", "GeV")
    panels = (
        _expected(drawn, parts),
        Curve("energy flow", axis, flow_axis, _profiles(numbers, flow, edges), y_from=0.0),
        Curve("hits", axis, Axis("hits"), _profiles(numbers, read, edges), y_from=0.0),
    )
    a_collision = float(sum(values.sum() for values in flow.values()) / numbers.sum())
    checks = (
        *_counted(drawn, mean, between),
        Check("pile-up: transverse energy read a collision", a_collision, *FLOW, "GeV", FLOW_SOURCE),
    )
    sample = f"{NUMBERS:,} draws and {events:,} events of pile-up only"
    title = f"pile-up of {asked}" if isinstance(asked, str) else f"pile-up with a mean of {asked:g}"
    return Figure("pile-up", title, panels, checks, sample)


def _counted(drawn: Floats, mean: float, between: float) -> tuple[Check, Check]:
    """Mean and variance of the numbers drawn; between : variance of the means of the run eras."""
    error = SIGMAS * math.sqrt((mean + between) / NUMBERS)
    spread, allowed = 1 + between / mean, SIGMAS * math.sqrt(2 / NUMBERS)
    found = (float(drawn.mean()), float(drawn.var(ddof=1) / drawn.mean()))
    asked = f"asked for {mean:.4g}, 3 standard errors"
    poisson = "Poisson in each run era, 3 standard errors"
    return (
        Check("pile-up: mean number of collisions", found[0], mean - error, mean + error, "", asked),
        Check("pile-up: variance over mean", found[1], spread - allowed, spread + allowed, "", poisson),
    )


def _profiles(numbers: Floats, values: dict[str, Floats], edges: Floats) -> dict[str, MeasuredPoints]:
    return {name.replace("_", " "): means(numbers, column, edges) for name, column in values.items()}


def _transverse(found: ak.Array, column: str) -> Floats:
    """Sum of the hits' transverse energy of each event, GeV."""
    event, _, _, transverse = flat(found, column)
    return np.asarray(np.bincount(event, transverse, len(found)), dtype=np.float64)


def _expected(drawn: Floats, parts: Floats) -> Spectrum:
    """The numbers drawn and their Poisson expectation; parts (eras, 2): weight and mean of each run era."""
    most = drawn.max()
    panel = spectrum(
        "collisions drawn", Axis("collisions over an event"), {"drawn": drawn}, np.arange(-0.5, most + 1.0), "events"
    )
    number = np.arange(most + 1)
    factorial = np.array([math.lgamma(k + 1.0) for k in number])
    chance = np.zeros(len(number))
    for weight, mean in parts:
        chance += weight / parts[:, 0].sum() * np.exp(number * math.log(mean) - mean - factorial)
    return replace(panel, overlay={"Poisson": (number, chance * len(drawn))})
