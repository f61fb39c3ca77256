"""Calorimeter images: arXiv:1807.11916, sections 4 and 6."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.plugin import Range
from representations.calorimeter.areas import AREAS, Drawing
from representations.calorimeter.cells import summed
from representations.jet_image.jet_image import JetImage
from representations.kernels.energies import divisors, images_of
from representations.kernels.hits import GRIDS, Hits, hits_of, transverse
from representations.representation import Loss, Representation
from representations.samples import Images, Quantity
from tasks.detector.digis import FIELDS
from tasks.detector.geometry import TOWER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

CROSSING = 25.0
"""ns between bunches: the unit of times."""
LEAST_WEIGHT = 1e-9
"""GeV: the weight of a hit without energy in the mean time of its pixel."""
EVENT = ("tracks", "ecal", "ecal_endcap", "hcal")
"""The columns that the sum over an event runs over."""
NAMES = {"ecal": "ECAL", "hcal": "HCAL"}
"""Names of channels on figures, if they differ."""
FAINT = 0.1
"""GeV: the unit of logarithms of crystals, about twice their noise, below which the scale is linear."""


JET_OPTIONS = ("size", "half_width", "translate", "rotate", "flip", "normalise")
"""Parameters of `jet_image`, for the message to a user who gives them to `calorimeter`."""


@dataclass(frozen=True, kw_only=True)
class Calorimeter(Representation):
    """Energies in the cells of the calorimeters as a picture with a channel for each of them.

    Rows are eta and columns phi. Channels: tracks (sum of pt), ECAL and HCAL, each where the task has the column; a
    crop has the ECAL alone. Energies are divided by `unit`. Noise may give negative energies, which stay. A cell
    that does not exist, and a number that is NaN or infinite, are errors.
    Showers have energies on a logarithmic scale, because crystals with a thousandth of the energy tell them apart.
    Events that are jets without hits become the default `jet_image`, to which `suppress`, `divide` and `scale` apply.
    """

    name = "calorimeter"
    version: ClassVar[str] = "4"  # both photons beside the barrel in towers; showers in logarithms
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"coarse": "towers"},
        "quick": {"coarse": "towers"},
    }

    area: Annotated[
        Literal["task", "crop", "photons", "barrel", "ecal", "detector"],
        "'crop': 32 x 32 ECAL crystals around the hottest one. 'photons': three panels, a crop around the hottest "
        "crystal near each of the two photons of highest pt, and the barrel in towers of 5 x 5 crystals; the panel of "
        "a photon that is missing, or not in the barrel, is empty. 'barrel': 170 x 360 crystals, with each HCAL tower "
        "spread evenly over its 5 x 5 crystals. 'ecal': the ECAL's own grids as three panels, the barrel and, in y "
        "and x, the endcaps at negative and positive z, 100 x 100 each; in the endcaps a tower is spread evenly over "
        "the crystals that point to it, and tracks are placed where a straight line meets the endcap. 'detector': "
        "barrel and endcaps as one picture, HCAL-centric, 280 x 360; rows are wider beyond abs(eta) 1.74, as towers "
        "are. 'task': the area that the task names. Endcaps are empty if a task stores no hits of them",
    ] = "task"
    unit: Annotated[
        Literal["scale"] | float,
        Range(1e-3, 1e6),
        "energy in GeV that has the value 1 (before the logarithm); 'scale': 0.1 for showers (crop and photons) with "
        "logarithms, else 10; for jets always 1",
    ] = "scale"
    divide: Annotated[
        Literal["none", "mass", "sum"],
        "divide energies by a quantity of the event instead of unit: its 'mass' (of the photon pair, or of the jet), "
        "or the 'sum' of the pt of its tracks and the transverse energies of all its hits (for a jet, the pt of its "
        "constituents); where that is 0, as with 'none'. Events of diphoton are already scaled by 125 GeV / m_yy "
        "unless they are mass_aware: use 'mass' for the latter, since it divides the others a second time",
    ] = "none"
    scale: Annotated[
        Literal["area", "linear", "log"],
        "'linear', or 'log': sign(x) ln(1 + abs(x)) of the value x, which makes faint cells visible next to hot "
        "ones; times stay linear. 'area': 'log' for the showers of crop and photons, unless energies are divided, and "
        "'linear' for towers and other areas, where pictures of ttbar are learned faster",
    ] = "area"
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
        Literal[1, 2, 5, "towers"],
        "add up this many rows and columns into one pixel; 'towers': 5, but 1 where the particles of the task are "
        "crystals, since towers hide a shower. A crop, photons and a jet are small and stay as they are",
    ] = 1

    @classmethod
    def resolve(cls, preset: str, given: Mapping[str, str] | None = None) -> Self:
        """As `Plugin.resolve`; options of jet images are refused with the name of their representation."""
        for option, value in (given or {}).items():
            if option in JET_OPTIONS or (option, value) == ("area", "jet"):
                instead = "jet_image" if option == "area" else f"jet_image[{option}={value}]"
                raise UserError(
                    f"calorimeter: {option}={value} is for jet images, expected an option of calorimeter images. "
                    f"Use {instead}."
                )
        return super().resolve(preset, given)

    def represent(self, events: Events) -> Images:
        """Images of float32, (channels, rows, columns), with three panels for area="ecal".

        Raises
        ------
        Skip : if the events have neither hits nor, where the task draws jets, constituents.
        UserError : for a cell that does not exist, a number that is NaN or infinite, and options that need what the
            events do not have.
        """
        if jet := self._jet(events.info):
            return jet.represent(events)
        seen = self._seen(events)
        summands = EVENT if self.divide == "sum" else ()
        total = sum((transverse(seen[name], name) for name in summands if name in seen), np.zeros(len(events)))
        parts = []
        for part in self._drawings(events.info, seen):
            scaling = self._scaling(events.info, shower=part.origins is not None)
            factor = 1 / divisors(self.name, self.divide, events, total, scaling.unit)
            parts.append(self._finished(part, factor, scaling))
        planes = [(cells, part.panel.shape[1:]) for part in parts for cells in part.channels.values()]
        panels = [part.panel for part in parts]
        return images_of(events, panels, summed(planes, len(events)), _origins(parts, len(events)))

    def columns(self, info: EventInfo) -> tuple[str, ...]:
        """The hits of the area, or of all the detector for their sum; for photons also the objects."""
        if jet := self._jet(info):
            return jet.columns(info)
        shown = AREAS[self._area(info)][1]
        return tuple(dict.fromkeys((*shown, *EVENT))) if self.divide == "sum" else shown

    def losses(self, events: Events) -> Mapping[str, Loss]:
        """Tracks outside the picture; of a crop crystals, and of a jet constituents."""
        if jet := self._jet(events.info):
            return jet.losses(events)
        column = self._counted(events.info)
        if not events.has(column):
            return {}
        return {"outside": Loss(self.outside(events), ak.to_numpy(ak.num(events.table[column], axis=1)))}

    def outside(self, events: Events) -> NDArray[np.int64]:
        """How many tracks (of a crop crystals, of a jet constituents) of each event lie outside the picture."""
        if jet := self._jet(events.info):
            return jet.outside(events)
        column = self._counted(events.info)
        seen, channel = self._seen(events), self._fields[0] if column == "ecal" else column
        there = seen[column].event if column in seen else np.zeros(0, dtype=np.int64)
        parts = self._drawings(events.info, seen)
        drawn = [part.channels[channel].event for part in parts if channel in part.channels]
        inside = sum((np.bincount(event, minlength=len(events)) for event in drawn), np.zeros(len(events), np.int64))
        return np.asarray(np.bincount(there, minlength=len(events)) - inside)

    def _jet(self, info: EventInfo) -> JetImage | None:
        """The representation of events that are jets without hits."""
        if self.area != "task" or info.picture != "jet":
            return None
        if self.time != "off":
            raise UserError(
                f"calorimeter: time={self.time} with task '{info.task}', whose events are jets without hits; "
                "constituents have no time. Leave time out."
            )
        return JetImage(suppress=self.suppress, divide=self.divide, scale="log" if self.scale == "log" else "linear")

    def _area(self, info: EventInfo) -> str:
        return info.picture if self.area == "task" else self.area

    def _counted(self, info: EventInfo) -> str:
        return "ecal" if self._area(info) == "crop" else "tracks"

    def _scaling(self, info: EventInfo, *, shower: bool) -> Scaling:
        own = shower and self.divide == "none"
        log = own if self.scale == "area" else self.scale == "log"
        unit = (FAINT if own and log else 10.0) if self.unit == "scale" else self.unit
        step = (1 if info.particles == "ecal" else TOWER) if self.coarse == "towers" else self.coarse
        return Scaling(log, unit, step)

    @property
    def _fields(self) -> tuple[str, ...]:
        """The fields of the ECAL's hits that are summed pixel by pixel."""
        return {"off": ("energy",), "on": ("energy", "weight", "weighted"), "digis": FIELDS}[self.time]

    def _seen(self, events: Events) -> dict[str, Hits]:
        """Hits and tracks of the columns that exist, without suppressed ones."""
        _, shown = AREAS[self._area(events.info)]
        seen = {}
        for name in self.columns(events.info):
            if name == "objects":
                seen[name] = _photons(events)
                continue
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
        """The fields of hits that hold times. Raises UserError if the hits lack them."""
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

    def _finished(self, part: Drawing, factor: NDArray[np.float64], scaling: Scaling) -> Drawing:
        """Energies times factors, (events,), with several rows and columns as one; times as means."""
        step = part.coarse or scaling.coarse
        rows, columns = part.panel.shape[1] // step, part.panel.shape[2] // step
        cells = {name: channel.coarse(step) for name, channel in part.channels.items()}
        times = {}
        if self.time == "on":
            weighted, weight = cells.pop("weighted"), cells.pop("weight")
            mean = weighted.over(weight, (rows, columns), len(factor))
            times["time"] = mean.times(np.full(len(factor), 1 / CROSSING))
        energies = {
            "ecal" if name == "energy" else name: channel.times(factor * (self.hcal_scale if name == "hcal" else 1.0))
            for name, channel in cells.items()
        }
        channels = {**energies, **times}
        panel = part.panel._replace(
            shape=(len(channels), rows, columns),
            channel_names=tuple(channels),
            edges=part.panel.edges[::step],
            quantities=tuple(
                self._quantity(name, scaling, part.panel.span[1] == np.pi and step == 1) for name in channels
            ),
        )
        return replace(part, channels=channels, panel=panel)

    def _quantity(self, channel: str, scaling: Scaling, small: bool) -> Quantity:
        name = NAMES.get(channel, channel)
        if channel == "time":
            return Quantity(name, "time", "ns", CROSSING, signed=True)
        text, unit = "$p_T$" if channel == "tracks" else "$E$", "GeV"
        factor = scaling.unit if self.divide == "none" else 1.0
        if self.divide != "none":
            text, unit = text + {"mass": r"$\,/\,m$", "sum": r"$\,/\,\Sigma p_T$"}[self.divide], ""
        if scaling.log:
            text = f"ln(1 + {text})" if factor == 1.0 else f"ln(1 + {text} / {factor:g} GeV)"
            return Quantity(name, text, signed=channel in FIELDS, squeezed=factor)
        if channel in FIELDS:
            return Quantity(name, text, unit, factor, signed=True)
        return Quantity(name, text, unit, factor, log=True, block=TOWER if small else 1)


