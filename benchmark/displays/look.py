"""A look at stored events through a representation: a few of each class, and what all of them amount to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import Skip
from benchmark.displays.kinds import kinds_of
from benchmark.displays.tally import BATCH, Tally, tally_of
from representations.calorimeter.calorimeter import Calorimeter
from representations.samples import Images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from representations.representation import Representation
    from representations.samples import Samples
    from tasks.events import EventInfo, Events


@dataclass(frozen=True)
class Look:
    """What was seen.

    examples : by class, the first few samples, in the order of the classes; none of a class without events.
    kinds : of the particles in them. tally : of all events.
    not_drawn : by class, the shares that the representation leaves out, where it tells of them: `outside` of the
        objects (of a calorimeter image: tracks, crystals of a crop, constituents of a jet), `dropped` of pt (or of
        energy, where the task measures by that; a mean over events).
    panel : which of the pictures that an event is shown as, where there are several.
    """

    representation: Representation
    info: EventInfo
    examples: dict[str, Samples]
    kinds: set[str]
    tally: Tally
    not_drawn: list[dict[str, float]]
    panel: str = ""

    def numbers(self) -> dict[str, dict[str, float]]:
        """By class: how many events, means over them, and the shares that are not drawn."""
        events = self.tally.events
        return {
            name: {"events": int(events[code]), **self.tally.numbers(code), **self.not_drawn[code]}
            for code, name in enumerate(self.info.classes)
        }


class _Part:
    """A panel of the pictures, or all that an event is shown as: the first samples of each class, and the sums."""

    def __init__(self, name: str, samples: Samples) -> None:
        self.name = name
        self.kept: dict[int, list[Samples]] = {}
        tally = tally_of(samples)
        if tally is None:
            raise Skip(f"samples of the kind {type(samples).__name__} can't be drawn")
        self.tally = tally

    def add(self, samples: Samples, first: dict[int, NDArray[np.int64]]) -> None:
        """A few more events, and which of them are to be kept, by class."""
        self.tally.add(samples)  # type: ignore[arg-type]
        for code, chosen in first.items():
            self.kept.setdefault(code, []).append(samples[chosen])

    def examples(self, info: EventInfo) -> dict[str, Samples]:
        """By class, in the order of the classes."""
        return {info.classes[code]: type(some[0]).join(some) for code, some in sorted(self.kept.items())}


def look(
    representation: Representation, shards: Iterable[Events], each: int, report: Callable[[int], None] = lambda _: None
) -> list[Look]:
    """Show events to a representation, shard by shard and 256 at a time, and keep `each` samples of every class.

    One look, or one a panel where events are shown as several. Memory is a shard, a batch and the sums, whatever the
    number of events. Reports events done.
    Raises Skip for samples that nobody can draw, and what the representation raises.
    """
    parts: list[_Part] = []
    info: EventInfo | None = None
    left: dict[int, int] = {}
    losses: list[tuple[NDArray[np.int64], dict[str, tuple[NDArray[Any], NDArray[Any]]]]] = []
    kinds: set[str] = set()
    done = 0
    for events in shards:
        info = events.info
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            samples = representation.represent(batch)
            panels = _panels(samples)
            parts = parts or [_Part(name, shown) for name, shown in panels.items()]
            labels = samples.labels.numpy()
            first = {
                code: np.flatnonzero(labels == code)[: left.setdefault(code, each)] for code in range(len(info.classes))
            }
            first = {code: chosen for code, chosen in first.items() if len(chosen)}
            for part, shown in zip(parts, panels.values(), strict=True):
                part.add(shown, first)
            for code, chosen in first.items():
                left[code] -= len(chosen)
                kinds |= kinds_of(batch[chosen])
            losses.append((labels, _losses(representation, batch)))
            done += len(batch)
            report(done)
    if not parts or info is None:
        raise Skip("there are no events")
    shares = _shares(losses, len(info.classes))
    return [Look(representation, info, part.examples(info), kinds, part.tally, shares, part.name) for part in parts]


def _panels(samples: Samples) -> dict[str, Samples]:
    """The samples with one panel each, by name; all of it under no name where there is but one."""
    if not isinstance(samples, Images) or len(samples.panels) == 1:
        return {"": samples}
    return {panel.name: samples.panel(panel.name) for panel in samples.panels}


def _losses(representation: Representation, events: Events) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """What of each event is not drawn, and of how much: as far as the representation tells."""
    found: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    particles = events.info.particles
    column = representation.counted(events.info) if isinstance(representation, Calorimeter) else particles
    if callable(outside := getattr(representation, "outside", None)) and events.has(column):
        objects = ak.to_numpy(ak.num(events.table[column], axis=1))
        found["outside"] = (np.asarray(outside(events)), objects)
    if callable(dropped := getattr(representation, "dropped", None)):
        found["dropped"] = (np.asarray(dropped(events)), np.ones(len(events)))
    return found


def _shares(losses: list[Any], classes: int) -> list[dict[str, float]]:
    labels = np.concatenate([label for label, _ in losses])
    shares: list[dict[str, float]] = [{} for _ in range(classes)]
    for name in losses[0][1]:
        lost, whole = (np.concatenate([loss[name][part] for _, loss in losses]) for part in (0, 1))
        for code in range(classes):
            chosen = labels == code
            total = float(whole[chosen].sum())
            shares[code][name] = float(lost[chosen].sum()) / total if total else 0.0
    return shares
