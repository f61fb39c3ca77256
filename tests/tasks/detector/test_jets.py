import math

import awkward as ak
import numpy as np
import pytest

from tasks.detector.jets import RADIUS, cluster, flavour, smeared
from tasks.detector.particles import final
from tasks.detector.response import CMS, IDEAL, response_of, smear
from tasks.events import KINDS
from tests.tasks.hand_made import collisions, particle


def jets_of(*events):
    return cluster(final(collisions(*events)))


def anti_kt(particles, radius):
    """The algorithm as the paper states it (JHEP 04 (2008) 063), in plain loops; four-vectors (px, py, pz, e)."""
    left, jets = [np.array(p) for p in particles], []

    def pt2(p):
        return p[0] ** 2 + p[1] ** 2

    def distance2(a, b):
        rapidity = [0.5 * math.log((p[3] + p[2]) / (p[3] - p[2])) for p in (a, b)]
        turn = abs(math.atan2(a[1], a[0]) - math.atan2(b[1], b[0]))
        return (rapidity[0] - rapidity[1]) ** 2 + min(turn, 2 * math.pi - turn) ** 2

    while left:
        beam = [(1 / pt2(p), i, i) for i, p in enumerate(left)]
        both = [
            (min(1 / pt2(a), 1 / pt2(b)) * distance2(a, b) / radius**2, i, j)
            for i, a in enumerate(left)
            for j, b in enumerate(left[:i])
        ]
        _, i, j = min(beam + both)
        first = left.pop(i)
        if i == j:
            jets.append(first)
        else:
            left[j] = left[j] + first
    return sorted(jets, key=pt2, reverse=True)


def test_two_near_particles_are_one_jet_and_far_ones_are_two():
    jets = jets_of(
        [particle(211, 40, 0.0, 0.0), particle(211, 30, 0.0, 0.4)],
        [particle(211, 30, 0.0, 0.0), particle(211, 40, 0.0, 0.6)],
        [particle(211, 40, 0.0, math.pi - 0.1), particle(211, 30, 0.0, -math.pi + 0.1)],
    )
    assert ak.to_list(ak.num(jets.pt)) == [1, 2, 1]
    # massless, both at eta = 0: m^2 = 2 pt1 pt2 (1 - cos 0.4), pt^2 = pt1^2 + pt2^2 + 2 pt1 pt2 cos 0.4
    assert jets.mass[0, 0] == pytest.approx(math.sqrt(2 * 40 * 30 * (1 - math.cos(0.4))))
    assert jets.pt[0, 0] == pytest.approx(math.sqrt(1600 + 900 + 2400 * math.cos(0.4)))
    assert ak.to_list(jets.pt[1]) == pytest.approx([40, 30])
    assert ak.to_list(jets.phi[1]) == pytest.approx([0.6, 0])
    assert abs(jets.phi[2, 0]) == pytest.approx(math.pi, abs=0.1)


