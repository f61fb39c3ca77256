import dataclasses
import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.detector.particle_flow import CMS_FLOW, IDEAL_FLOW, MASS, charge_of, flow_response_of, particle_flow
from tasks.detector.particles import final
from tests.tasks.hand_made import collisions, particle

EXACT_CELLS = dataclasses.replace(
    IDEAL_FLOW,
    ecal=dataclasses.replace(CMS_FLOW.ecal, stochastic=0.0, noise=0.0, constant=0.0),
    hcal=dataclasses.replace(CMS_FLOW.hcal, stochastic=0.0, noise=0.0, constant=0.0),
)
"""Perfect but for its cells and their thresholds."""


def seen(*events, response=IDEAL_FLOW, seed=0):
    return particle_flow(final(collisions(*events)), response, np.random.default_rng(seed))


def spread(pdg_id, pt, count, eta):
    """One event of many particles, all in cells of their own."""
    phi = np.linspace(-3, 3, count)
    return [particle(pdg_id, pt, eta, x) for x in phi]


# --- what a particle is called ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pdg_id", "charge"),
    [
        *((code, 1) for code in (211, 321, 2212, -11, -13)),
        *((code, -1) for code in (-211, -321, -2212, 11, 13)),
        *((code, 0) for code in (22, 130, 2112, -2112, 12, 21, 2, -5)),
    ],
)
def test_charges(pdg_id, charge):
    assert charge_of(np.array([pdg_id])).tolist() == [charge]


@pytest.mark.parametrize("response", [IDEAL_FLOW, EXACT_CELLS])
def test_names_are_those_of_a_detector(response):
    truth = [-211, 321, -321, 2212, 11, -13, 22, 130, 2112, 21, 3, 12]
    event = [particle(code, 20, 0.2 * place - 1.2, 0.5 * place) for place, code in enumerate(truth)]
    found = seen(event, response=response)[0]
    found = found[ak.argsort(found.eta)]
    # kaons and protons are taken for pions, neutrons and partons for neutral hadrons; the neutrino is not seen
    assert ak.to_list(found.pdg_id) == [-211, 211, -211, 211, 11, -13, 22, 130, 130, 130, 130]
    assert ak.to_list(found.charge) == [-1, 1, -1, 1, -1, 1, 0, 0, 0, 0, 0]
    assert ak.to_list(found.mass) == [MASS[abs(code)] for code in ak.to_list(found.pdg_id)]


def test_soft_leptons_are_charged_hadrons():
    found = seen([particle(11, 1.5, 0.5, 1.0)] * 50 + [particle(-13, 2.5, -0.5, -1.0)] * 50, response=CMS_FLOW)[0]
    charged = found[found.charge != 0]
    assert len(charged) > 70
    assert set(ak.to_list(charged.pdg_id)) == {-211, 211}


momenta = st.tuples(
    st.sampled_from([211, -321, 2212, 11, -13, 22, 130, -2112]),
    st.floats(0.1, 300),
    st.floats(-2.99, 2.99),
    st.floats(-3.1, 3.1),
)


