"""Hits and tracks compared with the reconstructed objects of the same events, from stored columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.geometry import barrel_direction, endcap_direction, hcal_direction
from tasks.validation.figure import Axis, Check, Curve, Figure, Floats, spectrum
from tasks.validation.generic import by_class, of_kind, steps
from tasks.validation.statistics import median, medians

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tasks.events import Events

DIRECTIONS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "ecal": barrel_direction,
    "ecal_endcap": endcap_direction,
    "hcal": hcal_direction,
}
"""(eta, phi) of the cells of each calorimeter, from (row, column)."""
JET, ELECTRON, MUON = 0.4, 0.1, 0.2
"""Cone sizes in eta and phi. A muon of 20 GeV is bent by 0.04, and its tower is 0.09 wide."""
LOST = "soft particles curl, are bent out of the cone, or stay below thresholds: up to a third; a guess"
CHARGED = "charged particles carry 65% of a jet (JINST 12 (2017) P10003), 92% of them are found; loosened"
RADIATED = "one shower, less the bremsstrahlung that the field spreads beyond 0.1; a guess"
MINIMUM = "2 GeV most probably, with Landau's tail (tasks/detector/showers.py), and other particles; loosened"


def figure(events: Events) -> Figure:
    """Energy around the leading jet, electron and muon of each event.

    With pile-up, which adds to all of them, the numbers have no expected range.
    """
    jets, electrons, muons = (leading(events, kinds) for kinds in (("jet", "bjet"), ("electron",), ("muon",)))
    calorimeters = sum(around(events, name, jets, JET) for name in DIRECTIONS) / jets.pt
    tracks = around(events, "tracks", jets, JET) / jets.pt
    shower = sum(around(events, name, electrons, ELECTRON) for name in ("ecal", "ecal_endcap")) / electrons.pt
    ionised = around(events, "hcal", muons, MUON) * np.cosh(muons.eta)
    there = np.isfinite(calorimeters)
    pt, edges = jets.pt[there], np.array([30.0, 40.0, 50.0, 65.0, 80.0, 100.0, 140.0, 200.0, 300.0])
    shares = {"calorimeters": calorimeters[there], "tracks": tracks[there]}
    panels = (
        Curve(
            f"leading jet, within {JET:g}",
            Axis("jet $p_T$", "GeV"),
            Axis("median of the sum over jet $p_T$"),
            {name: medians(pt, values, edges) for name, values in shares.items()},
            {"1": 1.0},
            y_from=0.0,
        ),
        spectrum(
            f"leading electron, ECAL within {ELECTRON:g}",
            Axis("transverse energy over $p_T$"),
            by_class(events, shower, np.isfinite(shower)),
            steps(0.5, 1.3),
        ),
        spectrum(
            f"leading muon, HCAL within {MUON:g}",
            Axis("energy", "GeV"),
            by_class(events, ionised, np.isfinite(ionised)),
            steps(0.0, 10.0),
        ),
    )
    checks = (
        Check("leading jet: median of both calorimeters over pt", median(shares["calorimeters"]), 0.65, 1.0, "", LOST),
        Check("leading jet: median of the tracks' pt over its own", median(shares["tracks"]), 0.45, 0.7, "", CHARGED),
        Check("leading electron: median of the ECAL over pt", _median(shower), 0.88, 1.02, "", RADIATED),
        Check("leading muon: median energy in the HCAL", _median(ionised), 1.8, 3.5, "GeV", MINIMUM),
    )
    return Figure("hits-and-objects", "hits and tracks around objects", panels, () if events.has("pileup") else checks)


def leading(events: Events, kinds: tuple[str, ...]) -> ak.Array:
    """The object of highest pt of these kinds in each event, its pt, eta and phi (events,); NaN if there is none."""
    found = ak.concatenate([of_kind(events, kind) for kind in kinds], axis=1)
    first = ak.firsts(found[ak.argmax(found.pt, axis=1, keepdims=True)])
    return ak.zip({name: ak.to_numpy(ak.fill_none(first[name], np.nan)) for name in ("pt", "eta", "phi")})


def around(events: Events, column: str, objects: ak.Array, reach: float) -> Floats:
    """Transverse energy (GeV) of hits or tracks within `reach` of one object per event; NaN if there is none.

    objects : {pt, eta, phi} of (events,). Returns (events,).
    """
    event, eta, phi, transverse = flat(events.table[column], column)
    centre = {name: ak.to_numpy(objects[name])[event] for name in ("eta", "phi")}
    across = (phi - centre["phi"] + np.pi) % (2 * np.pi) - np.pi
    near = np.hypot(eta - centre["eta"], across) < reach
    sums = np.bincount(event[near], transverse[near], len(objects))
    return np.where(np.isfinite(ak.to_numpy(objects.eta)), sums, np.nan)


def flat(found: ak.Array, column: str) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """Hits or tracks of all events end to end: the position of the event, eta, phi, transverse energy in GeV."""
    event = np.repeat(np.arange(len(found)), ak.to_numpy(ak.num(found[found.fields[0]])))
    rows = ak.flatten(found)
    if column == "tracks":
        eta, phi, pt = (ak.to_numpy(rows[name]).astype(np.float64) for name in ("eta", "phi", "pt"))
        return event, eta, phi, pt
    eta, phi = DIRECTIONS[column](*(ak.to_numpy(rows[name]).astype(np.int64) for name in ("row", "column")))
    return event, eta, phi, ak.to_numpy(rows.energy) / np.cosh(eta)


def _median(values: Floats) -> float:
    return median(values[np.isfinite(values)])
