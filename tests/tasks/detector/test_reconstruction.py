import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.detector.particles import final
from tasks.detector.reconstruction import Cuts, missing_energy, reconstruct
from tasks.detector.response import CMS
from tasks.events import KINDS
from tests.tasks.hand_made import collisions, particle


def found_in(*events, level="hadron", seed=0):
    return reconstruct(collisions(*events), level, Cuts(), np.random.default_rng(seed))


def kinds(objects):
    return [[KINDS[kind] for kind in event] for event in ak.to_list(objects.kind)]


# --- missing energy --------------------------------------------------------------------------------------------------

momenta = st.tuples(
    st.sampled_from([11, 13, 22, 211, 12, -14, 16, 511]),
    st.floats(0.1, 200),
    st.floats(-7, 7),
    st.floats(-math.pi, math.pi),
)


@given(st.lists(st.lists(momenta, max_size=8), min_size=1, max_size=4))
@settings(deadline=None, max_examples=30)
def test_ideal_missing_energy_balances_what_is_seen(rows):
    events = [[particle(*values) for values in event] for event in rows]
    met = ak.to_list(found_in(*events).met)
    for event, values, (one,) in zip(events, rows, met, strict=True):
        seen = [
            (p[2], p[3]) for p, v in zip(event, values, strict=True) if abs(v[0]) not in (12, 14, 16) and abs(v[2]) < 5
        ]
        x, y = (-math.fsum(axis) for axis in (zip(*seen, strict=True) if seen else ((), ())))
        assert [one["pt"] * math.cos(one["phi"]), one["pt"] * math.sin(one["phi"])] == pytest.approx([x, y], abs=1e-6)


def test_ideal_missing_energy_is_the_neutrinos_of_a_balanced_event():
    visible = [particle(13, 40, 0.3, 0.5), particle(211, 60, -1.2, 2.5), particle(22, 5, 3.0, -1.0)]
    px, py = (sum(row[axis] for row in visible) for axis in (2, 3))
    share = 0.25
    neutrinos = [
        particle(-14, math.hypot(part * px, part * py), 1.0, math.atan2(-py, -px)) for part in (share, 1 - share)
    ]
    met = found_in([*visible, *neutrinos]).met[0, 0]
    assert met.pt == pytest.approx(math.hypot(px, py))
    assert [math.cos(met.phi), math.sin(met.phi)] == pytest.approx([-px / math.hypot(px, py), -py / math.hypot(px, py)])
    assert [met.eta, met.mass, met.charge] == [0, 0, 0]


@pytest.mark.parametrize(("eta", "lost"), [(3.0, 1.0), (1.0, 0.05)])
def test_a_muon_that_is_missed_is_missing_energy_and_in_no_jet(eta, lost):
    n = 2000
    found = found_in(*[[particle(13, 60, eta, 1.0), particle(11, 60, -1.0, 1.0 - math.pi)]] * n, level="detector")
    missed = ak.to_numpy(~ak.any(found.leptons.kind == KINDS.index("muon"), axis=1))
    electron = ak.to_numpy(ak.any(found.leptons.kind == KINDS.index("electron"), axis=1))
    assert missed.mean() == pytest.approx(lost, abs=4 * math.sqrt(lost * (1 - lost) / n))
    assert ak.to_numpy(found.met.pt[missed & electron, 0]) == pytest.approx(60, abs=12)
    assert ak.to_numpy(found.met.pt[~missed & electron, 0]) == pytest.approx(0, abs=12)
    assert ak.all(abs(found.jets.phi[missed] - 1.0) > 1)  # an electron that is missed is a jet, the muon is none


def test_soft_energy_smears_missing_energy_by_its_root():
    # 40 pions of 2 GeV, all round: scalar sum 80 GeV, no jet; sigma in x and y is 0.5 sqrt(80)
    n = 4000
    event = [particle(211, 2.0, 0.05 * i, 2 * math.pi * i / 40) for i in range(40)]
    particles = final(collisions(*[event] * n))
    nothing = ak.zip({"pt": particles.pt[:, :0], "phi": particles.phi[:, :0]})
    met = missing_energy(particles, nothing, nothing, CMS, np.random.default_rng(0))[:, 0]
    for axis in (np.cos, np.sin):
        part = ak.to_numpy(met.pt * axis(met.phi))
        assert part.mean() == pytest.approx(0, abs=4 * 0.5 * math.sqrt(80 / n))
        assert part.std() == pytest.approx(0.5 * math.sqrt(80), rel=4 / math.sqrt(2 * n))


