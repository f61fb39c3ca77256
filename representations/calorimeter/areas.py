"""The areas of a calorimeter image: a crop, both photons, the barrel, the ECAL's three grids, or the whole detector."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from representations.calorimeter import ecal_centric, hcal_centric
from representations.calorimeter.cells import Cells
from representations.kernels.particles import FROM_HOTTEST, SHOWER_SPAN
from representations.samples import Panel
from tasks.detector.geometry import BARREL, BARREL_ETA, ENDCAPS, TOWER, barrel_direction
from tasks.detector.shower_shapes import HALF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from representations.kernels.hits import Hits

Channels = dict[str, Cells]
SHOWERS = ("shower1", "shower2")
"""Panels of the two photons, in falling pt. Names that differ in a number alone tell models that panels are alike."""


@dataclass(frozen=True)
class Drawing:
    """A panel whose cells are not summed yet; its shape has no channels until then.

    Parameters
    ----------
    coarse : cells that become one pixel, down and across; None for the choice of the user.
    origins : (events, 2) eta and phi of the middle of the panel, where each event has its own; NaN for an empty panel.
    """

    channels: Channels
    panel: Panel
    coarse: int | None = None
    origins: NDArray[np.float64] | None = None


def crop(seen: Mapping[str, Hits], fields: Sequence[str]) -> list[Drawing]:
    """32 x 32 crystals of the barrel around the hottest one."""
    return [_around(seen["ecal"], *ecal_centric.hottest(seen["ecal"]), fields)]


def photons(seen: Mapping[str, Hits], fields: Sequence[str]) -> list[Drawing]:
    """32 x 32 crystals around each of the two photons of highest pt, and the barrel in towers of 5 x 5 crystals.

    A crop is centred on the hottest crystal near the photon (`ecal_centric.seeds`). The panel of a photon that is
    missing, or not in the barrel, is empty.
    """
    showers = []
    for place, name in enumerate(SHOWERS):
        seeds = ecal_centric.seeds(seen["ecal"], ecal_centric.ranked(seen["objects"], place))
        showers.append(_around(seen["ecal"], *seeds, fields, name))
    (whole,) = barrel(seen, fields, "barrel")
    return [*showers, replace(whole, coarse=TOWER)]


def _around(
    ecal: Hits, row: NDArray[np.int64], column: NDArray[np.int64], fields: Sequence[str], name: str = ""
) -> Drawing:
    """32 x 32 crystals around one crystal of each event, (events,) each; a row below 0 for an empty panel."""
    near, side = ecal_centric.around(ecal, row, column), 2 * HALF
    # the hottest crystal lies just above the middle, and axes count from its centre
    centre = -SHOWER_SPAN[0] / side, -SHOWER_SPAN[1] / side
    panel = Panel((0, side, side), SHOWER_SPAN, centre=centre, name=name, note=FROM_HOTTEST)
    seed = np.stack(barrel_direction(row, column), axis=1)
    origins = np.where(row[:, np.newaxis] < 0, np.nan, seed + centre)
    channels = {field: ecal_centric.crystals(near, field) for field in fields}
    return Drawing(channels, panel, coarse=1, origins=origins)


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
    "photons": (photons, ("objects", "tracks", "ecal", "hcal")),
    "barrel": (barrel, ("tracks", "ecal", "hcal")),
    "ecal": (ecal, ("tracks", "ecal", "ecal_endcap", "hcal")),
    "detector": (detector, ("tracks", "ecal", "ecal_endcap", "hcal")),
}
"""The function that draws each area, and the columns it reads. It is given those columns that exist, and the fields of
the ECAL's hits that become channels."""
