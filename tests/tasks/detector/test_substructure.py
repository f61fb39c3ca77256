import itertools
import math

import awkward as ak
import fastjet
import numpy as np
import pytest

from tasks.detector.jets import cluster, cluster_with_members
from tasks.detector.particle_flow import IDEAL_FLOW, particle_flow
from tasks.detector.particles import final
from tasks.detector.substructure import energy_correlators, leading_jet, n_subjettiness, total, trim
from tests.tasks.hand_made import collisions, particle

RADIUS = 1.0


def listed(*events):
    return particle_flow(final(collisions(*events)), IDEAL_FLOW, np.random.default_rng(0))


def random_events(seed, events=25):
    """Two hard prongs and soft particles around them; phi across the seam in some."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(events):
        eta, phi = rng.uniform(-1.5, 1.5), rng.uniform(-math.pi, math.pi)
        prongs = [(eta, phi), (eta + rng.normal(0, 0.3), phi + rng.normal(0, 0.3))]
        rows = []
        for place in range(rng.integers(3, 40)):
            middle, width = (prongs[place % 2], 0.1) if place % 3 else (prongs[0], 0.8)
            code = rng.choice([211, -211, 22, 130])
            rows.append(particle(code, rng.exponential(8) + 0.3, *rng.normal(middle, width)))
        made.append(rows)
    return listed(*made)


def pseudojets(rows):
    """fastjet's own objects from one event's rows, numbered as they stand."""
    found = []
    for number, row in enumerate(ak.to_list(rows)):
        jet = fastjet.PseudoJet(row["px"], row["py"], row["pz"], row["e"])
        jet.set_user_index(number)
        found.append(jet)
    return found


def indices(jet):
    return sorted(part.user_index() for part in jet.constituents())


# --- jets and trimming, against fastjet one by one -------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["antikt", "kt"])
def test_members_are_those_of_fastjet(algorithm):
    events = random_events(1)
    jets, members = cluster_with_members(events, 0.4, algorithm, 5.0)
    code = getattr(fastjet, f"{algorithm}_algorithm")
    for event, rows, lists in zip(events, jets, members, strict=True):
        sequence = fastjet.ClusterSequence(pseudojets(event), fastjet.JetDefinition(code, 0.4))
        wanted = fastjet.sorted_by_pt(sequence.inclusive_jets(5.0))
        assert ak.to_list(rows.pt) == pytest.approx([jet.pt() for jet in wanted])
        assert [sorted(indexes) for indexes in ak.to_list(lists)] == [indices(jet) for jet in wanted]
        for row, indexes in zip(rows, lists, strict=True):
            assert total(event[np.newaxis][:, ak.to_list(indexes)])[0].mass == pytest.approx(row.mass, abs=1e-4)
    assert ak.to_list(cluster(events).pt) == ak.to_list(cluster_with_members(events, 0.5)[0].pt)


def test_the_leading_jet():
    events = ak.concatenate([random_events(2), listed([particle(211, 3.0)], [])])
    jets, some = leading_jet(events, RADIUS, 20.0)
    best = ak.fill_none(ak.max(cluster(events, RADIUS).pt, axis=1), 0.0)
    assert some.tolist() == ak.to_list(best > 20)
    assert not some[-2:].any()
    assert ak.to_list(total(jets).pt) == pytest.approx(ak.to_list(best[some]))


def test_trimming_is_the_filter_of_fastjet():
    jets, _ = leading_jet(random_events(3, 60), RADIUS, 20.0)
    kept, subjets = trim(jets)
    trimmer = fastjet.Filter(fastjet.JetDefinition(fastjet.kt_algorithm, 0.3), fastjet.SelectorPtFractionMin(0.05))
    lost = 0
    for jet, found, prongs in zip(jets, kept, subjets, strict=True):
        sequence = fastjet.ClusterSequence(pseudojets(jet), fastjet.JetDefinition(fastjet.antikt_algorithm, 1000.0))
        (whole,) = sequence.inclusive_jets()
        wanted = trimmer(whole)
        assert ak.to_list(found) == ak.to_list(jet[indices(wanted)])
        pieces = fastjet.sorted_by_pt(wanted.pieces())
        assert ak.to_list(prongs.pt) == pytest.approx([piece.pt() for piece in pieces])
        assert ak.to_list(prongs.eta) == pytest.approx([piece.eta() for piece in pieces])
        assert ak.sum(prongs.pt) >= total(found[np.newaxis])[0].pt * (1 - 1e-9)
        lost += len(jet) - len(found)
    assert lost > 40, "the events are too clean to test trimming"


def test_trimming_by_hand():
    # 4 of 104 GeV is below 5% and goes; 6 of 106 GeV is above and stays
    soft = listed(
        [particle(211, 100, 0, 0), particle(22, 4, 0, 0.5)], [particle(211, 100, 0, 0), particle(22, 6, 0, 0.5)]
    )
    kept, subjets = trim(soft)
    assert ak.to_list(ak.num(kept.pt)) == ak.to_list(ak.num(subjets.pt)) == [1, 2]


# --- N-subjettiness --------------------------------------------------------------------------------------------------


def slow_tau(row, number):
    """Equation 2.1 of JHEP 03 (2011) 015, with axes from fastjet's own winner-takes-all kt."""
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0, fastjet.WTA_pt_scheme)
    parts = pseudojets(row)
    if len(parts) <= number:
        return 0.0
    sequence = fastjet.ClusterSequence(parts, definition)
    axes = sequence.exclusive_jets(number)
    above = sum(p.pt() * min(p.delta_R(axis) for axis in axes) for p in parts)
    return above / sum(p.pt() * RADIUS for p in parts)


