"""Clusters of particles and sums around directions, worked out by hand."""

import math

from tasks.detector.particles import final
from tasks.generator.enrichment import Enrichment, sum_around
from tests.tasks.hand_made import collisions, particle

ENRICHMENT = Enrichment(pt_min=20.0, mass_min=90.0, eta_max=1.44)
PHOTON = (22, 80.0, 0.3, 0.0)


def final_state(rows):
    """One event of massless particles {code, pt, eta, phi}, as the detector takes it."""
    return final(collisions([particle(*row) for row in rows]))


def test_a_pion_is_one_cluster():
    event = final_state([(22, 15.0, 0.50, 1.00), (22, 10.0, 0.52, 1.00), (22, 40.0, -0.5, -2.0), (22, 3.0, 0.5, -1.0)])
    found = ENRICHMENT.clusters(event)
    assert found.pt.tolist() == [[40.0, 25.0]]
    assert found.eta.tolist() == [[-0.5, 0.5]]


def test_a_cluster_in_a_jet_is_not_isolated():
    around = [(211, 4.0, 0.7, 1.0), (211, 2.0, 0.5, 1.2)]  # 6 of 25: more than a fifth
    event = final_state([(22, 25.0, 0.5, 1.0), *around])
    assert ENRICHMENT.clusters(event).pt.tolist() == [[]]
    event = final_state([(22, 25.0, 0.5, 1.0), around[0]])
    assert ENRICHMENT.clusters(event).pt.tolist() == [[25.0]]


def test_sums_go_around_the_seam():
    particles = [(22, 5.0, 0.0, 3.1), (211, 2.0, 0.0, -3.1), (211, 1.0, 0.0, 2.0)]
    assert sum_around(particles, 0.0, math.pi, 0.1) == 7.0


def test_jets_next_to_a_photon_are_tried():
    jet = [(21, 40.0, -0.2, 3.0), (1, 5.0, -0.25, 3.05)]
    assert ENRICHMENT.promising([PHOTON, *jet])
    assert not ENRICHMENT.promising(jet)  # no photon
    assert not ENRICHMENT.promising([PHOTON])  # no jet
    assert ENRICHMENT.promising([PHOTON, *jet, (21, 15.0, -0.2, 2.75)])  # a wide one too
    assert not ENRICHMENT.promising([(22, 50.0, 1.6, 0.0), *jet])  # beyond the selection
    assert not ENRICHMENT.promising([PHOTON, (21, 15.0, -0.2, 3.0)])  # too soft
    assert not ENRICHMENT.promising([PHOTON, (21, 40.0, 0.2, 1.0)])  # 60 GeV of mass


def test_fakes_are_isolated_clusters_next_to_the_photon():
    pion = [(22, 15.0, -0.20, 3.00), (22, 10.0, -0.21, 3.02)]
    assert ENRICHMENT.fakes([PHOTON, *pion, (211, 2.0, 0.0, 2.9)])
    assert not ENRICHMENT.fakes([PHOTON, *pion, (211, 10.0, 0.0, 2.9)])  # hadrons beside it
    assert not ENRICHMENT.fakes([PHOTON, (211, 25.0, -0.2, 3.0)])  # no cluster
    assert not ENRICHMENT.fakes([PHOTON, *((code, pt, eta, phi - 2.2) for code, pt, eta, phi in pion)])  # mass