def test_soft_jets_are_dropped_and_events_may_be_empty():
    jets = jets_of([particle(211, 9.9)], [], [particle(211, 10.1)])
    assert ak.to_list(ak.num(jets.pt)) == [0, 0, 1]
    assert ak.to_list(ak.num(jets_of([], []).pt)) == [0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_jets_are_those_of_a_plain_anti_kt(seed):
    rng = np.random.default_rng(seed)
    rows = [
        particle(211, pt, eta, phi, mass=0.14)
        for pt, eta, phi in zip(
            rng.exponential(20, 30) + 1, rng.uniform(-2, 2, 30), rng.uniform(-np.pi, np.pi, 30), strict=True
        )
    ]
    wanted = [p for p in anti_kt([row[2:] for row in rows], RADIUS) if math.hypot(p[0], p[1]) > 10]
    found = jets_of(rows)[0]
    vectors = np.stack([ak.to_numpy(found[axis]) for axis in ("px", "py", "pz", "e")], axis=1)
    assert vectors == pytest.approx(np.array(wanted), rel=1e-6, abs=1e-6)


def test_flavour_is_the_heaviest_near_the_axis():
    jets = ak.zip({"eta": ak.Array([[0.0, 2.0, -2.0], []]), "phi": ak.Array([[0.0, 0.0, 0.0], []])})
    heavy = ak.zip(
        {
            "eta": ak.Array([[0.1, -0.1, 2.2, -1.4], [0.0]]),
            "phi": ak.Array([[0.0, 0.0, 0.3, 0.0], [0.0]]),
            "flavour": ak.Array([[5, 4, 4, 5], [5]]),
        }
    )
    assert ak.to_list(flavour(jets, heavy)) == [[5, 4, 0], []]
    assert ak.to_list(flavour(jets, heavy[:, :0])) == [[0, 0, 0], []]


# --- response --------------------------------------------------------------------------------------------------------


def sample(pt, count, seed=3):
    """`count` equal jets, measured; two an event."""
    ones = np.ones(count)
    rows = ak.zip({"pt": pt * ones, "eta": 0.5 * ones, "phi": 3.14 * ones, "mass": 0.1 * pt * ones})
    return ak.unflatten(rows, np.full(count // 2, 2)), np.random.default_rng(seed)


@pytest.mark.parametrize(("pt", "width"), [(30.0, 0.1325), (100.0, 0.0783), (1000.0, 0.0414)])
def test_jet_energy_has_the_width_of_the_formula(pt, width):
    n = 20_000
    jets, rng = sample(pt, n)
    found = smeared(jets, ak.zeros_like(jets.pt), CMS, rng)
    ratio = ak.to_numpy(ak.flatten(found.pt)) / pt
    assert width == pytest.approx(math.hypot(0.70 / math.sqrt(pt), 0.035), rel=2e-3)
    assert CMS.jet_resolution(np.array([pt]))[0] == pytest.approx(width, rel=1e-3)
    assert ratio.mean() == pytest.approx(1, abs=4 * width / math.sqrt(n))
    assert ratio.std() == pytest.approx(width, rel=4 / math.sqrt(2 * n))
    assert ak.to_numpy(ak.flatten(found.mass)) == pytest.approx(0.1 * pt * ratio)  # the mass scales with the energy
    eta, phi = (ak.to_numpy(ak.flatten(found[axis])) for axis in ("eta", "phi"))
    assert eta.std() == pytest.approx(0.02, rel=4 / math.sqrt(2 * n))
    assert (abs(phi) <= math.pi).all()
    assert (phi < 0).any()  # folded over the seam


@pytest.mark.parametrize(("code", "rate"), [(0, 0.015), (4, 0.20), (5, 0.70)])
def test_b_tags_have_their_rates(code, rate):
    n = 20_000
    jets, rng = sample(50.0, n)
    found = smeared(jets, ak.full_like(jets.pt, code, dtype=np.int64), CMS, rng)
    kinds = ak.to_numpy(ak.flatten(found.kind))
    assert set(kinds) == {KINDS.index("jet"), KINDS.index("bjet")}
    assert (kinds == KINDS.index("bjet")).mean() == pytest.approx(rate, abs=4 * math.sqrt(rate * (1 - rate) / n))


def test_an_ideal_detector_changes_nothing():
    jets, rng = sample(50.0, 20)
    codes = ak.unflatten(np.tile([0, 4, 5, 5], 5), np.full(10, 2))
    found = smeared(jets, codes, IDEAL, rng)
    for name in ("pt", "eta", "phi", "mass"):
        assert ak.to_numpy(ak.flatten(found[name])) == pytest.approx(ak.to_numpy(ak.flatten(jets[name])))
    tagged = ak.to_numpy(ak.flatten(found.kind)) == KINDS.index("bjet")
    assert tagged.tolist() == np.tile([False, False, True, True], 5).tolist()


def test_levels_and_their_detectors():
    assert response_of("detector") is CMS
    assert response_of("hadron") is response_of("generator") is IDEAL


def test_smearing_never_turns_a_value_round_and_draws_alike_for_every_resolution():
    values = np.full(1000, 10.0)
    assert smear(values, np.full(1000, 5.0), np.random.default_rng(0)).min() == pytest.approx(1.0)
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    smear(values, np.zeros(1000), one)
    smear(values, np.ones(1000), other)
    assert one.random() == other.random()
