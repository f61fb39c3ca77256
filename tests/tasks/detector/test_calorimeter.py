"""Particles on their way to the calorimeters, and whole events: from particles to the columns of the table."""

import awkward as ak
import numpy as np
import pytest

from tasks.detector.calorimeter import GAMMA, HADRON, MUON, NEUTRAL, columns, deposits, hits, incoming_of
from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL, Deposits
from tasks.detector.overlay import MinimumBias
from tasks.detector.particles import final
from tasks.detector.pileup import PileUp, vertices
from tasks.detector.tracker import CHARGE, PHI, PT, PZ, Z
from tests.tasks.hand_made import collisions, particle

PROTON = 0.938272
EVENTS = (
    [particle(11, 40.0, 0.3, 1.0), particle(211, 20.0, -2.0, 2.0, mass=0.14)],
    [],
    [particle(12, 30.0)],
    [particle(22, 30.0, 1.8, -3.0), particle(13, 25.0, -0.5, 0.0), particle(2112, 10.0, 0.9, 3.1, mass=0.94)],
)


def made(events=EVENTS, seed=1, simulate=hits, **options):
    rng = np.random.default_rng(seed)
    vertex = vertices(len(events), rng)
    return simulate(incoming_of(final(collisions(*events)), vertex), rng, **options)


@pytest.mark.parametrize("simulate", [deposits, hits])
def test_cells_are_sorted_and_sane(simulate):
    found = made(simulate=simulate)
    assert len(found) == len(EVENTS)
    assert found.offsets[0] == 0
    assert found.offsets[-1] == len(found.cell) == len(found.energy) == len(found.time)
    for start, stop in zip(found.offsets, found.offsets[1:], strict=False):
        assert (np.diff(found.cell[start:stop]) > 0).all()
    assert found.cell.min() >= 0
    assert found.cell.max() < TOTAL
    assert found.energy.min() > 0
    assert np.isfinite(found.energy).all()
    assert np.isfinite(found.time).all()
    assert (found.cell.dtype, found.energy.dtype, found.time.dtype) == (np.int32, np.float32, np.float32)
    assert np.diff(found.offsets)[[1, 2]].tolist() == [0, 0]


def test_the_same_seed_gives_the_same_hits():
    first, again, other = made(), made(), made(seed=2)
    for name in ("offsets", "cell", "energy", "time"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.energy.tobytes() != other.energy.tobytes()


def test_deposits_are_the_energies_of_the_particles():
    events = [[particle(22, 30.0, eta, 1.0)] for eta in (-2.5, -1.0, 0.0, 1.2, 2.0)] * 4
    found = made(events, simulate=deposits)
    total = np.add.reduceat(found.energy, found.offsets[:-1])
    expected = np.tile(30 * np.cosh([-2.5, -1.0, 0.0, 1.2, 2.0]), 4)
    assert np.median(np.abs(total / expected - 1)) < 0.01
    assert (total <= expected * (1 + 1e-4)).all()


def test_no_events_and_empty_events():
    for events in ((), ([],), ([], [])):
        table = columns(made(events))
        assert {name: ak.num(column.energy).tolist() for name, column in table.items()} == dict.fromkeys(
            ("ecal", "ecal_endcap", "hcal"), [0] * len(events)
        )
        assert table["ecal"].type.content.content == columns(made())["ecal"].type.content.content


def test_columns_of_the_table():
    cells = np.array([0, 61199, ENDCAP_START + 10101, HCAL_START + 73, 360, HCAL_START], np.int32)
    energy = np.arange(1, 7, dtype=np.float32)
    table = columns(Deposits(np.array([0, 4, 4, 6]), cells, energy, energy / 10))
    assert table["ecal"].to_list()[0] == [
        {"row": 0, "column": 0, "energy": 1.0, "time": pytest.approx(0.1)},
        {"row": 169, "column": 359, "energy": 2.0, "time": pytest.approx(0.2)},
    ]
    assert table["ecal"].row.tolist() == [[0, 169], [], [1]]
    assert (table["ecal_endcap"].row.tolist(), table["ecal_endcap"].column.tolist()) == ([[101], [], []], [[1], [], []])
    assert table["hcal"].to_list() == [
        [{"row": 1, "column": 1, "energy": 4.0}],
        [],
        [{"row": 0, "column": 0, "energy": 6.0}],
    ]
    assert str(table["ecal"].type) == "3 * var * {row: int16, column: int16, energy: float32, time: float32}"


def test_pile_up_comes_on_top():
    one = Deposits(np.array([0, 1]), np.array([1000], np.int32), np.array([9.0], np.float32), np.zeros(1, np.float32))
    pileup = PileUp(((1.0, 2.0),), MinimumBias(one, ak.Array([[]]), np.zeros(1)))
    found = made([[]] * 300, pileup=pileup.draw(300, np.random.default_rng(1)))
    hot = found.energy[found.energy > 5]
    assert hot.sum() / 9.0 / 300 == pytest.approx(2.0, abs=0.4)


def of(*events):
    return incoming_of(final(collisions(*events)), 0.01 * np.arange(len(events)))


@pytest.mark.parametrize(
    ("pdg_id", "mass", "seen", "charge", "more"),
    [
        (22, 0.0, GAMMA, 0, 0.0),
        (11, 0.0, GAMMA, -1, 0.0),
        (-11, 0.0, GAMMA, 1, 0.0),
        (13, 0.1057, MUON, -1, 0.1057),
        (211, 0.1396, HADRON, 1, 0.1396),
        (-321, 0.4937, HADRON, -1, 0.4937),
        (2212, PROTON, HADRON, 1, 0.0),
        (-2212, PROTON, HADRON, -1, 2 * PROTON),
        (2112, 0.9396, NEUTRAL, 0, 0.0),
        (130, 0.4976, NEUTRAL, 0, 0.4976),
    ],
)
def test_energy_visible_in_the_calorimeters(pdg_id, mass, seen, charge, more):
    found = of([particle(pdg_id, 3.0, 1.0, 0.5, mass=mass)])
    assert (found.kind[0], found.states[0, CHARGE]) == (seen, charge)
    assert found.states[0, [PHI, PT, PZ]] == pytest.approx((0.5, 3.0, 3.0 * np.sinh(1.0)))
    kinetic = np.hypot(3.0 * np.cosh(1.0), mass) - mass
    assert found.kinetic[0] == pytest.approx(kinetic + more, abs=1e-6)


def test_neutrinos_and_forward_particles_are_left_out():
    found = of([particle(14, 9.0), particle(211, 9.0, 4.0), particle(22, 9.0, 0.1)], [], [particle(12, 5.0)])
    assert found.offsets.tolist() == [0, 1, 1, 1]
    assert found.kind.tolist() == [GAMMA]


def test_an_event_has_one_vertex():
    found = of([particle(22, 9.0), particle(12, 9.0), particle(211, 9.0)], [], [particle(22, 9.0)] * 3)
    assert found.states[:, Z].tolist() == [0.0, 0.0, 0.02, 0.02, 0.02]


def test_no_particles_at_all():
    assert of([], []).offsets.tolist() == [0, 0, 0]
    assert len(of([], []).states) == 0
