"""The areas of a calorimeter image: a crop, the barrel, the ECAL's three grids, or the whole detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from representations.calorimeter import ecal_centric, hcal_centric
from representations.calorimeter.cells import Cells
from representations.kernels.particles import FROM_HOTTEST, SHOWER_SPAN
from representations.samples import Panel
from tasks.detector.geometry import BARREL, BARREL_ETA, ENDCAPS
from tasks.detector.shower_shapes import HALF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from representations.kernels.hits import Hits

Channels = dict[str, Cells]


@dataclass(frozen=True)
class Drawing:
    """A panel whose cells are not summed yet; its shape has no channels until then."""

    channels: Channels
    panel: Panel


def crop(seen: Mapping[str, Hits], fields: Sequence[str]) -> list[Drawing]:
    """32 x 32 crystals of the barrel around the hottest one."""
    near = ecal_centric.around_hottest(seen["ecal"])
    side = 2 * HALF
    # the hottest crystal lies just above the middle, and axes count from its centre
    centre = tuple(-span / side for span in SHOWER_SPAN)
    panel = Panel((0, side, side), SHOWER_SPAN, centre=(centre[0], centre[1]), note=FROM_HOTTEST)
    return [Drawing({field: ecal_centric.crystals(near, field) for field in fields}, panel)]


def barrel(seen: Mapping[str, Hits], fields: Sequence[str], name: str = "") -> list[Drawing]:
    """Tracks, ECAL and HCAL of the barrel: the middle of the HCAL-centric picture."""
    whole = _hcal_centric({name: hits for name, hits in seen.items() if name != "ecal_endcap"}, fields)
    channels = {channel: cells.rows(hcal_centric.FIRST, BARREL[0]) for channel, cells in whole.items()}
    return [Drawing(channels, Panel((0, *BARREL), (BARREL_ETA, float(np.pi)), name=name))]


def ecal(seen: Mapping[str, Hits], fields: Sequence[str]) -> list[Drawing]:
    """The barrel, and the endcaps at negative and positive z with the same channels: ECAL-centric."""
    both: Channels = {}
    if "tracks" in seen:
        both["tracks"] = ecal_centric.tracks(seen["tracks"])
    for field in fields:
        both[field] = ecal_centric.crystals(seen["ecal_endcap"], field) if "ecal_endcap" in seen else Cells.none()
    if "hcal" in seen:
        both["hcal"] = ecal_centric.towers(seen["hcal"])
    high, across = ENDCAPS[0] // 2, ENDCAPS[1]
    ends = [
        Drawing(
            {channel: cells.rows(first, high) for channel, cells in both.items()},
            Panel((0, high, across), ecal_centric.SPAN, name=name, axes=("y", "x")),
        )
        for name, first in (("endcap_minus", 0), ("endcap_plus", high))
    ]
    return [*barrel(seen, fields, "barrel"), *ends]


def detector(seen: Mapping[str, Hits], fields: Sequence[str]) -> list[Drawing]:
    """Barrel and endcaps in one picture: HCAL-centric."""
    panel = Panel((0, *hcal_centric.SHAPE), hcal_centric.SPAN, edges=hcal_centric.EDGES)
    return [Drawing(_hcal_centric(seen, fields), panel)]


def _hcal_centric(seen: Mapping[str, Hits], fields: Sequence[str]) -> Channels:
    channels: Channels = {}
    if "tracks" in seen:
        channels["tracks"] = hcal_centric.tracks(seen["tracks"])
    for field in fields:
        parts = [hcal_centric.barrel(seen["ecal"], field)]
        if "ecal_endcap" in seen:
            parts.append(hcal_centric.endcaps(seen["ecal_endcap"], field))
        channels[field] = Cells.together(parts)
    if "hcal" in seen:
        channels["hcal"] = hcal_centric.towers(seen["hcal"])
    return channels


AREAS: Mapping[str, tuple[Callable[[Mapping[str, Hits], Sequence[str]], list[Drawing]], tuple[str, ...]]] = {
    "crop": (crop, ("ecal",)),
    "barrel": (barrel, ("tracks", "ecal", "hcal")),
    "ecal": (ecal, ("tracks", "ecal", "ecal_endcap", "hcal")),
    "detector": (detector, ("tracks", "ecal", "ecal_endcap", "hcal")),
}
"""The function that draws each area, and the columns it reads. It is given those columns that exist, and the fields of
the ECAL's hits that become channels."""
