"""Whole events: own hits and tracks, and those of pile-up."""

import awkward as ak
import numpy as np
import pytest

from tasks.detector.calorimeter import Deposits
from tasks.detector.observation import observe
from tasks.detector.particles import final
from tasks.detector.pileup import PileUp, Pool
from tests.tasks.hand_made import collisions, particle

MUON = [particle(13, 30.0, 0.4, 1.0)]


def pool():
    """One collision: 9 GeV in a barrel crystal, and a track."""
    one = Deposits(np.array([0, 1]), np.array([1000], np.int32), np.array([9.0], np.float32), np.zeros(1, np.float32))
    return Pool(one, ak.Array([[{"pt": np.float32(2.0), "eta": np.float32(0.5), "phi": np.float32(3.0)}]]))


def seen(count, mean=None, seed=1):
    rng = np.random.default_rng(seed)
    over = None if mean is None else PileUp(((1.0, mean),), pool())
    return observe(final(collisions(*[MUON] * count)), over, rng), rng


def test_columns_without_pileup():
    found, rng = seen(50)
    table = found.columns()
    assert set(table) == {"ecal", "ecal_endcap", "hcal", "tracks"}
    assert table["tracks"].to_list() == found.tracks.to_list()
    assert 45 <= ak.sum(ak.num(table["tracks"].pt)) <= 50
    assert found.over is None
    assert found.chosen_vertex(rng) is found.vertex


def test_pileup_is_in_hits_and_tracks_alike():
    found, rng = seen(200, mean=3.0)
    counts = np.diff(found.over.offsets)
    table = found.columns()
    tracks = ak.to_numpy(ak.num(table["tracks"].pt)) - ak.to_numpy(ak.num(found.tracks.pt))
    np.testing.assert_array_equal(tracks, counts)
    hot = ak.sum(table["ecal"].energy[table["ecal"].energy > 5.0], axis=1)
    assert ak.to_numpy(hot) == pytest.approx(9.0 * counts, rel=0.2, abs=0.1)
    wrong = found.chosen_vertex(rng) != found.vertex
    assert wrong.mean() == pytest.approx(0.03, abs=0.04)  # one in a hundred for each other collision


def test_the_muon_is_where_it_should_be():
    found, _ = seen(100)
    tracks = ak.flatten(found.tracks)
    assert np.median(tracks.pt) == pytest.approx(30.0, rel=0.02)
    assert np.median(tracks.eta) == pytest.approx(0.4, abs=0.01)
    # 2 GeV in the HCAL; the 0.25 GeV in the ECAL are often shared by two crystals, each of which needs 0.16
    assert ak.mean(ak.num(found.columns()["hcal"].energy) > 0) > 0.95
    assert 0.2 < ak.mean(ak.num(found.columns()["ecal"].energy) > 0) < 0.95
