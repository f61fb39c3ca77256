"""Sums around objects, by hand and by loops."""

import math

import awkward as ak
import numpy as np
import pytest

from tasks.detector.geometry import hcal_direction
from tasks.events import KINDS, EventInfo, Events
from tasks.validation.hits import around, figure, leading


def events(objects, pileup=False, **columns):
    """Objects as (kind, pt, eta, phi), towers as (row, column, energy), tracks as (pt, eta, phi)."""
    rows = [
        [dict(zip(("kind", "pt", "eta", "phi"), (KINDS.index(o[0]), *o[1:]), strict=True)) for o in e] for e in objects
    ]
    fields = {"tracks": ("pt", "eta", "phi")}
    table = {"objects": ak.Array(rows), "label": np.zeros(len(rows), np.int8)}
    for name in ("ecal", "ecal_endcap", "hcal", "tracks"):
        names = fields.get(name, ("row", "column", "energy"))
        found = [[dict(zip(names, hit, strict=True)) for hit in event] for event in columns.get(name, [[]] * len(rows))]
        empty = ak.Array([dict.fromkeys(names, 1)])[:0]
        table[name] = ak.concatenate([ak.Array(found), ak.unflatten(empty, [0])])[: len(rows)]
    if pileup:
        table["pileup"] = np.ones(len(rows), np.int16)
    return Events(ak.zip(table, depth_limit=1), EventInfo("toy", ("a",), "detector", {}))


def test_the_leading_object_of_some_kinds():
    made = events(
        [[("jet", 40.0, 1.0, 2.0), ("bjet", 50.0, -1.0, 3.0), ("met", 90.0, 0.0, 0.0)], [("muon", 30.0, 0, 0)]]
    )
    found = leading(made, ("jet", "bjet"))
    assert found.pt[0] == 50.0
    assert (found.eta[0], found.phi[0]) == (-1.0, 3.0)
    assert np.isnan(ak.to_numpy(found.pt)[1])


def test_towers_around_an_object_agree_with_a_loop():
    rng = np.random.default_rng(3)
    hits = [
        [(int(rng.integers(10, 46)), int(rng.integers(72)), float(rng.exponential(3.0))) for _ in range(300)]
        for _ in range(4)
    ]
    places = [(0.5, math.pi - 0.01), (-1.5, -3.1), (0.0, 0.3), (1.0, 1.0)]
    made = events([[("jet", 50.0, *place)] for place in places], hcal=hits)
    wanted = []
    for (eta, phi), event in zip(places, hits, strict=True):
        total = 0.0
        for row, column, energy in event:
            (there,), (angle,) = hcal_direction(np.array([row]), np.array([column]))
            turn = min(abs(angle - phi), 2 * math.pi - abs(angle - phi))
            total += energy / math.cosh(there) if math.hypot(there - eta, turn) < 0.4 else 0.0
        wanted.append(total)
    assert min(wanted) > 0
    assert around(made, "hcal", leading(made, ("jet",)), 0.4) == pytest.approx(wanted)


def test_tracks_around_an_object_and_events_without_one():
    tracks = [[(3.0, 0.1, 3.1), (4.0, 0.1, -3.1), (5.0, 0.9, 3.1)], [(1.0, 0.0, 0.0)], []]
    made = events([[("jet", 9.0, 0.0, math.pi)], [("muon", 30.0, 0.0, 0.0)], [("jet", 9.0, 0.0, 0.0)]], tracks=tracks)
    sums = around(made, "tracks", leading(made, ("jet",)), 0.4)
    assert sums[[0, 2]].tolist() == [7.0, 0.0]
    assert math.isnan(sums[1])


def test_under_pileup_nothing_is_expected():
    jets = [[("jet", 50.0, 0.0, 0.0)]] * 40
    assert {check.verdict for check in figure(events(jets)).checks} == {"OUTSIDE", "too few events"}
    assert figure(events(jets, pileup=True)).checks == ()
