"""Calorimeter images: arXiv:1807.11916, sections 4 and 6, and for jets arXiv:1511.05190, section 3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import torch

from benchmark.core.errors import Skip, UserError
from benchmark.core.plugin import Range
from representations.calorimeter.areas import AREAS, Drawing
from representations.calorimeter.cells import Sums, summed
from representations.jet_image.jet_image import JetImage, Pixelised
from representations.kernels.hits import GRIDS, Hits, hits_of, transverse
from representations.kernels.particles import Particles, particles_of
from representations.representation import Representation, truth
from representations.samples import Images, Panel, Ragged
from tasks.detector.digis import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

CROSSING = 25.0
"""ns between bunches: the unit of times."""
LEAST_WEIGHT = 1e-9
"""GeV that a hit without energy counts for in the mean time of its pixel."""
LARGEST = float(np.finfo(np.float32).max)
EVENT = ("tracks", "ecal", "ecal_endcap", "hcal")
"""The columns that the sum over an event runs over."""


@dataclass(frozen=True, kw_only=True)
class Calorimeter(Representation):
    """What the calorimeters saw, cell by cell, as a picture with a channel for each of them.

    Rows are eta and columns phi. Channels: tracks (sum of pt), ECAL and HCAL, each where the task has the column; a
    crop has the ECAL alone. Energies are divided by `unit`. An energy below zero, which noise may give, is drawn as
    such. A cell that does not exist, and a number that is NaN or infinite, are errors. `outside` counts the tracks, or
    constituents, that lie beyond the picture.
    """

    name = "calorimeter"
    version: ClassVar[str] = "3"  # logarithms of energies below zero; times that share a pixel are averaged
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {"coarse": 2}}

    area: Annotated[
        Literal["task", "crop", "barrel", "ecal", "detector", "jet"],
        "'crop': 32 x 32 ECAL crystals around the hottest one. 'barrel': 170 x 360 crystals, with each HCAL tower "
        "spread evenly over its 5 x 5 crystals. 'ecal': the ECAL's own grids as three panels, the barrel and, in y "
        "and x, the endcaps at negative and positive z, 100 x 100 each; in the endcaps a tower is spread evenly over "
        "the crystals that point to it, and tracks are placed where a straight line meets the endcap. 'detector': "
        "barrel and endcaps as one picture, HCAL-centric, 280 x 360; rows are wider beyond abs(eta) 1.74, as towers "
        "are. 'jet': the constituents of the candidate jet as cells of pt. 'task': the area that the task names. "
        "Endcaps are empty where a task stores no hits of them",
    ] = "task"
    unit: Annotated[float, Range(1e-3, 1e6), "energy in GeV that has the value 1; jets always use 1 GeV"] = 10.0
    divide: Annotated[
        Literal["none", "mass", "sum"],
        "divide energies by a quantity of the event instead of unit: its 'mass' (of the photon pair, or of the jet), "
        "or the 'sum' of the pt of its tracks and the transverse energies of all its hits (for a jet, the pt of its "
        "constituents); where that is 0, as with 'none'. Events of diphoton are already scaled by 125 GeV / m_yy "
        "unless they are mass_aware: use 'mass' for the latter, since it divides the others a second time",
    ] = "none"
    scale: Annotated[
        Literal["linear", "log"],
        "'linear', or 'log': sign(x) ln(1 + abs(x)) of the value x, which makes faint cells visible next to hot "
        "ones; times stay linear",
    ] = "linear"
    time: Annotated[
        Literal["off", "on", "digis"],
        "'on': the times of crystals as a further channel, in units of 25 ns; hits in the same pixel are averaged, "
        "weighted with energy. 'digis': the ten time samples of each crystal's pulse as ten channels, in place of "
        "its energy",
    ] = "off"
    suppress: Annotated[
        float,
        Range(0, 1e6),
        "drop hits of less energy than this (GeV), and in a jet constituents of less pt; 0 drops nothing",
    ] = 0.0
    hcal_scale: Annotated[float, Range(0, 1e6), "factor on the HCAL"] = 1.0
    coarse: Annotated[
        Literal[1, 2, 5],
        "add up this many rows and columns into one pixel; a crop and a jet stay as they are, since they are small",
    ] = 1
    size: Annotated[int, Range(1, 1024), "jet images: cells along each axis"] = 25
    half_width: Annotated[float, Range(0.01, np.pi), "jet images: half width in eta and phi"] = 1.25
    translate: Annotated[bool, "jet images: move the leading subjet to the centre"] = True
    rotate: Annotated[
        bool,
        "jet images: turn the second subjet to below the first (towards lower columns, since phi runs up); for a jet "
        "with one subjet its principal axis, with the longer half below",
    ] = True
    flip: Annotated[bool, "jet images: put the heavier side on the right (higher rows, since eta runs across)"] = True
    normalise: Annotated[bool, "jet images: scale the sum of the squares of all pixels to 1"] = True

    def represent(self, events: Events) -> Images:
        """Pictures (channels, rows, columns) of float32, or three panels of them.

        Raises Skip when the task's events have no hits (or no jet), UserError when a cell lies nowhere, a number is NaN
        or infinite, or an option asks for what the events do not have.
        """
        if self._area(events.info) == "jet":
            return self._jet(events)
        seen = self._seen(events)
        summands = seen.items() if self.divide == "sum" else ()
        total = sum((transverse(hits, name) for name, hits in summands), np.zeros(len(events)))
        factor = 1 / self._divisor(events, total, self.unit)
        step = self._step(events.info)
        return self._summed(events, [self._finished(part, factor, step) for part in self._drawings(events.info, seen)])

    def columns(self, info: EventInfo) -> tuple[str, ...]:
        """The hits, or what a jet consists of."""
        area = self._area(info)
        if area == "jet":
            return ("constituents", "axes")
        return EVENT if self.divide == "sum" else AREAS[area][1]

    def counted(self, info: EventInfo) -> str:
        """The column whose entries `outside` counts."""
        return {"jet": "constituents", "crop": "ecal"}.get(self._area(info), "tracks")

    def outside(self, events: Events) -> NDArray[np.int64]:
        """How many tracks of each event lie beyond the picture, (events,), and so are not drawn.

        Of a jet constituents are counted, of a crop crystals.
        """
        column = self.counted(events.info)
        if column == "constituents":
            particles = self._constituents(events)
            return np.diff(particles.offsets) - self._pixelised(events, particles).inside
        seen, channel = self._seen(events), self._fields[0] if column == "ecal" else column
        there = seen[column].event if column in seen else np.zeros(0, dtype=np.int64)
        parts = self._drawings(events.info, seen)
        drawn = [part.channels[channel].event for part in parts if channel in part.channels]
        inside = sum((np.bincount(event, minlength=len(events)) for event in drawn), np.zeros(len(events), np.int64))
        return np.asarray(np.bincount(there, minlength=len(events)) - inside)

    def _area(self, info: EventInfo) -> str:
        return info.picture if self.area == "task" else self.area

    def _step(self, info: EventInfo) -> int:
        return 1 if self._area(info) == "crop" else self.coarse

    @property
    def _fields(self) -> tuple[str, ...]:
        """Of the ECAL's hits, what is added up pixel by pixel."""
        return {"off": ("energy",), "on": ("energy", "weight", "weighted"), "digis": FIELDS}[self.time]

    def _seen(self, events: Events) -> dict[str, Hits]:
        """Hits and tracks of the columns that there are, without those that are suppressed."""
        _, shown = AREAS[self._area(events.info)]
        seen = {}
        for name in self.columns(events.info):
            if name != "ecal" and not events.has(name):
                continue
            fields = ("row", "column", "energy") if name in GRIDS else ("eta", "phi", "pt")
            in_time = name in shown and name.startswith("ecal")
            hits = hits_of(events, name, (*fields, *(self._timed(events, name) if in_time else ())))
            if name in GRIDS and self.suppress > 0:
                hits = hits.only(hits["energy"] >= self.suppress)
            if in_time and self.time == "on":
                weight = np.maximum(hits["energy"], LEAST_WEIGHT)
                hits = hits.with_fields(weight=weight, weighted=weight * hits["time"])
            seen[name] = hits
        return seen

    def _timed(self, events: Events, name: str) -> tuple[str, ...]:
        """The fields of hits that tell of time. Raises UserError where they are not there."""
        wanted = {"off": (), "on": ("time",), "digis": FIELDS}[self.time]
        found = events.table[name].fields if events.has(name) else wanted
        if not set(wanted) <= set(found):
            what = "samples of their pulse" if self.time == "digis" else "time"
            where = "Use egamma[digis=true], which has them, or leave" if self.time == "digis" else "Leave"
            raise UserError(
                f"calorimeter: the hits ({name}) of task '{events.info.task}' have no {what} "
                f"(found: {', '.join(found)}). {where} time={self.time} out."
            )
        return wanted

    def _drawings(self, info: EventInfo, seen: dict[str, Hits]) -> list[Drawing]:
        draw, shown = AREAS[self._area(info)]
        return draw({name: hits for name, hits in seen.items() if name in shown}, self._fields)

    def _constituents(self, events: Events) -> Particles:
        """Those of the jet; what is suppressed has no pt, and so no say in any step."""
        if not events.has("constituents"):
            raise Skip(
                f"{events.info.task}: no constituents of a jet in these events, which are of the level "
                f"'{events.info.level}'"
            )
        if self.time != "off":
            raise UserError(
                f"calorimeter: time={self.time} with area=jet (task '{events.info.task}'), whose constituents have no "
                "time, expected an area of crystals. Leave time out."
            )
        particles = particles_of(events)
        if self.suppress == 0:
            return particles
        return replace(particles, pt=np.where(particles.pt < self.suppress, 0.0, particles.pt))

    def _pixelised(self, events: Events, particles: Particles) -> Pixelised:
        steps = self.translate, self.rotate, self.flip, self.normalise
        return JetImage(self.size, self.half_width, *steps).pixels(events, particles)

    def _jet(self, events: Events) -> Images:
        particles = self._constituents(events)
        drawn = self._pixelised(events, particles)
        values = drawn.values
        if not self.normalise:  # else the sum of squares is 1, whatever all is divided by
            total = np.bincount(particles.event, particles.pt, len(events)).astype(np.float64)
            values = values / np.repeat(self._divisor(events, total, 1.0), np.diff(drawn.offsets))
        elif self.divide == "mass":
            self._divisor(events, np.zeros(len(events)), 1.0)  # whether there is one
        panel = Panel((1, self.size, self.size), (self.half_width, self.half_width), ("pt",))
        return self._images(events, [panel], (drawn.offsets, drawn.pixels, values))

    def _divisor(self, events: Events, total: NDArray[np.float64], none: float) -> NDArray[np.float64]:
        """What energies are divided by, (events,) in GeV."""
        if self.divide == "none":
            return np.full(len(events), none)
        if self.divide == "sum":
            return np.where(total > 0, total, none)
        if not events.has("mass"):
            raise UserError(
                f"calorimeter: divide=mass, but the events of task '{events.info.task}' have no mass (found: "
                f"{', '.join(events.table.fields)}). Use divide=sum, or leave it out."
            )
        mass = events.column("mass").astype(np.float64)
        if len(first := np.flatnonzero(~(np.isfinite(mass) & (mass > 0)))):
            event = events.column("event_id")[first[0]]
            raise UserError(
                f"{events.info.task}: event {event} has the mass {mass[first[0]]}, expected a number above 0 to divide "
                "by. Use divide=sum, or remove this event."
            )
        return mass

    def _finished(self, part: Drawing, factor: NDArray[np.float64], step: int) -> Drawing:
        """Energies times factors, (events,), with so many rows and columns as one; times as means."""
        shape = (part.shape[0] // step, part.shape[1] // step)
        cells = {name: channel.coarse(step) for name, channel in part.channels.items()}
        times = {}
        if self.time == "on":
            weighted, weight = cells.pop("weighted"), cells.pop("weight")
            times["time"] = weighted.over(weight, shape, len(factor)).times(np.full(len(factor), 1 / CROSSING))
        energies = {
            "ecal" if name == "energy" else name: channel.times(factor * (self.hcal_scale if name == "hcal" else 1.0))
            for name, channel in cells.items()
        }
        return replace(part, channels={**energies, **times}, shape=shape, edges=part.edges[::step])

    def _summed(self, events: Events, parts: list[Drawing]) -> Images:
        planes = [(cells, part.shape) for part in parts for cells in part.channels.values()]
        panels = [
            Panel(
                (len(part.channels), *part.shape),
                part.span,
                tuple(part.channels),
                part.name,
                part.axes,
                edges=part.edges,
            )
            for part in parts
        ]
        return self._images(events, panels, summed(planes, len(events)))

    def _images(self, events: Events, panels: list[Panel], sums: Sums) -> Images:
        offsets, pixels, values = sums
        if self.scale == "log":
            names = [name for panel in panels for name in panel.channel_names]
            starts = np.cumsum([0, *(panel.size // panel.shape[0] for panel in panels for _ in panel.channel_names)])
            energies = np.array([name != "time" for name in names])[np.searchsorted(starts, pixels, "right") - 1]
            values = np.where(energies, np.sign(values) * np.log1p(np.abs(values)), values)
        rows = torch.from_numpy(offsets)
        return Images(
            **truth(events),
            features=torch.zeros(len(events), 0),
            panels=tuple(panels),
            pixels=Ragged(torch.from_numpy(pixels), rows),
            values=Ragged(torch.from_numpy(np.clip(values, -LARGEST, LARGEST).astype(np.float32)), rows),
        )
