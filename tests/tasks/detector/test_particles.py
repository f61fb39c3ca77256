import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.detector.particles import cylindrical, delta_r, final, heavy_flavour
from tests.tasks.hand_made import collisions, particle

angles = st.floats(-math.pi, math.pi)
etas = st.floats(-5, 5)
directions = st.lists(st.tuples(etas, angles), max_size=4)


@given(st.floats(0.1, 1000), etas, angles)
@settings(deadline=None)
def test_cylindrical_undoes_cartesian(pt, eta, phi):
    px, py, pz = (np.array([part]) for part in (pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)))
    found = [float(part[0]) for part in cylindrical(px, py, pz)]
    assert found[:2] == pytest.approx([pt, eta], rel=1e-9, abs=1e-9)
    assert math.cos(found[2] - phi) == pytest.approx(1)
    theta = math.acos(float(pz[0]) / math.hypot(pt, float(pz[0])))
    assert found[1] == pytest.approx(-math.log(math.tan(theta / 2)), abs=1e-6)


def test_eta_is_finite_along_the_beam():
    pt, eta, _ = cylindrical(np.zeros(3), np.zeros(3), np.array([3500.0, -3500.0, 0.0]))
    assert pt.tolist() == [0, 0, 0]
    assert np.isfinite(eta).all()
    assert eta[0] > 20
    assert eta[1] == -eta[0]


def axes(events):
    """Lists of {eta, phi} of lists of (eta, phi)."""
    flat = np.array([axis for event in events for axis in event], dtype=np.float64).reshape(-1, 2)
    return ak.unflatten(ak.zip({"eta": flat[:, 0], "phi": flat[:, 1]}), [len(event) for event in events])


@given(st.lists(st.tuples(directions, directions), min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_delta_r_is_the_shortest_way_round(rows):
    found = ak.to_list(delta_r(axes([a for a, _ in rows]), axes([b for _, b in rows])))
    for (a, b), event in zip(rows, found, strict=True):
        assert len(event) == len(a)
        for one, row in zip(a, event, strict=True):
            # all ways round the cylinder, the shortest of them
            turns = (-2 * math.pi, 0, 2 * math.pi)
            wanted = [min(math.hypot(one[0] - x[0], one[1] - x[1] + turn) for turn in turns) for x in b]
            assert row == pytest.approx(wanted, abs=1e-9)


def test_delta_r_across_the_seam():
    found = delta_r(axes([[(0.0, math.pi - 0.1)]]), axes([[(0.0, -math.pi + 0.1)]]))
    assert ak.to_list(found)[0][0] == pytest.approx([0.2])


def test_final_particles_and_which_are_visible():
    events = collisions(
        [
            particle(24, 50, status=-62),
            particle(13, 30, 1.0, 2.0),
            particle(-14, 20),
            particle(22, 5, 4.9),
            particle(211, 5, -5.1),
            particle(12, 9),
            particle(16, 9),
        ],
        [],
        [particle(2212, 1, 0, 3.0)],
    )
    found = final(events)
    assert ak.to_list(found.pdg_id) == [[13, -14, 22, 211, 12, 16], [], [2212]]
    assert ak.to_list(found.visible) == [[True, False, True, False, False, False], [], [True]]
    muon = found[0][0]
    assert [muon.pt, muon.eta, muon.phi] == pytest.approx([30, 1, 2])


# PDG codes: hadron by hadron from the numbering scheme of the Review of Particle Physics, with the heaviest quark
FLAVOURS = {
    **dict.fromkeys((511, 521, 531, 541, 513, 523, 533, 515, 10511, 10513, 20513, 551, 553, 100553, 200553), 5),
    **dict.fromkeys((5122, 5112, 5212, 5222, 5132, 5232, 5332, 5114, 5224, 5142), 5),
    **dict.fromkeys((411, 421, 431, 413, 423, 433, 415, 10411, 10413, 20413, 441, 443, 445, 10441, 20443, 100443), 4),
    **dict.fromkeys((4122, 4112, 4222, 4132, 4232, 4332, 4224, 14122), 4),
    **dict.fromkeys((211, 111, 130, 310, 311, 321, 333, 9010221, 10311, 100331, 2212, 2112, 3122, 3334, 3212), 0),
    **dict.fromkeys((1, 4, 5, 6, 11, 13, 15, 21, 22, 23, 24, 25, 990), 0),
}


@pytest.mark.parametrize(("code", "flavour"), FLAVOURS.items())
def test_flavour_of_hadrons(code, flavour):
    found = heavy_flavour(collisions([particle(code, 20), particle(-code, 20)]), hadronised=True)
    assert ak.to_list(found.flavour) == [[flavour, flavour] if flavour else []]


def test_decayed_hadrons_count_and_soft_ones_do_not():
    events = collisions(
        [particle(511, 4.9, status=-83), particle(-521, 5.1, 1.0, 2.0, status=-83)], [], [particle(421, 9)]
    )
    found = heavy_flavour(events, hadronised=True)
    assert ak.to_list(found.flavour) == [[5], [], [4]]
    assert [found[0][0].eta, found[0][0].phi] == pytest.approx([1.0, 2.0])


def test_without_hadrons_the_last_quarks_count():
    rows = [particle(5, 40, status=-23), particle(5, 30), particle(-4, 20), particle(3, 20), particle(511, 20)]
    assert ak.to_list(heavy_flavour(collisions(rows), hadronised=False).flavour) == [[5, 4]]
