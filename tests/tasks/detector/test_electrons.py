"""Electron candidates: clusters with a track by hand, and showers of known electrons and photons."""

import awkward as ak
import numpy as np
import pytest

from tasks.detector import tracker
from tasks.detector.calorimeter import hits, incoming
from tasks.detector.cells import Deposits
from tasks.detector.electrons import BEND, electrons
from tasks.detector.photons import photons

ETA, PHI, ENERGY = 0.5, 3.1, 45.1
EVENTS = 400


def candidates(*rows):
    """An event of clusters given as (eta, phi, energy)."""
    shapes = {"r9": 0.95, "sigma_ieta_ieta": 0.009, "hadronic": 0.01, "ecal_isolation": 1.5, "track_isolation": 9.0}
    places = [{"pt": e / np.cosh(eta), "eta": eta, "phi": phi, "energy": e} for eta, phi, e in rows]
    return ak.Array([[place | shapes for place in places]])


def tracks_of(*rows):
    """An event of tracks given as (pt, eta, phi)."""
    return ak.Array([[dict(zip(("pt", "eta", "phi"), row, strict=True)) for row in rows]])


def taken(*rows):
    """Electrons of one cluster and these tracks."""
    return electrons(candidates((ETA, PHI, ENERGY)), tracks_of(*rows))[0]


def test_a_track_makes_an_electron():
    (found,) = taken((20.0, 0.51, 3.08))
    assert (found.eta, found.phi) == (0.51, 3.08)
    assert found.pt == pytest.approx(ENERGY / np.cosh(0.51))
    assert found.e_over_p == pytest.approx(ENERGY / (20.0 * np.cosh(0.51)))
    shapes = ("r9", "sigma_ieta_ieta", "hadronic", "ecal_isolation", "track_isolation")
    assert [found[name] for name in shapes] == [0.95, 0.009, 0.01, 1.5, 9.0]


def test_the_bend_is_that_of_the_field():
    # 3.8 T over 1.29 m: a pt of 3.8 * 0.2998 * 1.29 / 2 = 0.735 GeV for each radian
    assert pytest.approx(0.735, abs=0.001) == BEND


@pytest.mark.parametrize("side", [-1, 1])
def test_windows(side):
    for pt in (4.0, 40.0):
        reach = 0.735 / pt + 0.03
        assert len(taken((pt, ETA, PHI + side * (reach - 0.001)))) == 1  # and across the seam
        assert len(taken((pt, ETA, PHI + side * (reach + 0.001)))) == 0
    assert len(taken((20.0, ETA + side * 0.019, PHI))) == 1
    assert len(taken((20.0, ETA + side * 0.021, PHI))) == 0


def test_energy_over_momentum():
    momentum = ENERGY / np.cosh(ETA)
    assert len(taken((momentum / 0.51, ETA, PHI))) == 1
    assert len(taken((momentum / 0.49, ETA, PHI))) == 0
    # no upper bound, but that of soft tracks
    assert len(taken((2.1, ETA, PHI))) == 1
    assert len(taken((1.9, ETA, PHI))) == 0


def test_the_nearest_of_those_that_match():
    far, near, stiff = (30.0, ETA + 0.01, PHI + 0.04), (25.0, ETA, PHI - 0.03), (200.0, ETA, PHI)
    (found,) = taken(far, near, stiff, (35.0, ETA + 0.5, PHI))
    assert found.phi == pytest.approx(PHI - 0.03)


def test_its_own_track_is_not_around_it():
    assert taken((20.0, ETA, PHI - 0.039)).track_isolation.to_list() == [9.0]  # was not counted
    assert taken((5.0, ETA, PHI - 0.1)).track_isolation.to_list() == [4.0]


