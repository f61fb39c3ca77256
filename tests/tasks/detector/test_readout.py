"""Hits that are read out, against the noise, resolution and thresholds that are set."""

import numpy as np
import pytest

from tasks.detector.cells import ENDCAP_START, HCAL_START, put, workspace
from tasks.detector.conditions import Conditions
from tasks.detector.geometry import barrel_direction, endcap_mask
from tasks.detector.readout import FULL_READOUT, HCAL_NOISE, HCAL_THRESHOLD, crystals, read_out


def repeated(energies, count, seed=1, time=0.0):
    """Read-outs of the same cells: {cell: GeV} given, (cells, energies, times) of each."""
    cells, rng = workspace(), np.random.default_rng(seed)
    for cell, energy in energies.items():
        put(cells, cell, energy, time)
    return [read_out(cells, crystals(), rng) for _ in range(count)]


def of_cell(found, cell):
    """(energies, times) of one cell where it was read out."""
    rows = [(energy[index == cell], time[index == cell]) for index, energy, time in found]
    return tuple(np.concatenate(column).astype(float) for column in zip(*rows, strict=True))


def barrel(row, column):
    return row * 360 + column


def test_crystals():
    table = crystals()
    members = table.members[table.members >= 0]
    assert sorted(members) == sorted(np.flatnonzero(table.tower >= 0))
    assert len(members) == 170 * 360 + 2 * 7324
    assert (table.members[:2448] >= 0).all()  # 34 x 72 towers of 25
    np.testing.assert_array_equal(table.tower[ENDCAP_START:] >= 0, np.tile(endcap_mask().ravel(), 2))
    for cell in (0, 61199, barrel(87, 359), ENDCAP_START + 5010):
        assert cell in table.members[table.tower[cell]]
    eta, _ = barrel_direction(np.array(3), np.array(0))
    assert table.sine[barrel(3, 17)] == pytest.approx(1 / np.cosh(eta))
    near = table.near
    assert (near >= 0).sum(axis=1).min() == 4  # corners of the endcaps' grid
    for tower in (0, 71, 2376, 2447):  # at the edges in eta; phi has none
        assert (near[tower] >= 0).sum() == 6
    pairs = {(i, j) for i, row in enumerate(near) for j in row if j >= 0}
    assert all((j, i) in pairs for i, j in pairs)


@pytest.mark.parametrize(
    ("cell", "energy", "noise"),
    [(barrel(20, 30), 1.0, 0.040), (barrel(169, 0), 60.0, 0.040), (ENDCAP_START + 5010, 20.0, 0.130)],
)
def test_resolution_in_quadrature(cell, energy, noise):
    measured, _ = of_cell(repeated({cell: energy}, 1500), cell)
    sigma = np.sqrt(0.028**2 * energy + noise**2 + (0.003 * energy) ** 2)
    assert len(measured) == 1500
    assert measured.std() == pytest.approx(sigma, rel=0.08)
    assert measured.mean() == pytest.approx(energy * crystals().response[cell], abs=4 * sigma / np.sqrt(1500))


