"""What the channels of a picture stand for: their names for people, and their values in GeV where they are energies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.displays.kinds import words
from representations.calorimeter.calorimeter import CROSSING, Calorimeter
from representations.circles.circles import Circles
from tasks.detector.digis import FIELDS
from tasks.detector.geometry import TOWER

if TYPE_CHECKING:
    from representations.representation import Representation
    from representations.samples import Images
    from tasks.events import EventInfo

NAMES = {"ecal": "ECAL", "hcal": "HCAL", "pt": "jet"}


@dataclass(frozen=True)
class Quantity:
    """A channel: its name, what its values are with their unit, and by what they are multiplied to have that unit.

    log : whether values span orders of magnitude, so that colours should. signed : whether they may be below 0.
    coarse : pixels that a tower is wide, where pixels are too many and too rarely lit to be looked at one by one.
    """

    name: str
    text: str
    factor: float = 1.0
    log: bool = False
    signed: bool = False
    coarse: int = 1


def quantities(representation: Representation, info: EventInfo, images: Images) -> tuple[Quantity, ...]:
    """One for each channel of the pictures."""
    names = images.channel_names or tuple(f"channel {number}" for number in range(images.shape[0]))
    if not isinstance(representation, Calorimeter):
        text = "ink" if isinstance(representation, Circles) else "value"
        return tuple(Quantity(words(name), text) for name in names)
    fine = images.span[1] == math.pi and representation.coarse == 1
    coarse = TOWER if fine and not any(side % TOWER for side in images.shape[1:]) else 1
    return tuple(_calorimeter(representation, info, name, coarse) for name in names)


def _calorimeter(calorimeter: Calorimeter, info: EventInfo, channel: str, coarse: int) -> Quantity:
    name = NAMES.get(channel, channel)
    if channel == "time":
        return Quantity(name, "time [ns]", CROSSING, signed=True)
    jet = (info.picture if calorimeter.area == "task" else calorimeter.area) == "jet"
    what = "$p_T$" if jet or channel == "tracks" else "$E$"
    unit = 1.0 if jet or calorimeter.divide != "none" else calorimeter.unit
    if jet and calorimeter.normalise:
        what, unit_text = r"$p_T\,/\,\sqrt{\Sigma p_T^2}$", ""
    elif calorimeter.divide != "none":
        what, unit_text = what + {"mass": r"$\,/\,m$", "sum": r"$\,/\,\Sigma p_T$"}[calorimeter.divide], ""
    else:
        unit_text = " [GeV]"
    if calorimeter.scale == "log":
        inside = what if unit == 1.0 else f"{what} / {unit:g} GeV"
        return Quantity(name, f"ln(1 + {inside})")
    pulse = channel in FIELDS
    return Quantity(name, what + unit_text, unit, log=not pulse, signed=pulse, coarse=coarse)