def test_n_subjettiness_equals_a_slow_reference():
    jets, _ = leading_jet(random_events(4, 60), RADIUS, 20.0)
    found = n_subjettiness(jets, RADIUS)
    wanted = [[slow_tau(jet, 1), slow_tau(jet, 2)] for jet in jets]
    assert found == pytest.approx(np.array(wanted), abs=1e-6)
    assert (found[:, 1] <= found[:, 0] + 1e-9).all()
    assert found[:, 0].max() > 0.1


def test_n_subjettiness_by_hand():
    # the axis is the harder particle: tau_1 = 30 0.4 / 100; with two axes for two particles nothing is left
    found = n_subjettiness(listed([particle(22, 70, 0, 0), particle(22, 30, 0, 0.4)], [particle(22, 50, 1, 2)]), RADIUS)
    assert found == pytest.approx(np.array([[0.12, 0.0], [0.0, 0.0]]), abs=1e-6)


# --- energy correlators ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [1, 2, 0.5])
def test_energy_correlators_are_sums_over_pairs_and_triplets(beta):
    jets, _ = leading_jet(random_events(5, 15), RADIUS, 20.0)
    for jet, found in zip(jets, energy_correlators(jets, beta), strict=True):
        parts = pseudojets(jet)
        z = [p.pt() / sum(q.pt() for q in parts) for p in parts]
        n = range(len(parts))

        def far(i, j, parts=parts):
            return parts[i].delta_R(parts[j]) ** beta

        pairs = sum(z[i] * z[j] * far(i, j) for i, j in itertools.combinations(n, 2))
        triplets = sum(
            z[i] * z[j] * z[k] * far(i, j) * far(j, k) * far(k, i) for i, j, k in itertools.combinations(n, 3)
        )
        assert found.tolist() == pytest.approx([pairs, triplets], rel=1e-9)


def test_energy_correlators_of_three_equal_particles():
    # at the corners of a triangle in (eta, phi) with sides 0.3, 0.4, 0.5; photons, so rapidity is eta
    event = [particle(22, 10, 0, 0), particle(22, 10, 0.3, 0), particle(22, 10, 0, 0.4)]
    found = energy_correlators(listed(event), 1)
    assert found[0].tolist() == pytest.approx([1.2 / 9, 0.06 / 27])


def test_turning_a_jet_changes_nothing():
    jets, _ = leading_jet(random_events(6), RADIUS, 20.0)
    turned = ak.with_field(jets, (jets.phi + 2.0 + np.pi) % (2 * np.pi) - np.pi, "phi")
    for name, wave in (("px", np.cos), ("py", np.sin)):
        turned = ak.with_field(turned, turned.pt * wave(turned.phi), name)
    assert n_subjettiness(turned, RADIUS) == pytest.approx(n_subjettiness(jets, RADIUS), abs=1e-6)
    assert energy_correlators(turned, 1) == pytest.approx(energy_correlators(jets, 1), abs=1e-9)
