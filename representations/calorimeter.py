"""Calorimeter images: arXiv:1807.11916, section 4, and for jets arXiv:1511.05190, section 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import awkward as ak
import numpy as np
import torch

from benchmark.errors import Skip, UserError
from benchmark.plugin import check_range
from representations.cells import Cells, summed
from representations.jet_image import SIDE, JetImage
from representations.particles import JET_SPAN, SHOWER_SPAN
from representations.representation import Representation, truth
from representations.samples import Images, Ragged
from tasks.detector.clusters import HALF, relative
from tasks.detector.geometry import BARREL, BARREL_ETA, CRYSTAL, HCAL, TOWER

if TYPE_CHECKING:
    from tasks.events import EventInfo, Events

CROSSING = 25.0
"""ns between bunches: the unit of times."""
NAMES = {"ecal": "calorimeter hits", "constituents": "constituents of a jet"}
HCAL_ROWS = BARREL[0] // TOWER
"""Rows of HCAL towers that lie behind the ECAL barrel."""


@dataclass(frozen=True, kw_only=True)
class Calorimeter(Representation):
    """What the calorimeters saw, cell by cell, as a picture with a channel for each of them.

    Rows are eta and columns phi. Energies are divided by `unit`.

    Parameters
    ----------
    area : "crop": 32 x 32 ECAL crystals around the hottest one. "barrel": tracks (sum of pt), ECAL and HCAL of the
        barrel, 170 x 360, each HCAL tower spread evenly over its 5 x 5 crystals; a channel where the task has the
        column. "jet": the candidate jet's constituents as 25 x 25 cells of pt over [-1.25, 1.25] in eta and phi.
        "task": what the task names.
    unit : GeV that have the value 1 in a crop or barrel.
    time : "on" for a second channel of a crop, the hits' times in units of 25 ns.
    translate, rotate, flip, normalise : preprocessing of jet images: the leading subjet to the centre, the second one
        below it (towards lower columns: phi runs up), the heavier side to the right (higher rows: eta runs across),
        and the squares of all pixels to the sum 1.
    """

    name = "calorimeter"

    area: Literal["task", "crop", "barrel", "jet"] = "task"
    unit: float = 10.0
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
            return self._images(events, [("pt", jet.cells(events))], (SIDE, SIDE), JET_SPAN)
        if kind == "crop":
            return self._crop(events)
        return self._barrel(events)

    def columns(self, info: EventInfo) -> tuple[str, ...]:
        """The hits, or what a jet consists of."""
        area = info.picture if self.area == "task" else self.area
        return {"jet": ("constituents", "axes"), "crop": ("ecal",)}.get(area, ("tracks", "ecal", "hcal"))

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
        return self._images(events, channels, (2 * HALF, 2 * HALF), SHOWER_SPAN)

    def _barrel(self, events: Events) -> Images:
        ecal = _column(events, "ecal")
        _check(events, "ecal", BARREL)
        channels = []
        if events.has("tracks"):
            channels.append(("tracks", _tracks(events.table["tracks"]).times(1 / self.unit)))
        channels.append(("ecal", Cells.of(ecal.row, ecal.column, ecal.energy).times(1 / self.unit)))
        if events.has("hcal"):
            _check(events, "hcal", HCAL)
            channels.append(("hcal", _towers(events.table["hcal"]).times(1 / self.unit)))
        return self._images(events, channels, BARREL, (BARREL_ETA, float(np.pi)))

    def _images(
        self, events: Events, channels: list[tuple[str, Cells]], shape: tuple[int, int], span: tuple[float, float]
    ) -> Images:
        counts, pixels, values = summed([cells for _, cells in channels], shape, len(events))
        offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
        return Images(
            **truth(events),
            features=torch.zeros(len(events), 0),
            shape=(len(channels), *shape),
            pixels=Ragged(torch.from_numpy(pixels), offsets),
            values=Ragged(torch.from_numpy(values), offsets),
            span=span,
            channel_names=tuple(name for name, _ in channels),
        )


def _column(events: Events, name: str) -> ak.Array:
    if not events.has(name):
        raise Skip(f"{events.info.task} keeps no {NAMES.get(name, name)} at the level '{events.info.level}'")
    return events.table[name]


def _check(events: Events, name: str, shape: tuple[int, int]) -> None:
    """Raise UserError for a cell that lies nowhere: unseen, it would be drawn into the next picture."""
    for axis, size in zip(("row", "column"), shape, strict=True):
        where = events.table[name][axis]
        wrong = ak.to_numpy(ak.any((where < 0) | (where >= size), axis=1))
        if len(first := np.flatnonzero(wrong)):
            event = events.column("event_id")[first[0]]
            raise UserError(
                f"{events.info.task}: event {event} has a cell of {name} with its {axis} outside 0 to {size - 1}. "
                "Remove or mend this event."
            )


def _tracks(tracks: ak.Array) -> Cells:
    """Tracks of the barrel, weighted with pt."""
    inside = abs(tracks.eta) < BARREL_ETA
    tracks = tracks[inside]
    eta, phi = (ak.values_astype(tracks[axis], np.float64) for axis in ("eta", "phi"))
    # At the edge a sum may be rounded up to the row that does not exist.
    row = np.maximum(np.minimum(np.floor(eta / CRYSTAL + BARREL[0] / 2), BARREL[0] - 1), 0)
    column = np.floor((phi + np.pi) / (2 * np.pi) * BARREL[1]) % BARREL[1]
    return Cells.of(row, column, tracks.pt)


def _towers(hcal: ak.Array) -> Cells:
    """Each tower as the 25 crystals in front of it, with a 25th of its energy each."""
    first = HCAL[0] // 2 - HCAL_ROWS // 2
    behind = hcal[(hcal.row >= first) & (hcal.row < first + HCAL_ROWS)]
    towers = Cells.of(behind.row - first, behind.column, behind.energy)
    each = TOWER * TOWER
    step = np.arange(each)
    return Cells(
        np.repeat(towers.event, each),
        (towers.row[:, np.newaxis] * TOWER + step // TOWER).ravel(),
        (towers.column[:, np.newaxis] * TOWER + step % TOWER).ravel(),
        np.repeat(towers.value / each, each),
    )