def test_calibration_is_of_each_crystal_and_never_changes():
    response, cell = crystals().response, np.arange(HCAL_START)
    eta = np.abs(barrel_direction(cell // 360, cell % 360)[0])
    parts = [(cell < ENDCAP_START) & (eta < 1.0), (cell < ENDCAP_START) & (eta > 1.0), cell >= ENDCAP_START]
    for part, spread in zip(parts, (0.005, 0.010, 0.020), strict=True):
        assert response[part].mean() == pytest.approx(1.0, abs=4 * spread / np.sqrt(part.sum()))
        assert response[part].std() == pytest.approx(spread, rel=0.03)
    crystals.cache_clear()
    np.testing.assert_array_equal(crystals().response, response)


def test_time_is_as_sharp_as_the_pulse_is_high():
    cell = barrel(100, 200)
    for energy in (1.0, 20.0):
        _, times = of_cell(repeated({cell: energy}, 1500, time=2.0), cell)
        sigma = np.hypot(35.0 * 0.04 / energy, 0.3)
        assert times.std() == pytest.approx(sigma, rel=0.1)
        assert times.mean() == pytest.approx(2.0, abs=4 * sigma / np.sqrt(1500))


def test_far_from_everything_four_deviations_are_needed():
    cells = {barrel(20, 30): 0.16, barrel(20, 130): 0.05, barrel(20, 230): 0.40}
    found = repeated(cells, 600)
    kept = [len(of_cell(found, cell)[0]) / 600 for cell in cells]
    assert kept[0] == pytest.approx(0.5, abs=0.09)
    assert kept[1] < 0.02
    assert kept[2] == 1.0
    assert min(energy.min(initial=1) for _, energy, _ in found) > 0.16
    assert set().union(*(set(index) for index, _, _ in found)) <= set(cells)


def test_nothing_happens_in_an_empty_detector():
    index, energy, time = repeated({}, 1)[0]
    assert (len(index), len(energy), len(time)) == (0, 0, 0)
    assert (energy.dtype, time.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("row", [87, 2, 168])
@pytest.mark.parametrize("column", [181, 2, 358])
def test_all_crystals_around_a_hot_tower_are_read(row, column):
    found = repeated({barrel(row, column): 30.0}, 60)
    lit = np.zeros((170, 360))
    for index, energy, _ in found:
        assert (np.diff(index) > 0).all()
        assert energy.min() > 0.08
        np.add.at(lit, np.divmod(index, 360), 1)
    lit[row, column] = 0
    near = np.zeros((170, 360), bool)
    rows = range(max(row // 5 - 1, 0) * 5, min(row // 5 + 2, 34) * 5)
    columns = np.arange(column // 5 * 5 - 5, column // 5 * 5 + 10) % 360
    near[np.ix_(rows, columns)] = True
    assert lit[~near].sum() == 0
    assert lit[near].mean() / 60 == pytest.approx(0.02275, abs=0.006)  # two deviations of the noise
    assert len(np.unique(np.nonzero(lit)[1])) >= 14  # on both sides of the seam


def test_energy_in_a_tower_is_transverse_and_summed():
    eta, _ = barrel_direction(np.array(160), np.array(0))
    least = FULL_READOUT * np.cosh(eta) / 2
    for factor, full in ((0.98, False), (1.02, True)):
        found = repeated({barrel(160, 100): factor * least, barrel(161, 101): factor * least}, 20)
        assert (max(len(index) for index, _, _ in found) > 2) == full


def test_an_endcap_tower_is_read_in_its_own_endcap():
    found = repeated({ENDCAP_START + (100 + 52) * 100 + 12: 80.0}, 40)
    cells = np.unique(np.concatenate([index for index, _, _ in found])) - ENDCAP_START
    rows, columns = np.divmod(cells, 100)
    assert rows.min() >= 145
    assert rows.max() < 160
    assert columns.min() >= 5
    assert columns.max() < 20
    assert len(cells) > 50
    assert np.tile(endcap_mask(), (2, 1))[rows, columns].all()


def test_towers_of_the_hcal():
    cell = HCAL_START + 2000
    measured, _ = of_cell(repeated({cell: 10.0}, 1500), cell)
    assert measured.mean() == pytest.approx(10.0, abs=0.03)
    assert measured.std() == pytest.approx(HCAL_NOISE, rel=0.08)
    measured, _ = of_cell(repeated({cell: HCAL_THRESHOLD}, 400), cell)
    assert len(measured) == pytest.approx(200, abs=45)
    assert measured.min() > HCAL_THRESHOLD


def test_conditions_change_noise_and_thresholds_alone():
    cell, energies = barrel(20, 30), {barrel(20, 30): 30.0, barrel(80, 200): 0.05}
    cells, rng = workspace(), np.random.default_rng(3)
    for index, energy in energies.items():
        put(cells, index, energy, 0.0)
    nominal = read_out(cells, crystals(), rng)
    bare = read_out(cells, crystals(Conditions(noise=False)), rng)
    # without noise nothing but the particles' own crystals is read, and thresholds stay: 50 MeV is below 160
    assert len(nominal[0]) > len(bare[0]) == 1
    everything = read_out(cells, crystals(Conditions(noise=False, suppression=False)), rng)
    assert everything[0].tolist() == sorted(energies)
    assert everything[1][everything[0] == cell] == pytest.approx(30.0, abs=5 * 0.028 * np.sqrt(30) + 0.3)
    noisy = read_out(cells, crystals(Conditions(suppression=False)), rng)
    barrel_noise = noisy[1][(noisy[0] < ENDCAP_START) & (noisy[0] != cell)].astype(float)
    # half of the crystals fluctuate up; a positive normal number has a mean square of one variance
    assert len(barrel_noise) == pytest.approx(170 * 360 / 2, abs=4 * np.sqrt(170 * 360) / 2)
    assert np.sqrt((barrel_noise**2).mean()) == pytest.approx(0.040, rel=0.02)
    assert str(Conditions(1.1, noise=False)) == "detector: 1.1 times the material, no noise"
    assert str(Conditions()) == ""
