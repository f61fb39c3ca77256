"""Photon candidates: energy, direction and shape of showers of known photons."""

import awkward as ak
import numpy as np
import pytest

from tasks.detector.calorimeter import hits, incoming
from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL, Deposits
from tasks.detector.geometry import CRYSTAL, endcap_direction, hcal_direction
from tasks.detector.photons import photons

EVENTS = 150


def shot(eta_range, seed=3):
    """One photon of 60 GeV of transverse momentum an event, with its true direction and vertex."""
    rng = np.random.default_rng(seed)
    eta = rng.uniform(*eta_range, EVENTS) * rng.choice((-1, 1), EVENTS)
    phi, z = rng.uniform(-np.pi, np.pi, EVENTS), rng.normal(0, 0.05, EVENTS)
    pt = np.full(EVENTS, 60.0)
    particles = incoming(np.ones(EVENTS, int), np.full(EVENTS, 22), pt, phi, pt * np.sinh(eta), np.zeros(EVENTS), z)
    return photons(hits(particles, rng), without(EVENTS), z, 20.0), eta, phi


@pytest.mark.parametrize(("eta_range", "found_in", "width"), [((0.0, 1.4), 0.99, 0.02), ((1.7, 2.3), 0.97, 0.04)])
def test_energy_and_direction(eta_range, found_in, width):
    found, eta, phi = shot(eta_range)
    there = ak.to_numpy(ak.num(found.pt) >= 1)
    assert there.mean() >= found_in
    first = ak.drop_none(ak.firsts(found))
    pt = ak.to_numpy(first.pt)
    low, high = np.quantile(pt, [0.16, 0.84])
    assert abs(np.median(pt) / 60 - 1) < 0.02
    assert (high - low) / 2 / 60 < width
    # a crystal is 0.0174 wide; converted photons are spread in phi
    assert np.median(np.abs(ak.to_numpy(first.eta) - eta[there])) < 0.004
    away = (ak.to_numpy(first.phi) - phi[there] + np.pi) % (2 * np.pi) - np.pi
    assert np.median(np.abs(away)) < 0.006
    assert np.abs(np.median(away)) < 0.003


def test_shapes_of_compact_showers():
    found, *_ = shot((0.0, 0.8))
    first = ak.firsts(found)
    r9 = ak.to_numpy(ak.drop_none(first.r9))
    assert 0.93 < np.median(r9) < 0.99
    assert np.all(r9 <= 1.0 + 1e-6)
    assert 0.007 < np.median(ak.to_numpy(ak.drop_none(first.sigma_ieta_ieta))) < 0.011
    assert np.median(ak.to_numpy(ak.drop_none(first.hadronic))) < 0.05


def without(events):
    """Events without tracks."""
    return ak.zip({name: ak.Array([[]] * events) for name in ("pt", "eta", "phi")})


def one_event(*cells):
    """An event of (cell, energy)."""
    cell, energy = (np.array(column) for column in zip(*sorted(cells), strict=True))
    return Deposits(
        np.array([0, len(cell)]), cell.astype(np.int32), energy.astype(np.float32), np.zeros(len(cell), np.float32)
    )


def test_nothing_gives_nothing():
    empty = Deposits(np.array([0, 0, 0]), np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32))
    assert ak.num(photons(empty, without(2), np.zeros(2), 20.0).pt).tolist() == [0, 0]


def test_two_clusters_share_no_crystal():
    seed = 85 * 360 + 100
    # 40 GeV, and 30 GeV ten columns on: within reach, but a strip that the first takes
    found = photons(one_event((seed, 40.0), (seed + 10, 30.0), (seed + 60 * 360, 25.0)), without(1), np.zeros(1), 5.0)
    assert ak.num(found.pt).tolist() == [2]
    assert ak.sum(found.energy) == pytest.approx(1.03 * (70 + 25), rel=1e-5)


def test_a_cluster_goes_across_the_seam():
    seed = 85 * 360
    found = photons(one_event((seed, 40.0), (85 * 360 + 359, 10.0)), without(1), np.zeros(1), 5.0)
    assert ak.num(found.pt).tolist() == [1]
    assert found.r9[0, 0] == pytest.approx(1.0)
    assert found.energy[0, 0] == pytest.approx(1.03 * 50, rel=1e-5)


