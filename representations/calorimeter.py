"""Calorimeter images: arXiv:1807.11916, section 4, and for jets arXiv:1511.05190, section 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import awkward as ak
import numpy as np
import torch

from benchmark.errors import Skip, UserError
from benchmark.plugin import check_range
from representations import hcal_centric
from representations.cells import Cells, summed
from representations.jet_image import SIDE, JetImage
from representations.particles import JET_SPAN, SHOWER_SPAN
from representations.representation import Representation, truth
from representations.samples import Images, Ragged
from tasks.detector.clusters import HALF, relative
from tasks.detector.geometry import BARREL, BARREL_ETA, ENDCAPS, HCAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

CROSSING = 25.0
"""ns between bunches: the unit of times."""
NAMES = {"ecal": "calorimeter hits", "constituents": "constituents of a jet"}
CHANNELS = ("tracks", "ecal", "hcal")


@dataclass(frozen=True, kw_only=True)
class Calorimeter(Representation):
    """What the calorimeters saw, cell by cell, as a picture with a channel for each of them.

    Rows are eta and columns phi. Energies are divided by `unit`.

    Parameters
    ----------
    area : "crop": 32 x 32 ECAL crystals around the hottest one. "barrel": tracks (sum of pt), ECAL and HCAL of the
        barrel, 170 x 360, each HCAL tower spread evenly over its 5 x 5 crystals; a channel where the task has the
        column. "detector": the same with the endcaps, HCAL-centric, 280 x 360; rows are wider beyond abs(eta) 1.74, as
        towers are. "jet": the candidate jet's constituents as 25 x 25 cells of pt over [-1.25, 1.25] in eta and phi.
        "task": what the task names.
    unit : GeV that have the value 1, but in a jet.
    scale : "linear", or "log": ln(1 + x) of that, so that faint cells can be seen beside hot ones; but for times.
    time : "on" for a second channel of a crop, the hits' times in units of 25 ns.
    translate, rotate, flip, normalise : preprocessing of jet images: the leading subjet to the centre, the second one
        below it (towards lower columns: phi runs up; of a jet with one subjet its principal axis, the longer half
        below), the heavier side to the right (higher rows: eta runs across), the squares of all pixels to the sum 1.
    """

    name = "calorimeter"
    version: ClassVar[str] = "2"  # jets of one subjet are turned by their principal axis

    area: Literal["task", "crop", "barrel", "detector", "jet"] = "task"
    unit: float = 10.0
    scale: Literal["linear", "log"] = "linear"
    time: Literal["off", "on"] = "off"
    translate: bool = True
    rotate: bool = True
    flip: bool = True
    normalise: bool = True

    def __post_init__(self) -> None:
        check_range(self, "unit", 1e-3, 1e6)

    def represent(self, events: Events) -> Images:
        """Pictures (channels, rows, columns) of float32.

        Raises Skip when the task's events have no hits, UserError when a cell lies nowhere.
        """
        kind = events.info.picture if self.area == "task" else self.area
        if kind == "jet":
            _column(events, "constituents")
            jet = JetImage(self.translate, self.rotate, self.flip, self.normalise)
            return self._images(events, ("pt",), jet.pixels(events), (SIDE, SIDE), JET_SPAN)
        if kind == "crop":
            return self._crop(events)
        return self._detector(events, endcaps=kind == "detector")

    def columns(self, info: EventInfo) -> tuple[str, ...]:
        """The hits, or what a jet consists of."""
        area = info.picture if self.area == "task" else self.area
        whole = ("tracks", "ecal", "hcal", *(("ecal_endcap",) if area == "detector" else ()))
        return {"jet": ("constituents", "axes"), "crop": ("ecal",)}.get(area, whole)

    def _crop(self, events: Events) -> Images:
        near = relative(_column(events, "ecal"))
        inside = (near.row >= -HALF) & (near.row < HALF) & (near.column >= -HALF) & (near.column < HALF)
        near = near[inside]
        row, column = near.row + HALF, near.column + HALF
        channels = [("ecal", Cells.of(row, column, near.energy).times(1 / self.unit))]
        if self.time == "on":
            if "time" not in near.fields:
                raise UserError(
                    f"calorimeter: the hits of task '{events.info.task}' have no time "
                    f"(found: {', '.join(near.fields)}). Leave time='on' out."
                )
            channels.append(("time", Cells.of(row, column, near.time).times(1 / CROSSING)))
        return self._summed(events, channels, (2 * HALF, 2 * HALF), SHOWER_SPAN)

    def _detector(self, events: Events, *, endcaps: bool) -> Images:
        ecal = hcal_centric.barrel(_column(events, "ecal", BARREL))
        if endcaps and events.has("ecal_endcap"):
            ecal = Cells.together([ecal, hcal_centric.endcaps(_column(events, "ecal_endcap", ENDCAPS))])
        channels = {"ecal": ecal}
        if events.has("tracks"):
            channels["tracks"] = hcal_centric.tracks(events.table["tracks"])
        if events.has("hcal"):
            channels["hcal"] = hcal_centric.towers(_column(events, "hcal", HCAL))
        found = [(name, channels[name].times(1 / self.unit)) for name in CHANNELS if name in channels]
        if endcaps:
            return self._summed(events, found, hcal_centric.SHAPE, hcal_centric.SPAN)
        found = [(name, cells.rows(hcal_centric.FIRST, BARREL[0])) for name, cells in found]
        return self._summed(events, found, BARREL, (BARREL_ETA, float(np.pi)))

    def _summed(
        self, events: Events, channels: list[tuple[str, Cells]], shape: tuple[int, int], span: tuple[float, float]
    ) -> Images:
        sums = summed([cells for _, cells in channels], shape, len(events))
        return self._images(events, tuple(name for name, _ in channels), sums, shape, span)

    def _images(
        self,
        events: Events,
        channels: tuple[str, ...],
        sums: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]],
        shape: tuple[int, int],
        span: tuple[float, float],
    ) -> Images:
        counts, pixels, values = sums
        if self.scale == "log":
            dark = [number for number, name in enumerate(channels) if name == "time"]
            energies = ~np.isin(pixels // (shape[0] * shape[1]), dark)
            values = np.where(energies, np.log1p(np.maximum(values, 0.0)), values)
        offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
        return Images(
            **truth(events),
            features=torch.zeros(len(events), 0),
            shape=(len(channels), *shape),
            pixels=Ragged(torch.from_numpy(pixels), offsets),
            values=Ragged(torch.from_numpy(values), offsets),
            span=span,
            channel_names=channels,
        )


def _column(events: Events, name: str, shape: tuple[int, int] | None = None) -> ak.Array:
    """A column of hits. Raises Skip when there is none, UserError for a cell outside a shape: unseen, it would be drawn
    into the next picture."""
    if not events.has(name):
        raise Skip(f"{events.info.task} keeps no {NAMES.get(name, name)} at the level '{events.info.level}'")
    hits = events.table[name]
    for axis, size in zip(("row", "column"), shape or (), strict=False):
        wrong = ak.to_numpy(ak.any((hits[axis] < 0) | (hits[axis] >= size), axis=1))
        if len(first := np.flatnonzero(wrong)):
            event = events.column("event_id")[first[0]]
            raise UserError(
                f"{events.info.task}: event {event} has a cell of {name} with its {axis} outside 0 to {size - 1}. "
                "Remove or mend this event."
            )
    return hits
