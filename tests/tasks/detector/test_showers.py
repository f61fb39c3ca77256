"""Showers against the test beam, the Gamma profile, closed forms of their width, and symmetries."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.core.compiled import stamp
from tasks.detector import showers as module
from tasks.detector.cells import ENDCAP_START, HCAL_START, clear, lit, put, workspace
from tasks.detector.geometry import CRYSTAL, RADIUS
from tasks.detector.showers import (
    ATOMIC,
    CRITICAL,
    HADRON_CONSTANT,
    HADRON_STOCHASTIC,
    TILT,
    X0,
    _cloud,
    _shower,
    electromagnetic,
    entry,
    hadronic,
    minimum_ionising,
)
from tests.tasks.detector.states import at_face, barrel, hcal

PITCH = 2 * np.pi / 360


def showers(state, count, seed):
    """`count` showers of one electron or photon: barrel energies of each, (count, 170, 360)."""
    cells, rng, images = workspace(), np.random.default_rng(seed), []
    for _ in range(count):
        electromagnetic(state, cells, rng)
        images.append(barrel(cells))
        clear(cells)
    return np.array(images)


def containment(images):
    """Mean energies in 1, 3 x 3 and 5 x 5 crystals around the hottest."""
    found = []
    for image in images:
        i, j = np.unravel_index(image.argmax(), image.shape)
        found.append([image[i - n : i + n + 1, j - n : j + n + 1].sum() for n in range(3)])
    return np.mean(found, axis=0)


def test_cells_add_up_and_are_cleared():
    cells = workspace()
    for index, energy, time in ((7, 1.0, 2.0), (3, 2.0, 0.0), (7, 3.0, 6.0), (9, 0.0, 1.0), (9, 0.0, 1.0)):
        put(cells, index, energy, time)
    index, energy, time = lit(cells)
    assert (index.tolist(), energy.tolist(), time.tolist()) == ([3, 7], [2.0, 4.0], [0.0, 5.0])
    clear(cells)
    assert [len(column) for column in lit(cells)] == [0, 0, 0]
    assert not cells.energy.any()
    assert not cells.energy_time.any()


@pytest.mark.parametrize("charge", [0.0, -1.0])
@pytest.mark.parametrize("eta", [0.02, -1.3, 1.9, -2.5])
def test_all_energy_of_a_shower_arrives(eta, charge):
    cells, rng = workspace(), np.random.default_rng(1)
    for _ in range(10):
        electromagnetic(at_face(40.0, eta, 3.1, charge), cells, rng)
    energy = cells.energy.sum()
    assert energy == pytest.approx(400.0, rel=0.01)
    assert energy <= 400.0 * (1 + 1e-9)
    assert cells.energy[HCAL_START:].sum() < 0.02 * energy
    in_endcap = cells.energy[ENDCAP_START:HCAL_START].sum()
    assert in_endcap == 0.0 if abs(eta) < 1.4 else in_endcap > 0.95 * energy
    assert cells.energy.min() >= 0.0


@pytest.mark.parametrize("energy", [20.0, 50.0, 120.0])
def test_containment_at_the_centre_of_a_crystal(energy):
    # CMS test beam: JINST 2 (2007) P04004. The axis passes the centre at the depth of the maximum, 7 cm.
    deep = 0.07 * TILT / RADIUS
    state = at_face(energy, 20.5 * CRYSTAL - deep, 40.5 * PITCH - deep, -1.0)
    one, nine, all25 = containment(showers(state, 30, 2)) / energy
    assert 0.75 < one < 0.82
    assert nine > 0.92
    assert all25 > 0.955


def test_off_centre_the_hottest_crystal_has_less():
    means = [
        containment(showers(at_face(30.0, (20 + x) * CRYSTAL, (40 + y) * PITCH, -1.0), 8, 3)) / 30.0
        for x in (0.05, 0.35, 0.65, 0.95)
        for y in (0.05, 0.35, 0.65, 0.95)
    ]
    one, nine, all25 = np.mean(means, axis=0)
    assert 0.45 < one < 0.72
    assert nine > 0.91
    assert all25 > 0.955


@pytest.mark.parametrize("energy", [5.0, 50.0])
def test_longitudinal_profile_is_the_mean_gamma(energy):
    cells, rng = workspace(), np.random.default_rng(4)
    # columns as thin as a radiation length, along a slope so steep that the shower's width does not count
    place = (True, True, 85.5, 20.0, 0.0, 1e-6 / X0, 0.0, 1e6, 0.0, 0.0, 0.0)
    for _ in range(100):
        _shower(energy, 0.0, place, cells, rng)
    profile = barrel(cells)[85]
    assert profile.sum() + hcal(cells).sum() == pytest.approx(100 * energy)
    assert profile[:20].sum() == 0
    depth = np.arange(360) + 0.5 - 20
    # mean parameters of hep-ex/0001020, equations 5 to 8
    scale = np.log(energy / CRITICAL)
    deepest, shape = scale - 0.812, 0.81 + (0.458 + 2.26 / ATOMIC) * scale
    stretch = deepest / (shape - 1)
    fine = np.linspace(0.001, 25.8, 5000)
    gamma = fine ** (shape - 1) * np.exp(-fine / stretch)
    assert np.average(depth, weights=profile) == pytest.approx(np.average(fine, weights=gamma), rel=0.06)
    assert depth[profile.argmax()] == pytest.approx(deepest, abs=1.5)


def test_photons_start_deeper():
    means = []
    for charge in (-1.0, 0.0):
        images = showers(at_face(20.0, 0.0001, 0.5 * PITCH, charge, turned=0.2), 150, 5).mean(axis=0)
        columns = np.arange(150, 215)
        shift = np.average(columns + 0.5, weights=images[:, 150:215].sum(axis=0)) - 180.5
        means.append(shift * RADIUS * PITCH / (np.tan(0.2) + TILT) / X0)
    assert means[0] == pytest.approx(8.8, abs=1.0)
    assert 0.2 < means[1] - means[0] < 1.5


def box(x, y, a):
    """The integral of a^2 / pi / (r^2 + a^2)^2 over [-x, x] x [-y, y]."""
    p, q = np.hypot(x, a), np.hypot(y, a)
    return 2 / np.pi * (x / p * np.arctan(y / p) + y / q * np.arctan(x / q))


def test_the_lateral_curve_in_closed_form():
    cells, rng, spread = workspace(), np.random.default_rng(6), 0.03
    place = (True, True, 85.5, 180.5, 50.0, 50.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # cells of 2 cm
    for _ in range(200):
        _cloud(38.0, spread, place, True, cells, rng)
    image = barrel(cells) / (200 * 38.0)
    for n in range(4):
        expected, half = box(0.01 + 0.02 * n, 0.01 + 0.02 * n, spread), n
        found = image[85 - half : 86 + half, 180 - half : 181 + half].sum()
        assert found == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 40_000))
    # the same in all four quarters
    quarters = [image[:85, :180], image[:85, 181:], image[86:, :180], image[86:, 181:]]
    assert [quarter.sum() for quarter in quarters] == pytest.approx(
        [np.mean([q.sum() for q in quarters])] * 4, abs=0.01
    )


@pytest.mark.parametrize("energy", [50.0, 120.0])
def test_lateral_profile_is_that_of_the_mean_shower(energy):
    cells, rng = workspace(), np.random.default_rng(14)
    place = (True, True, 85.5, 180.5, 1 / 0.0225, 1 / 0.0225, 0.0, 0.0, 0.0, 0.0, 0.0)  # cells of 2.25 cm
    for _ in range(100):
        _shower(energy, 0.0, place, cells, rng)
    image = barrel(cells) / (100 * energy)
    # hep-ex/0001020, equations 22 to 27 and 5 to 8, at the mean shape
    z, log = 68.4, np.log(energy)
    scale = np.log(energy / 9.64e-3)
    deepest, shape = scale - 0.812, 0.81 + (0.458 + 2.26 / z) * scale
    depth = np.linspace(0.05, 25.8, 200)
    weight = depth ** (shape - 1) * np.exp(-depth * (shape - 1) / deepest)
    tau = depth / deepest
    core = 0.0251 + 0.00319 * log + (0.1162 - 0.000381 * z) * tau
    tail = (0.659 - 0.00309 * z) * (np.exp(-2.59 * (tau - 0.645)) + np.exp((0.3585 + 0.0421 * log) * (tau - 0.645)))
    bend = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log)
    in_core = (2.632 - 0.00094 * z) * np.exp(bend - np.exp(bend))
    for n in range(3):
        half = 0.0225 * (n + 0.5)
        held = in_core * box(half, half, 0.022 * core) + (1 - in_core) * box(half, half, 0.022 * tail)
        found = image[85 - n : 86 + n, 180 - n : 181 + n].sum()
        assert found == pytest.approx(np.average(held, weights=weight), abs=0.012)


@pytest.mark.parametrize("turns", [7, 90, 195])
def test_a_turned_electron_has_a_turned_shower(turns):
    whole = [showers(at_face(10.0, 0.4, (3.2 + k) * PITCH, -1.0), 3, 7).sum(axis=0) for k in (0, turns)]
    # spot by spot, but for those that a last bit moves across an edge
    assert np.abs(np.roll(whole[0], turns, axis=1) - whole[1]).sum() < 0.01 * 30


def test_mirrored_electrons_have_mirrored_showers():
    images = [showers(at_face(20.0, sign * 0.4321, 1.0, 1.0), 60, 8).mean(axis=0) for sign in (1, -1)]
    rows = [image.sum(axis=1) for image in images]
    np.testing.assert_allclose(rows[0], rows[1][::-1], atol=0.05 * 20)


def test_entry_slopes_are_against_the_crystal():
    straight = entry(at_face(10.0, 0.9, 2.0))
    assert straight[6:8] == pytest.approx((TILT, TILT))
    assert entry(at_face(10.0, -0.9, 2.0))[6] == pytest.approx(-TILT)
    assert straight[8:] == pytest.approx((0.9, 2.0, 0.0), abs=1e-9)
    assert entry(at_face(10.0, 0.0, 2.0, turned=0.1))[7] == pytest.approx(np.tan(0.1) + TILT)
    far = at_face(10.0, 2.0, 2.0)
    far[-1] += 0.299792458
    assert entry(far)[10] == pytest.approx(1.0)  # ns


@pytest.mark.parametrize("eta", [0.3, 2.0])
def test_muons_leave_a_quarter_gev(eta):
    cells, rng, ecal, behind = workspace(), np.random.default_rng(9), [], []
    for _ in range(200):
        minimum_ionising(at_face(30.0, eta, 1.0, 1.0), cells, rng)
        ecal.append(cells.energy[:HCAL_START].sum())
        behind.append(hcal(cells).sum())
        clear(cells)
    assert 0.2 < np.median(ecal) < 0.4
    assert 1.5 < np.median(behind) < 3.0
    assert min(ecal) > 0.1


@pytest.mark.parametrize("kinetic", [0.3, 2.0, 50.0])
def test_hadrons_have_the_response_and_resolution_that_are_set(kinetic):
    cells, rng, seen = workspace(), np.random.default_rng(10), []
    for _ in range(1000):
        hadronic(at_face(kinetic, 0.2, 1.0, 1.0), kinetic, True, cells, rng)
        seen.append(cells.energy.sum() / kinetic)
        clear(cells)
    width = np.hypot(HADRON_STOCHASTIC / np.sqrt(kinetic), HADRON_CONSTANT)
    assert np.mean(seen) == pytest.approx(1.0, abs=0.01 + 4 * width / np.sqrt(1000))
    assert np.std(seen) == pytest.approx(width, rel=0.15)
    assert min(seen) >= 0


def test_two_hadrons_of_three_start_in_the_ecal():
    cells, rng, early = workspace(), np.random.default_rng(11), []
    for _ in range(400):
        hadronic(at_face(50.0, 0.2, 1.0), 50.0, False, cells, rng)
        early.append(cells.energy[:HCAL_START].sum() / cells.energy.sum())
        clear(cells)
    early = np.array(early)
    assert (early > 0).mean() == pytest.approx(1 - np.exp(-1.1), abs=0.1)
    assert early[early > 0].mean() == pytest.approx(0.4, abs=0.06)


def test_a_hadron_without_energy_leaves_nothing():
    cells, rng = workspace(), np.random.default_rng(12)
    hadronic(at_face(1e-6, 0.2, 1.0, 1.0), 0.0, True, cells, rng)
    assert cells.used[0] == 0


def test_hadrons_at_the_seam_and_in_the_endcap_stay_where_they_are():
    cells, rng = workspace(), np.random.default_rng(13)
    hadronic(at_face(80.0, 0.2, np.pi - 1e-3), 80.0, False, cells, rng)
    columns = hcal(cells).sum(axis=0)
    assert columns[[70, 71, 0, 1]].sum() > 0.7 * columns.sum()
    clear(cells)
    for _ in range(20):
        hadronic(at_face(80.0, -2.2, 1.0), 80.0, False, cells, rng)
    rows = hcal(cells).sum(axis=1)
    assert rows[:10].sum() > 0.85 * rows.sum()
    assert cells.energy.sum() == pytest.approx(1600, rel=0.15)


def test_the_cache_of_kernels_depends_on_the_constants_of_the_detector():
    assert entry._cache._cache_file._source_stamp == stamp(Path(module.__file__))