def test_hcal_energy_behind_a_photon():
    seed = 85 * 360 + 180
    row, column = np.divmod(np.arange(TOTAL - HCAL_START), 72)
    eta, phi = hcal_direction(row, column)
    near = HCAL_START + int(np.argmin(np.hypot(eta - 0.01, phi - 0.01)))
    far = HCAL_START + int(np.argmin(np.hypot(eta - 1.0, phi - 1.0)))
    found = photons(one_event((seed, 50.0), (near, 5.0), (far, 20.0)), without(1), np.zeros(1), 5.0)
    assert found.hadronic[0, 0] == pytest.approx(5.0 / (50 * 1.03), rel=1e-5)


def test_endcap_candidates_point_to_their_side():
    cell = ENDCAP_START + 120 * 100 + 80  # positive z, iY 20, iX 80
    found = photons(one_event((cell, 90.0)), without(1), np.zeros(1), 5.0)
    assert found.eta[0, 0] > 1.5
    assert -np.pi / 2 < found.phi[0, 0] < 0


def test_isolation_by_hand():
    seed = 85 * 360 + 100
    # three rows up (0.052): too far for the cluster, within the cone; fifty rows up (0.87): beyond it
    hits = one_event((seed, 40.0), (seed + 1, 10.0), (seed + 3 * 360, 4.0), (seed + 50 * 360, 20.0))
    bare = photons(hits, without(1), np.zeros(1), 30.0)
    eta, phi = bare.eta[0, 0], bare.phi[0, 0]
    clustered = 50.0 / np.cosh(0.5 * CRYSTAL)
    assert bare.ecal_isolation[0, 0] == pytest.approx(4.0 / np.cosh(3.5 * CRYSTAL) - 0.012 * clustered, rel=1e-3)
    assert bare.track_isolation[0, 0] == 0.0
    away = [(0.01, 7.0), (0.1, 3.0), (0.29, 2.0), (0.31, 5.0)]
    tracks = ak.Array([[{"pt": pt, "eta": eta, "phi": phi + distance} for distance, pt in away]])
    assert photons(hits, tracks, np.zeros(1), 30.0).track_isolation[0, 0] == pytest.approx(5.0)


@pytest.mark.parametrize("eta_range", [(0.2, 1.2), (1.8, 2.2)])
def test_isolation_does_not_depend_on_the_vertex(eta_range):
    rng = np.random.default_rng(6)
    medians = []
    for z in (-0.15, 0.0, 0.15):
        eta, phi = rng.uniform(*eta_range, EVENTS), rng.uniform(-np.pi, np.pi, EVENTS)
        pt, place = np.full(EVENTS, 60.0), np.full(EVENTS, z)
        particles = incoming(np.ones(EVENTS, int), np.full(EVENTS, 22), pt, phi, pt * np.sinh(eta), 0 * pt, place)
        first = ak.drop_none(ak.firsts(photons(hits(particles, rng), without(EVENTS), place, 20.0)))
        medians.append(np.median(ak.to_numpy(first.ecal_isolation)))
        assert np.median(np.abs(ak.to_numpy(first.detector_eta - first.eta))) < 0.2
        if z == 0.0:
            np.testing.assert_allclose(first.detector_eta, first.eta)
    assert np.ptp(medians) < 0.6  # GeV of 60


def test_width_in_eta_of_endcap_clusters():
    """Two crystals side by side in x: apart in eta where x points outwards, not where it goes around."""
    outwards, around = (ENDCAP_START + 100 * 100 + cell for cell in (50 * 100 + 80, 80 * 100 + 50))
    widths = []
    for cell in (outwards, around):
        found = photons(one_event((cell, 60.0), (cell + 1, 60.0)), without(1), np.zeros(1), 5.0)
        widths.append(found.sigma_ieta_ieta[0, 0])
    eta, _ = endcap_direction(np.array([150, 150]), np.array([80, 81]))
    assert widths[0] == pytest.approx(abs(eta[1] - eta[0]) / 2, rel=1e-3)
    assert widths[1] < 0.1 * widths[0]


def test_what_is_clustered_is_not_around():
    found, *_ = shot((0.0, 1.4))
    isolation = ak.to_numpy(ak.drop_none(ak.firsts(found)).ecal_isolation)
    # GeV of 60: about as much leaks as is taken off, and 0.5 of noise is left (2.3% of the 225 crystals read in full
    # pass the threshold of two deviations, with 95 MeV each)
    assert -0.4 < np.median(isolation) < 0.8
