"""Graphs whose nodes are hits: crystals around photons, and whole calorimeters."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import Skip, UserError
from representations.graph.graph import Graph
from representations.kernels.encoding import AROUND
from tasks.detector.geometry import CRYSTAL, barrel_direction, endcap_direction, hcal_direction
from tasks.diphoton.diphoton import Diphoton
from tests.representations.collisions import events_of, jets_of, random_events, showers_of, with_column

if TYPE_CHECKING:
    from representations.samples import Graphs
    from tasks.events import Events

STEP = 2 * math.pi / 360
PLACES = [(100, 50), (40, 240)]
"""Barrel crystals that two photons hit."""


def photons(hits: list[list[dict[str, float]]], shift: float = 0.05, **info: Any) -> Events:
    """Events of two photons at `PLACES`, seen from a collision 5 cm away, and these crystals."""
    eta, phi = (values.tolist() for values in barrel_direction(*np.array(PLACES).T))
    pair = [("photon", 60.0, eta[0] + shift, phi[0]), ("photon", 40.0, eta[1] + shift, phi[1])]
    own = Diphoton().info("detector")
    return with_column(replace(events_of([pair] * len(hits)), info=replace(own, **info)), "ecal", hits)


def hit(row: int, column: int, energy: float) -> dict[str, float]:
    return {"row": row, "column": column, "energy": energy}


def column(graphs: Graphs) -> dict[str, np.ndarray]:
    return dict(zip(graphs.names, graphs.nodes.values.double().numpy().T, strict=True))


def test_crystals_around_both_photons_count_from_the_hottest_of_the_nearest() -> None:
    (row1, column1), (row2, column2) = PLACES
    near = [
        hit(row1, column1, 50.0),
        hit(row1 + 1, column1, 20.0),
        hit(row2, column2, 30.0),
        hit(row2, column2 - 2, 4.0),
    ]
    far = [hit(row1, (column1 + 90) % 360, 80.0), hit(row1 + 30, column1, 9.0)]
    graphs = Graph().represent(photons([near + far]))
    assert graphs.names == (*AROUND, "is_photon1", "is_photon2")
    nodes = column(graphs)
    eta, phi = barrel_direction(*np.array([[hit["row"], hit["column"]] for hit in near]).T)
    pt = np.array([50.0, 20.0, 30.0, 4.0]) / np.cosh(eta)
    order = np.argsort(-pt)
    np.testing.assert_allclose(nodes["log_pt"], np.log(pt[order]), atol=1e-6)
    np.testing.assert_allclose(nodes["delta_eta"], np.array([0, CRYSTAL, 0, 0])[order], atol=1e-6)
    np.testing.assert_allclose(nodes["delta_phi"], np.array([0, 0, 0, -2 * STEP])[order], atol=1e-6)
    np.testing.assert_allclose(nodes["is_photon2"], np.array([0, 0, 1, 1])[order])
    whole = np.array([pt[:2].sum()] * 2 + [pt[2:].sum()] * 2)
    np.testing.assert_allclose(nodes["log_share"], np.log(pt / whole)[order], atol=1e-6)
    # the kinematics of the photons are there as well: eta, and phi from the leading one
    np.testing.assert_allclose(nodes["eta"], eta[order], atol=1e-6)
    np.testing.assert_allclose(nodes["cos_phi"], np.cos(phi - phi[0])[order], atol=1e-6)


def test_the_window_and_the_number_of_nodes() -> None:
    row, place = PLACES[0]
    line = [hit(row + step, place, 50.0 - step) for step in range(12)]
    reached = [
        Graph(window=window).represent(photons([line])).nodes.lengths.tolist()[0] for window in (0.0175, 0.1, 1.0)
    ]
    assert reached == [2, 6, 12]
    assert Graph(nodes=3).represent(photons([line])).nodes.lengths.tolist() == [3]
    energy = np.array([one["energy"] for one in line])
    eta, _ = barrel_direction(np.array([one["row"] for one in line]), np.zeros(12))
    pt = energy / np.cosh(eta)
    np.testing.assert_allclose(Graph(nodes=3).dropped(photons([line])), 1 - np.sort(pt)[-3:].sum() / pt.sum())


def test_a_window_across_the_seam_and_photons_without_crystals() -> None:
    events = photons([[hit(100, 359, 5.0), hit(100, 0, 9.0)], []])
    pair = ak.with_field(events.table["objects"], [[-math.pi + STEP / 2, 1.0]] * 2, "phi")
    graphs = Graph().represent(replace(events, table=ak.with_field(events.table, pair, "objects")))
    assert graphs.nodes.lengths.tolist() == [2, 0]
    np.testing.assert_allclose(column(graphs)["delta_phi"], [0, -STEP], atol=1e-6)
    assert graphs.joined(torch.arange(2)).pairs.isfinite().all()


def test_endcaps_belong_to_the_whole_detector_alone() -> None:
    eta, phi = (values.tolist() for values in endcap_direction(np.array([120, 121]), np.array([40, 40])))
    pair = [("photon", 60.0, eta[0], phi[0]), ("photon", 40.0, 0.0, 2.0)]
    ends = [[hit(120, 40, 90.0), hit(121, 40, 20.0)]]
    events = with_column(with_column(events_of([pair]), "ecal", [[hit(1, 1, 1.0)]]), "ecal_endcap", ends)
    forward, central = (
        Graph().represent(replace(events, info=Diphoton(region=region).info("detector")))
        for region in ("forward", "central")
    )
    np.testing.assert_allclose(column(forward)["eta"], eta, rtol=1e-6)
    np.testing.assert_allclose(column(forward)["delta_eta"], [0, eta[1] - eta[0]], atol=1e-6)
    assert central.nodes.lengths.tolist() == [0]


def test_without_hits_the_photons_are_the_nodes() -> None:
    with_hits = photons([[hit(100, 50, 9.0)]])
    bare = replace(with_hits, table=ak.without_field(with_hits.table, "ecal"))
    names = ("log_pt", "eta", "cos_phi", "sin_phi", "log_energy", "charge", "is_photon")
    assert Graph().represent(bare).names == names
    assert Graph(of="particles").represent(with_hits).names == names
    with pytest.raises(Skip, match="diphoton: no calorimeter hits in these events, which are of the level 'detector'"):
        Graph(of="hits").represent(bare)


def test_hits_are_an_option_elsewhere() -> None:
    events = with_column(random_events(1, 3), "ecal", [[hit(100, 50, 9.0)]])
    events = with_column(events, "ecal_endcap", [[hit(120, 40, 30.0)]])
    events = with_column(events, "hcal", [[hit(20, 8, 2.0), hit(21, 8, 3.0)]])
    graphs = Graph(of="hits").represent(events)
    assert graphs.names == ("log_pt", "eta", "cos_phi", "sin_phi", "log_energy", "is_crystal", "is_tower")
    nodes = column(graphs)
    places = [(barrel_direction, 100, 50, 9.0), (endcap_direction, 120, 40, 30.0)]
    places += [(hcal_direction, row, 8, energy) for row, energy in ((20, 2.0), (21, 3.0))]
    found = [(*at(np.array([row]), np.array([place])), energy) for at, row, place, energy in places]
    eta, _, energy = np.array([[float(eta[0]), float(phi[0]), energy] for eta, phi, energy in found]).T
    order = np.argsort(-energy / np.cosh(eta))
    np.testing.assert_allclose(np.exp(nodes["log_energy"]), energy[order], rtol=1e-5)
    np.testing.assert_allclose(nodes["eta"], eta[order], rtol=1e-6)
    assert nodes["is_tower"].sum() == 2
    assert Graph().represent(events).names[-5:] == ("is_electron", "is_muon", "is_jet", "is_bjet", "is_met")
    with pytest.raises(Skip, match="no calorimeter hits"):
        Graph(of="hits").represent(jets_of([[(22, 9.0, 0.0, 0.0)]]))
    shower = showers_of([[(80, 3, 2.0)]])
    assert torch.equal(Graph(of="hits").represent(shower).nodes.values, Graph().represent(shower).nodes.values)


def test_what_is_read_and_refused() -> None:
    central, forward = (Diphoton(region=region).info("detector") for region in ("central", "forward"))
    assert Graph().columns(central) == ("objects", "ecal")
    assert Graph().columns(forward) == ("objects", "ecal", "ecal_endcap")
    assert Graph(of="particles").columns(central) == ("objects",)
    assert Graph(of="hits").columns(random_events(1, 1).info) == ("objects", "ecal", "ecal_endcap", "hcal")
    with pytest.raises(UserError, match="event 1000 has a cell of ecal with its row outside 0 to 169"):
        Graph().represent(photons([[hit(170, 0, 1.0)]]))
    with pytest.raises(UserError, match="graph: parameter 'window' is 0"):
        Graph(window=0)
