"""A task that takes milliseconds to generate, as a user may write one in a file of his own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import awkward as ak
import numpy as np

from benchmark.core.plugin import Range
from tasks.events import KINDS, EventInfo
from tasks.task import Task
from tasks.validation.figure import Axis, Check, Figure, spectrum
from tasks.validation.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, kw_only=True)
class Toy(Task):
    """Two muons of a hard or a soft spectrum."""

    name: ClassVar[str] = "toy"
    processes: ClassVar[tuple[str, ...]] = ("hard", "soft")
    skipped_levels: ClassVar[Mapping[str, str]] = {"generator": "partons have no spectrum here"}
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {"events_per_class": 120, "shard_events": 60}}

    slope: Annotated[float, Range(1, 1000), "mean pt of the hard muons in GeV"] = 60.0

    def info(self, level: str) -> EventInfo:
        """Two muons."""
        return EventInfo(self.name, self.classes, level, {"muon": 2})

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """Exponential pt, flat in the detector."""
        rng = np.random.default_rng(seed)
        shape = (count, 2)
        columns = {
            "pt": 5 + rng.exponential(self.slope if process == "hard" else 20.0, shape),
            "eta": rng.uniform(-2.4, 2.4, shape),
            "phi": rng.uniform(-np.pi, np.pi, shape),
            "mass": np.full(shape, 0.1),
            "charge": rng.choice([-1.0, 1.0], shape),
        }
        lists = {name: ak.from_regular(values.astype(np.float32)) for name, values in columns.items()}
        lists["kind"] = ak.from_regular(np.full(shape, KINDS.index("muon"), np.int8))
        return ak.zip({"objects": ak.zip(lists)}, depth_limit=1)


@dataclass(frozen=True, kw_only=True)
class Shifted(Toy):
    """The toy with shifted simulations: a softer one, one out of range, and one that can't be generated."""

    name: ClassVar[str] = "shifted"
    shifts: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "softer": {"slope": 25.0},
        "impossible": {"slope": 5000.0},
        "broken": {"broken": True},
    }

    broken: bool = False

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """No events if it is broken."""
        if self.broken:
            raise RuntimeError("the shower is broken")
        return super().generate(process, level, count, seed)


@dataclass(frozen=True, kw_only=True)
class Lonely(Toy):
    """One class alone, so that there is nothing to classify."""

    name: ClassVar[str] = "lonely"
    processes: ClassVar[tuple[str, ...]] = ("hard",)


class DoubtfulValidation(Validation):
    """Figures of a detector with a check that fails."""

    def detector_figures(self, count: int | None = None) -> Iterator[Figure]:
        """Two numbers, one of them wrong; with a banner from C++, as fastjet prints at its first jet."""
        from fastjet._swig import ClusterSequence

        ClusterSequence.print_banner()
        panel = spectrum("", Axis("x", "GeV"), {"toys": [0.1, 0.2, 0.7]}, [0.0, 0.5, 1.0])
        checks = (
            Check("half", 0.7, 0.4, np.inf, "", "by hand"),
            Check("far", 0.7, 0.8, 0.9, "[GeV]", "by hand"),
            Check("unknown", np.nan, 0.8, 0.9, "GeV", "by hand"),
        )
        yield Figure("by-hand", "toys", (panel,), checks, "3 toys")


@dataclass(frozen=True, kw_only=True)
class Doubtful(Toy):
    """The toy with a detector whose check fails."""

    name: ClassVar[str] = "doubtful"
    fast_simulation: ClassVar[bool] = True
    validation: ClassVar[Validation] = DoubtfulValidation()
