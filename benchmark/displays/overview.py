"""A data set in a representation: a few samples of each class, and statistics of all events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import Skip
from benchmark.displays.statistics import BATCH, Statistics, statistics_of
from representations.kernels.particles import particles_of
from representations.samples import Images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from representations.representation import Loss, Representation
    from representations.samples import Samples
    from tasks.events import EventInfo, Events


@dataclass(frozen=True)
class Overview:
    """One representation of a data set, or one panel of it.

    examples : by class, in the order of the classes, the first few samples; no entry for a class without events.
    kinds : of the particles in the examples.
    statistics : of all events.
    losses : by class, the shares that the samples leave out (`Representation.losses`).
    panel : its name, if an event has several.
    """

    representation: Representation
    info: EventInfo
    examples: dict[str, Samples]
    kinds: set[str]
    statistics: Statistics
    losses: list[dict[str, float]]
    panel: str = ""

    def numbers(self) -> dict[str, dict[str, float]]:
        """By class: the number of events, means over them, and the shares that are left out."""
        events = self.statistics.events
        return {
            name: {"events": int(events[code]), **self.statistics.numbers(code), **self.losses[code]}
            for code, name in enumerate(self.info.classes)
        }


class _Part:
    """The examples and the statistics of one panel, or of samples that have none."""

    def __init__(self, name: str, samples: Samples) -> None:
        self.name = name
        self.examples: dict[int, list[Samples]] = {}
        self.statistics = statistics_of(samples)

    def add(self, samples: Samples, first: dict[int, NDArray[np.int64]]) -> None:
        """Add a batch; `first` are the positions of new examples, by class."""
        self.statistics.add(samples)
        for code, chosen in first.items():
            self.examples.setdefault(code, []).append(samples[chosen])

    def by_class(self, info: EventInfo) -> dict[str, Samples]:
        """The examples by class, in the order of the classes."""
        return {info.classes[code]: type(some[0]).join(some) for code, some in sorted(self.examples.items())}


def overviews(
    representation: Representation, shards: Iterable[Events], each: int, report: Callable[[int], None] = lambda _: None
) -> list[Overview]:
    """Represent events in batches, and keep `each` samples of every class.

    Memory is one shard, one batch and the sums, for any number of events.

    Parameters
    ----------
    shards : the events, in parts.
    report : called with the number of events that are done.

    Returns
    -------
    One overview, or one for each panel.

    Raises
    ------
    Skip : for samples that cannot be drawn, and if there are no events; also what the representation raises.
    """
    parts: list[_Part] = []
    info: EventInfo | None = None
    left: dict[int, int] = {}
    losses: list[tuple[NDArray[np.int64], dict[str, Loss]]] = []
    kinds: set[str] = set()
    done = 0
    for events in shards:
        info = events.info
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            samples = representation.represent(batch)
            panels = _panels(samples)
            parts = parts or [_Part(name, panel) for name, panel in panels.items()]
            labels = samples.labels.numpy()
            first = {
                code: np.flatnonzero(labels == code)[: left.setdefault(code, each)] for code in range(len(info.classes))
            }
            first = {code: chosen for code, chosen in first.items() if len(chosen)}
            for part, panel in zip(parts, panels.values(), strict=True):
                part.add(panel, first)
            for code, chosen in first.items():
                left[code] -= len(chosen)
                kinds |= _kinds(batch[chosen])
            losses.append((labels, dict(representation.losses(batch))))
            done += len(batch)
            report(done)
    if not parts or info is None:
        raise Skip("there are no events")
    shares = _shares(losses, len(info.classes))
    return [
        Overview(representation, info, part.by_class(info), kinds, part.statistics, shares, part.name) for part in parts
    ]


def _panels(samples: Samples) -> dict[str, Samples]:
    """The samples of each panel by name; without a name, all of the samples if there is no choice of panels."""
    if not isinstance(samples, Images) or len(samples.panels) == 1:
        return {"": samples}
    return {panel.name: samples.panel(panel.name) for panel in samples.panels}


def _kinds(events: Events) -> set[str]:
    """The kinds of particles in some events; none if their particles are not loaded."""
    if not events.has(events.info.particles):
        return set()
    particles = particles_of(events)
    return {particles.names[code] for code in np.unique(particles.kind)}


def _shares(losses: list[tuple[NDArray[np.int64], dict[str, Loss]]], classes: int) -> list[dict[str, float]]:
    labels = np.concatenate([label for label, _ in losses])
    shares: list[dict[str, float]] = [{} for _ in range(classes)]
    for name in losses[0][1]:
        lost, total = (np.concatenate([loss[name][part] for _, loss in losses]) for part in (0, 1))
        for code in range(classes):
            chosen = labels == code
            whole = float(total[chosen].sum())
            shares[code][name] = float(lost[chosen].sum()) / whole if whole else 0.0
    return shares