def test_several_in_falling_pt():
    clusters = [candidates((0.0, 0.0, 50.0), (1.0, 2.0, 70.0), (-1.0, -2.0, 60.0))[0].to_list(), []]
    points = [tracks_of((40.0, 0.015, 0.0), (40.0, -1.015, -2.0), (40.0, 1.5, 2.0))[0].to_list(), []]
    found = electrons(ak.Array(clusters), ak.Array(points))
    assert found.eta.to_list() == [[0.015, -1.015], []]
    clusters[0].reverse()
    assert electrons(ak.Array(clusters), ak.Array(points)).to_list() == found.to_list()
    # pt is that along the track: 52 GeV at eta 0.319 are 49.5, below 50, while the cluster's 0.3 would leave 49.7
    close = electrons(candidates((0.3, 1.0, 52.0), (0.0, 0.0, 49.6)), tracks_of((40.0, 0.0, 0.0), (40.0, 0.319, 1.0)))
    assert close.eta.to_list() == [[0.0, 0.319]]


def test_nothing_gives_nothing():
    empty = Deposits(np.array([0, 0, 0]), np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32))
    none = ak.zip({name: ak.Array([[], []]) for name in ("pt", "eta", "phi")})
    no_photons = photons(empty, none, np.zeros(2), 20.0)
    some = ak.concatenate([tracks_of((40.0, 0.0, 0.0)), none[:1]])
    for points in (none, some):
        assert electrons(no_photons, points).pt.to_list() == [[], []]
    two = ak.concatenate([candidates((0.0, 0.0, 50.0)), candidates((0.0, 0.0, 50.0))])
    assert electrons(two, none).pt.to_list() == [[], []]
    assert ak.num(electrons(two, some).pt).tolist() == [1, 0]
    assert len(electrons(no_photons[:0], none[:0])) == 0


def shot(code, seed=3):
    """One electron or photon of 40 GeV an event among other tracks: the electrons found, and the true direction.

    A track in a unit of eta and phi, with a falling spectrum above 0.5 GeV, is about what lies around a hard collision.
    """
    rng = np.random.default_rng(seed)
    eta, phi = rng.uniform(-1.4, 1.4, EVENTS), rng.uniform(-np.pi, np.pi, EVENTS)
    pt, z = np.full(EVENTS, 40.0), rng.normal(0, 0.05, EVENTS)
    codes = code * (rng.choice((-1, 1), EVENTS) if code == 11 else 1) * np.ones(EVENTS, int)
    ones = np.ones(EVENTS, int)
    seen = hits(incoming(ones, codes, pt, phi, pt * np.sinh(eta), np.zeros(EVENTS), z), rng)
    own = ak.unflatten(ak.zip({"pdg_id": codes, "pt": pt, "eta": eta, "phi": phi}), ones)
    counts = rng.poisson(30, EVENTS)
    size = counts.sum()
    others = {"pt": 0.5 + rng.exponential(0.7, size), "eta": rng.uniform(-2.5, 2.5, size)}
    others["phi"] = rng.uniform(-np.pi, np.pi, size)
    points = ak.concatenate([tracker.reconstruct_tracks(own, rng), ak.unflatten(ak.zip(others), counts)], axis=1)
    return electrons(photons(seen, points, z, 20.0), points), eta, phi


def test_electrons_are_found_where_they_went():
    found, eta, phi = shot(11)
    there = ak.to_numpy(ak.num(found.pt) >= 1)
    assert there.mean() > 0.8  # 90% of their tracks are found
    first = ak.drop_none(ak.firsts(found))
    # a milliradian, as tracks have it; the cluster is 0.018 aside in phi, to the side of the charge
    d_eta = ak.to_numpy(first.eta) - eta[there]
    d_phi = (ak.to_numpy(first.phi) - phi[there] + np.pi) % (2 * np.pi) - np.pi
    for away in (d_eta, d_phi):
        assert abs(away.mean()) < 4 * 0.001 / np.sqrt(there.sum())
        assert away.std() < 0.0013
    assert np.median(first.pt) == pytest.approx(40.0, rel=0.03)
    assert np.median(first.e_over_p) == pytest.approx(1.0, abs=0.03)
    # no more than what is around: 30 tracks of 1.2 GeV on average in 31 units of eta and phi, a cone of 0.28 of them
    assert np.mean(first.track_isolation) < 2 * 0.28 * 1.2


def test_photons_are_seldom_taken_for_electrons():
    found, *_ = shot(22)
    assert ak.mean(ak.num(found.pt) > 0) < 0.05