class Scaling(NamedTuple):
    """What `area`, `scale`, `unit` and `coarse` mean for a task.

    Parameters
    ----------
    log : whether values are logarithms.
    unit : energy in GeV that has the value 1, before the logarithm.
    coarse : rows and columns that become one pixel.
    """

    log: bool
    unit: float
    coarse: int


def _photons(events: Events) -> Hits:
    """The objects of the events. Raises UserError if the task has no photons among them."""
    info = events.info
    if "photon" not in info.slots or not events.has("objects"):
        raise UserError(
            f"calorimeter: area=photons with task '{info.task}', whose events have no reconstructed photons "
            f"(found: {', '.join(info.slots) or 'no objects'}). Use area=barrel, or area=crop."
        )
    return hits_of(events, "objects", ("kind", "pt", "eta", "phi"))


def _origins(parts: Sequence[Drawing], events: int) -> NDArray[np.float32] | None:
    """Where the middle of each panel is, (events, panels, 2), 0 for an empty or a whole one; None if all are alone."""
    if len(parts) == 1 or all(part.origins is None for part in parts):
        return None
    none = np.zeros((events, 2))
    stacked = np.stack([none if part.origins is None else np.nan_to_num(part.origins) for part in parts], axis=1)
    return np.asarray(stacked, np.float32)