def test_mismeasured_objects_move_missing_energy_against_themselves():
    particles = final(collisions([particle(211, 100, 0.0, 0.0), particle(211, 100, 0.0, math.pi)]))
    true = ak.zip({"pt": ak.Array([[100.0, 100.0]]), "phi": ak.Array([[0.0, math.pi]])})
    seen = ak.zip({"pt": ak.Array([[110.0, 100.0]]), "phi": ak.Array([[0.0, math.pi]])})
    met = missing_energy(particles, true, seen, CMS, np.random.default_rng(0))[0, 0]  # no soft energy is left over
    assert met.pt == pytest.approx(10)
    assert abs(met.phi) == pytest.approx(math.pi)


# --- jets and leptons ------------------------------------------------------------------------------------------------


def test_a_jet_close_to_an_isolated_lepton_is_dropped():
    muon = particle(13, 300)
    found = found_in(
        [muon, particle(211, 40, 0.25)],
        [muon, particle(211, 40, 0.35)],
        [particle(13, 30, 0.0, 3.0), particle(211, 40, 0.25)],
    )
    assert ak.to_list(ak.num(found.leptons.pt)) == [1, 1, 1]
    assert ak.to_list(ak.num(found.jets.pt)) == [0, 1, 1]


def test_an_isolated_lepton_is_in_no_jet_and_another_one_is():
    found = found_in([particle(13, 60)], [particle(13, 40), particle(211, 40, 0.2)])
    assert ak.to_list(ak.num(found.jets.pt)) == [0, 1]
    assert found.jets.pt[1, 0] == pytest.approx(80)


def test_cuts_on_jets():
    rows = [particle(211, pt, eta, phi) for pt, eta, phi in ((29, 0, 0), (31, 0, 2), (50, 2.39, -2), (50, 2.41, -1))]
    assert ak.to_list(found_in(rows).jets.eta[0]) == pytest.approx([2.39, 0])


def test_b_jets_come_from_bottom_near_a_jet():
    bottom = particle(-521, 45, 0.1, 0.0, status=-83)
    found = found_in([particle(211, 50), bottom], [particle(211, 50, 2.0), bottom])
    assert kinds(found.jets) == [["bjet"], ["jet"]]


def test_quarks_are_jets_where_hadronisation_is_off():
    rows = [particle(5, 50), particle(21, 40, 0.0, 2.0), particle(-13, 30, 1.0, -2.0), particle(14, 35, 0.0, -1.0)]
    found = found_in(rows, level="generator")
    assert kinds(found.jets) == [["bjet", "jet"]]
    assert kinds(found.leptons) == [["muon"]]


@pytest.mark.parametrize("level", ["generator", "hadron", "detector"])
def test_objects_are_typed_and_in_falling_pt(level):
    rng = np.random.default_rng(1)
    codes = (11, -13, 211, 22, 5, 14)
    events = [
        [
            particle(codes[rng.integers(6)], rng.exponential(60), rng.uniform(-3, 3), rng.uniform(-3.1, 3.1))
            for _ in range(8)
        ]
        for _ in range(60)
    ]
    found = found_in(*events, [], level=level)
    objects = found.objects()
    assert objects.fields == ["pt", "eta", "phi", "mass", "charge", "kind"]
    for name in objects.fields[:-1]:
        assert ak.to_numpy(ak.flatten(objects[name])).dtype == np.float32
    assert ak.to_numpy(ak.flatten(objects.kind)).dtype == np.int8
    assert ak.all(objects.pt[:, 1:] <= objects.pt[:, :-1])
    for event, leptons, jets in zip(kinds(objects), ak.num(found.leptons.pt), ak.num(found.jets.pt), strict=True):
        assert event.count("met") == 1
        assert event.count("electron") + event.count("muon") == leptons
        assert event.count("jet") + event.count("bjet") == jets
    charge, kind = ak.to_numpy(ak.flatten(objects.charge)), ak.to_numpy(ak.flatten(objects.kind))
    assert (abs(charge) == (kind <= KINDS.index("muon"))).all()


def test_one_seed_gives_one_answer():
    events = [[particle(13, 50), particle(211, 60, 1.0, 2.0), particle(-14, 50, 0.0, 3.0)]] * 20
    one, same, other = (found_in(*events, level="detector", seed=seed).objects() for seed in (4, 4, 5))
    assert ak.to_list(one) == ak.to_list(same)
    assert ak.to_list(one) != ak.to_list(other)
