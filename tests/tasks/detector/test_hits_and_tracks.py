"""Whole events: own hits and tracks, and those of pile-up."""

import awkward as ak
import numpy as np
import pytest

from tasks.detector.cells import Deposits
from tasks.detector.hits_and_tracks import observable, observe, with_hits
from tasks.detector.overlay import MinimumBias
from tasks.detector.particles import final
from tasks.detector.pileup import PileUp
from tests.tasks.hand_made import collisions, particle

MUON = [particle(13, 30.0, 0.4, 1.0)]


def pool():
    """Two collisions: 9 GeV in a barrel crystal and a track each, 10 cm to either side."""
    ones = np.ones(2, np.float32)
    made = Deposits(np.arange(3), np.array([1000, 1001], np.int32), 9 * ones, 0 * ones)
    tracks = [[{"pt": np.float32(pt), "eta": np.float32(0.5), "phi": np.float32(3.0)}] for pt in (2.0, 40.0)]
    return MinimumBias(made, ak.Array(tracks), np.array([0.1, -0.2]))


def seen(count, mean=None, seed=1):
    rng = np.random.default_rng(seed)
    over = None if mean is None else PileUp(((1.0, mean),), pool())
    return observe(final(collisions(*[MUON] * count)), over, rng), rng


def test_columns_without_pileup():
    found, rng = seen(50)
    table = found.columns()
    assert set(table) == {"ecal", "ecal_endcap", "hcal", "tracks", "pileup"}
    assert table["tracks"].to_list() == found.tracks.to_list()
    assert 45 <= ak.sum(ak.num(table["tracks"].pt)) <= 50
    assert table["pileup"].tolist() == [0] * 50
    vertex, tracks = found.draw_photon_origin(rng)
    assert vertex is found.vertex
    assert tracks is found.tracks


def test_pileup_is_in_hits_and_tracks_alike():
    found, _ = seen(200, mean=3.0)
    counts = found.pileup.counts()
    table = found.columns()
    np.testing.assert_array_equal(table["pileup"], counts)
    tracks = ak.to_numpy(ak.num(table["tracks"].pt)) - ak.to_numpy(ak.num(found.tracks.pt))
    np.testing.assert_array_equal(tracks, counts)
    hot = ak.sum(table["ecal"].energy[table["ecal"].energy > 5.0], axis=1)
    assert ak.to_numpy(hot) == pytest.approx(9.0 * counts, rel=0.2, abs=0.1)


def test_the_order_of_tracks_does_not_tell_whose_they_are():
    table = seen(200, mean=3.0)[0].columns()
    assert ak.all(table["tracks"].pt[:, 1:] <= table["tracks"].pt[:, :-1])
    first = ak.to_numpy(ak.firsts(table["tracks"].pt[ak.num(table["tracks"].pt) > 3]))
    assert 0.2 < np.mean(first > 35) < 1.0  # of the muon's 30 GeV and the other's 40


def test_a_wrong_vertex_is_that_of_another_collision_and_so_are_its_tracks():
    found, rng = seen(1000, mean=20.0)
    vertex, tracks = found.draw_photon_origin(rng)
    wrong = vertex != found.vertex
    assert wrong.mean() == pytest.approx(0.20, abs=0.05)
    assert set(vertex[wrong]) == {0.1, -0.1, 0.2, -0.2}  # mirrored, too
    for z, event in zip(vertex[wrong], tracks[wrong], strict=True):
        assert event.pt.tolist() == ([2.0] if abs(z) == 0.1 else [40.0])
    assert tracks[~wrong].to_list() == found.tracks[~wrong].to_list()


def test_the_muon_is_where_it_should_be():
    found, _ = seen(100)
    tracks = ak.flatten(found.tracks)
    assert np.median(tracks.pt) == pytest.approx(30.0, rel=0.02)
    assert np.median(tracks.eta) == pytest.approx(0.4, abs=0.01)
    # 2 GeV in the HCAL; the 0.25 GeV in the ECAL are often shared by two crystals, each of which needs 0.16
    assert ak.mean(ak.num(found.columns()["hcal"].energy) > 0) > 0.95
    assert 0.2 < ak.mean(ak.num(found.columns()["ecal"].energy) > 0) < 0.95


def test_what_is_not_observable_is_not_missed():
    every = [
        particle(13, 30.0, 0.4),
        particle(14, 50.0),
        particle(2112, 3.0, 2.8),
        particle(22, 4.0, 3.3),
        particle(11, 9),
    ]
    particles = final(collisions(every, [], every[::-1]))
    less = observable(particles)
    assert less.pdg_id.to_list() == [[13, 2112, 11], [], [11, 2112, 13]]
    assert less.nbytes < particles.nbytes
    whole, part = (observe(given, None, np.random.default_rng(1)).columns() for given in (particles, less))
    for name, column in whole.items():
        assert ak.array_equal(part[name], column, dtype_exact=True), name


def test_hits_take_the_place_of_particles():
    table = ak.zip({"label": np.arange(3), "particles": observable(final(collisions(*[MUON] * 3)))}, depth_limit=1)
    bare = with_hits(table, None, np.random.default_rng(1))
    assert bare.fields == ["label", "ecal", "ecal_endcap", "hcal", "tracks"]
    assert bare.ecal.fields == bare.ecal_endcap.fields == bare.hcal.fields == ["row", "column", "energy"]
    wanted = observe(table.particles, None, np.random.default_rng(1)).columns()
    for name in ("row", "column", "energy"):
        assert ak.array_equal(bare.ecal[name], wanted["ecal"][name], dtype_exact=True)
    assert ak.array_equal(bare.tracks, wanted["tracks"])
    over = with_hits(table, PileUp(((1.0, 3.0),), pool()), np.random.default_rng(1))
    assert over.fields == [*bare.fields, "pileup"]


def test_tracks_that_are_there_are_not_measured_again():
    measured = ak.Array([[{"pt": np.float32(29.0), "eta": np.float32(0.5), "phi": np.float32(-3.0)}]])
    found = observe(final(collisions(MUON)), None, np.random.default_rng(1), measured)
    assert found.columns()["tracks"].to_list() == measured.to_list()