@given(st.lists(st.lists(momenta, max_size=5), min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_a_perfect_detector_moves_nothing(events):
    found = seen(*([particle(*row) for row in event] for event in events))
    assert len(found) == len(events)
    for event, rows in zip(events, found, strict=True):
        assert ak.to_list(rows.pt) == pytest.approx(sorted((row[1] for row in event), reverse=True))
        assert sorted(ak.to_list(rows.eta)) == pytest.approx(sorted(row[2] for row in event), abs=1e-9)
        for axis, wanted in (("px", rows.pt * np.cos(rows.phi)), ("pz", rows.pt * np.sinh(rows.eta))):
            assert ak.to_list(rows[axis]) == pytest.approx(ak.to_list(wanted))
        squares = ak.to_numpy(rows.e**2 - rows.px**2 - rows.py**2 - rows.pz**2)
        assert squares == pytest.approx(ak.to_numpy(rows.mass) ** 2, abs=1e-6 * (1 + ak.sum(rows.e**2)))


def test_nothing_beyond_the_endcaps():
    assert ak.to_list(ak.num(seen([particle(211, 9, 3.1), particle(22, 9, -3.2)], [particle(22, 9, 2.9)]).pt)) == [0, 1]


# --- cells -----------------------------------------------------------------------------------------------------------

CRYSTAL, TOWER = 2 * math.pi / 360, 2 * math.pi / 72


@pytest.mark.parametrize(("pdg_id", "cell"), [(22, CRYSTAL), (130, TOWER)])
def test_what_falls_into_one_cell_is_one_particle(pdg_id, cell):
    inside = [particle(pdg_id, 5, 3.2 * cell, 7.1 * cell), particle(pdg_id, 7, 3.7 * cell, 7.9 * cell)]
    beside = particle(pdg_id, 4, 4.3 * cell, 7.5 * cell)
    found = seen([*inside, beside], [inside[0]], response=EXACT_CELLS)
    assert ak.to_list(ak.num(found.pt)) == [2, 1]
    assert ak.to_list(found.pdg_id[0]) == [pdg_id, pdg_id]
    energy = 5 * math.cosh(3.2 * cell) + 7 * math.cosh(3.7 * cell)
    assert found.e[0, 0] == pytest.approx(energy)
    assert (found.eta[0, 0], found.phi[0, 0]) == pytest.approx((3.5 * cell, 7.5 * cell))
    assert (found.eta[0, 1], found.phi[0, 1]) == pytest.approx((4.5 * cell, 7.5 * cell))


def test_cells_near_the_seam_and_at_negative_angles():
    found = seen([particle(22, 5, -0.4 * CRYSTAL, -0.2 * CRYSTAL), particle(22, 6, -0.6 * CRYSTAL, math.pi)])[0]
    assert len(found) == 2
    found = seen(
        [particle(22, 6, -0.6 * CRYSTAL, math.pi - 0.1 * CRYSTAL), particle(22, 5, -0.4 * CRYSTAL, -0.2 * CRYSTAL)],
        response=EXACT_CELLS,
    )[0]
    assert ak.to_list(found.eta) == pytest.approx([-0.5 * CRYSTAL] * 2)
    assert ak.to_list(found.phi) == pytest.approx([math.pi - 0.5 * CRYSTAL, -0.5 * CRYSTAL])


@pytest.mark.parametrize(
    ("pdg_id", "eta", "below", "above"), [(22, 0.5, 0.22, 0.24), (22, 2.0, 0.58, 0.62), (130, 0.5, 0.78, 0.82)]
)
def test_thresholds(pdg_id, eta, below, above):
    def rows(energy):
        return len(seen([particle(pdg_id, energy / math.cosh(eta), eta)], response=EXACT_CELLS)[0])

    assert (rows(below), rows(above)) == (0, 1)


@pytest.mark.parametrize(
    ("pdg_id", "energy", "relative"),
    [
        # the usual formulae of the two calorimeters, worked out at 40 and at 100 GeV
        (22, 40.0, math.sqrt(0.028**2 / 40 + (0.12 / 40) ** 2 + 0.003**2)),
        (130, 100.0, math.sqrt(0.1**2 + 0.05**2)),
    ],
)
def test_energy_resolution(pdg_id, energy, relative):
    cells = 360 if pdg_id == 22 else 72
    eta = 0.01
    phi = (np.arange(cells) + 0.5) * 2 * math.pi / cells - math.pi
    event = [particle(pdg_id, energy / math.cosh(eta), eta, x) for x in phi]
    found = seen(*[event] * 20, response=CMS_FLOW)
    measured = ak.to_numpy(ak.flatten(found.e)) / energy
    assert len(measured) == 20 * cells
    assert measured.mean() == pytest.approx(1, abs=4 * relative / math.sqrt(len(measured)))
    assert measured.std() == pytest.approx(relative, rel=4 / math.sqrt(2 * len(measured)))


# --- tracks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pt", "eta", "chance"), [(5.0, 0.5, 0.94), (5.0, 1.8, 0.85), (0.5, 0.5, 0.70), (0.2, 0, 0)])
def test_track_efficiency(pt, eta, chance):
    found = seen(spread(211, pt, 4000, eta), response=CMS_FLOW)[0]
    tracks = int(ak.sum(found.charge != 0))
    assert tracks / 4000 == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / 4000))


def test_a_hadron_without_a_track_is_a_neutral_one_where_the_field_takes_it():
    response = dataclasses.replace(EXACT_CELLS, track_efficiency=(0.0, 0.0), soft_efficiency=0.0, field=3.8)
    # 0.7 GeV curls up before the ECAL; 13 and -13 leave nothing without a track
    event = [particle(211, 5.0, 0, 1.0), particle(-211, 5.0, 0.5, 1.0), particle(211, 0.7, 0, 0), particle(13, 9)]
    found = seen(event, response=response)[0]
    assert ak.to_list(found.pdg_id) == [130, 130]
    assert ak.to_list(found.charge) == [0, 0]
    down, up = found[np.argsort(np.abs(ak.to_numpy(found.eta)))]
    # radius 5 / (0.3 3.8) = 4.39 m; the chord of 1.29 m leaves the circle's tangent by asin(1.29 / 8.77) = 0.148
    assert down.phi == pytest.approx(1.0 - 0.148, abs=TOWER / 2)
    assert up.phi == pytest.approx(1.0 + 0.148, abs=TOWER / 2)


@pytest.mark.parametrize("pt", [0.8, 2.0, 30.0])
def test_bending_is_a_step_by_step_walk_in_the_field(pt):
    # charge +1 in B along z: momentum turns by -0.3 B / pt radians a metre
    x = y = angle = 0.0
    step = 1e-4
    while math.hypot(x, y) < 1.29:
        x, y, angle = x + step * math.cos(angle), y + step * math.sin(angle), angle - step * 0.3 * 3.8 / pt
    assert CMS_FLOW.bend(np.array([pt]), np.array([1.0]))[0] == pytest.approx(math.atan2(y, x), abs=1e-3)


@pytest.mark.parametrize(("pt", "relative"), [(5.0, 0.012), (100.0, 0.028)])
def test_track_resolution_in_the_centre(pt, relative):
    found = seen(spread(-211, pt, 4000, 0.0), response=CMS_FLOW)[0]
    tracks = ak.to_numpy(found.pt[found.charge != 0])
    assert np.std(pt / tracks) == pytest.approx(relative, rel=0.06)


def test_one_seed_gives_one_answer():
    event = [particle(code, 5, 0.1 * place, 0.3 * place) for place, code in enumerate([211, -211, 22, 130, 11, 13])]
    assert ak.to_list(seen(event, response=CMS_FLOW, seed=3)) == ak.to_list(seen(event, response=CMS_FLOW, seed=3))
    assert ak.to_list(seen(event, response=CMS_FLOW, seed=3)) != ak.to_list(seen(event, response=CMS_FLOW, seed=4))


def test_levels():
    assert flow_response_of("detector") is CMS_FLOW
    assert flow_response_of("hadron") is flow_response_of("generator") is IDEAL_FLOW
