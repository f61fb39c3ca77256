"""Pile-up as it was asked for: how many collisions are drawn, and what they bring."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.calorimeter import columns, hits
from tasks.detector.geometry import barrel_direction, endcap_direction, hcal_direction
from tasks.detector.incoming import Incoming
from tasks.detector.pileup import Drawn, PileUp, pool
from tasks.detector.transport import STATE
from tasks.validation.figure import Axis, Check, Curve, Figure, spectrum
from tasks.validation.statistics import SIGMAS, means

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.validation.figure import Floats, Points, Spectrum

SEED = 20_120_705
NUMBERS = 20_000
"""Events of which only the number of collisions is drawn."""
COUNT = 400
"""Events whose hits are made."""
POOL = 300
"""Collisions to draw from: enough for means, and made in a few seconds."""
FLOW = (5.0, 25.0)
FLOW_SOURCE = (
    "6 charged particles a unit of eta of 0.55 GeV (PRL 105 (2010) 022002) and half as much in photons are 30 GeV in "
    "abs(eta) < 3; curling and thresholds take a large part"
)


@dataclass(frozen=True)
class _Remembered(PileUp):
    """Pile-up that can be asked afterwards how many collisions it drew."""

    drawn: list[Drawn] = field(default_factory=list)

    def draw(self, events: int, rng: np.random.Generator) -> Drawn:
        """As `PileUp` does."""
        self.drawn.append(super().draw(events, rng))
        return self.drawn[-1]

    def numbers(self) -> Floats:
        """Collisions over each event of the last draw."""
        return np.diff(self.drawn[-1].offsets).astype(np.float64)


def figure(mean: float, energy: float, count: int | None) -> Figure:
    """Number of collisions drawn for a mean, and transverse energy and hits of events that have nothing else.

    energy : of the beams together, GeV. count : events whose hits are made.
    """
    events = min(count or COUNT, COUNT)
    pileup = _Remembered(mean, pool(energy, POOL))
    rng = np.random.default_rng(SEED)
    pileup.draw(NUMBERS, rng)
    drawn = pileup.numbers()
    empty = Incoming(np.zeros(events + 1, np.int64), np.zeros((0, STATE)), np.zeros(0, np.int64), np.zeros(0))
    found = columns(hits(empty, rng, pileup))
    numbers = pileup.numbers()
    flow = {name: _transverse(found[name], direction) for name, direction in _DIRECTIONS.items()}
    read = {name: ak.to_numpy(ak.num(found[name].energy)).astype(np.float64) for name in _DIRECTIONS}
    edges = np.arange(max(mean - 10.0, 0.0) - 0.5, mean + 11.0, max(2.0, mean / 10))
    axis = Axis("collisions over an event")
    panels = (
        _poisson(drawn, mean),
        Curve(
            "energy flow",
            axis,
            Axis("transverse energy", "GeV"),
            _profiles(numbers, flow, edges),
            y_from=0.0,
        ),
        Curve(
            "hits",
            axis,
            Axis("hits"),
            _profiles(numbers, read, edges),
            y_from=0.0,
        ),
    )
    a_collision = float(sum(values.sum() for values in flow.values()) / numbers.sum())
    error = math.sqrt(mean / NUMBERS)
    spread = float(drawn.var(ddof=1) / drawn.mean())
    allowed = SIGMAS * math.sqrt(2 / NUMBERS)
    checks = (
        Check(
            "pile-up: mean number of collisions",
            float(drawn.mean()),
            mean - SIGMAS * error,
            mean + SIGMAS * error,
            "",
            f"asked for {mean:g}, 3 standard errors",
        ),
        Check("pile-up: variance over mean", spread, 1 - allowed, 1 + allowed, "", "Poisson, 3 standard errors"),
        Check("pile-up: transverse energy read a collision", a_collision, *FLOW, "GeV", FLOW_SOURCE),
    )
    sample = f"{NUMBERS:,} draws and {events:,} events of pile-up alone"
    return Figure("pile-up", f"pile-up with a mean of {mean:g}", panels, checks, sample)


_DIRECTIONS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "ecal": barrel_direction,
    "ecal_endcap": endcap_direction,
    "hcal": hcal_direction,
}


def _profiles(numbers: Floats, values: dict[str, Floats], edges: Floats) -> dict[str, Points]:
    return {name.replace("_", " "): means(numbers, column, edges) for name, column in values.items()}


def _transverse(found: ak.Array, direction: Callable[..., tuple[Any, Any]]) -> Floats:
    """Sum of the hits' transverse energy of each event, GeV."""
    flat = ak.flatten(found)
    eta, _ = direction(*(ak.to_numpy(flat[name]).astype(np.int64) for name in ("row", "column")))
    lists = ak.unflatten(ak.to_numpy(flat.energy) / np.cosh(eta), ak.num(found.energy))
    return np.asarray(ak.to_numpy(ak.sum(lists, axis=1)), dtype=np.float64)


def _poisson(drawn: Floats, mean: float) -> Spectrum:
    """The numbers drawn beside what Poisson expects."""
    most = drawn.max()
    panel = spectrum(
        "collisions drawn", Axis("collisions over an event"), {"drawn": drawn}, np.arange(-0.5, most + 1.0), "events"
    )
    number = np.arange(most + 1)
    chance = np.exp(number * math.log(mean) - mean - np.array([math.lgamma(k + 1.0) for k in number]))
    return replace(panel, overlay={f"Poisson, mean {mean:g}": (number, chance * len(drawn))})
