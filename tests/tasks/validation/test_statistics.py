"""Numbers measured in samples whose truth is known."""

import math

import numpy as np
import pytest

from tasks.dimuon.classes import WINDOWS, label_of
from tasks.dimuon.validation import EDGE_BIN, edge_pull, edges
from tasks.ttbar.validation import half_height
from tasks.validation.figure import Axis, Check, spectrum
from tasks.validation.generic import azimuthal, forward_backward, scalar, whole_numbers
from tasks.validation.statistics import blind, central_width, efficiency, fit_peak, means, median, medians, widths

RNG = np.random.default_rng


def test_verdicts():
    check = Check("x", 1.0, 0.5, 1.0, "GeV", "a guess")
    assert check.verdict == "ok"
    assert Check("x", 1.01, 0.5, 1.0, "", "a guess").verdict == "OUTSIDE"
    assert Check("x", 0.4, 0.5, math.inf, "", "a guess").verdict == "OUTSIDE"
    assert Check("x", math.nan, 0.5, 1.0, "", "a guess").verdict == "too few events"


def test_a_histogram_by_hand():
    panel = spectrum("", Axis("x", "GeV"), {"a": [0.0, 0.5, 1.5, 2.0, 7.0], "b": []}, [0, 1, 2])
    np.testing.assert_array_equal(panel.counts["a"], [2, 2])
    assert panel.beyond == {"a": 1.0, "b": 0.0}
    heights, errors = panel.heights("a")
    np.testing.assert_allclose(heights, [0.4, 0.4])
    np.testing.assert_allclose(errors, [math.sqrt(2) / 5] * 2)
    np.testing.assert_array_equal(panel.heights("b")[0], [0, 0])
    density = spectrum("", Axis("x"), {"a": [0.5, 3.0]}, [0, 1, 5], "density")
    np.testing.assert_allclose(density.heights("a")[0], [1.0, 0.25])
    assert (panel.x.text, density.x.text) == ("x [GeV]", "x")


@pytest.mark.parametrize("core", [None, 1.5])
def test_a_peak_over_a_slope(core):
    rng = RNG(1)
    background = 80 + 20 * np.sqrt(rng.random(1500 if core is None else 100))
    peak = fit_peak(np.concatenate([rng.normal(91.0, 2.0, 4000), background]), np.linspace(80, 100, 41), 1.0, core)
    assert peak.place == pytest.approx(91.0, abs=0.15)
    assert peak.width == pytest.approx(2.0, abs=0.15)
    (curve,) = peak.overlay.values()
    assert curve[1].max() == pytest.approx(4000 * 0.5 / (math.sqrt(2 * math.pi) * 2.0), rel=0.15)


def test_a_peak_at_the_edge_of_its_window_and_none_at_all():
    half = RNG(2).normal(3.69, 0.04, 4000)
    peak = fit_peak(half, np.linspace(3.65, 3.95, 41), 0.03)
    assert peak.place == pytest.approx(3.69, abs=0.01)
    few = fit_peak(half[:20], np.linspace(3.65, 3.95, 41), 0.03)
    assert math.isnan(few.place)
    assert few.overlay == {}


def test_widths_and_medians():
    values = RNG(3).normal(5.0, 2.0, 20_000)
    assert central_width(values) == pytest.approx(2.0, rel=0.03)
    # blind to a tail, as a standard deviation is not
    assert central_width(np.concatenate([values, np.full(200, 1e6)])) == pytest.approx(2.0, rel=0.05)
    assert median(values) == pytest.approx(5.0, abs=0.06)
    assert math.isnan(central_width(values[:5]))
    assert math.isnan(median([]))


def test_a_leak_is_seen_and_noise_is_not():
    rng = RNG(4)
    first, second = rng.normal(0.0, 1.0, (2, 2000))
    assert blind("noise", first, second).verdict == "ok"
    leak = blind("leak", first + 0.2, second)
    assert leak.verdict == "OUTSIDE"
    assert leak.value == pytest.approx(0.556, abs=0.02)  # Phi(0.2 / sqrt(2))
    assert blind("allowed", first + 0.2, second, least=0.1).verdict == "ok"
    assert blind("few", first[:3], second).verdict == "too few events"


def test_profiles_by_hand():
    x = np.repeat([1.0, 2.0, 3.5], [40, 40, 2])
    passed = np.arange(82) % 4 == 0
    share = efficiency(x, passed, [0.5, 1.5, 2.5, 4.5])
    np.testing.assert_allclose(share.y, [0.25, 0.25, 0.5])
    np.testing.assert_allclose(share.x, [1.0, 2.0, 3.5])
    assert np.all((share.low > 0) & (share.low < share.y) & (share.y < share.high) & (share.high < 1))
    y = np.tile([1.0, 3.0], 41)
    mean = means(x, y, [0.5, 1.5, 2.5, 4.5])
    np.testing.assert_allclose(mean.y, [2.0, 2.0])  # two events are too few
    np.testing.assert_allclose(mean.high - mean.y, math.sqrt(40 / 39) / math.sqrt(40))
    assert len(medians(x, y, [2.7, 4.5]).x) == 0
    values = RNG(5).normal(0.0, 3.0, 8000)
    (width,) = widths(np.ones(8000), values, [0, 2]).y
    assert width == pytest.approx(3.0, rel=0.05)


def test_a_step_next_to_an_edge_is_detected_and_a_slope_is_not():
    rng = RNG(6)
    falling = 2.0 + rng.exponential(3.0, 60_000)
    assert abs(edge_pull(falling, 2.94, -0.015 * 2.94)) < 3.5
    assert abs(edge_pull(falling, 3.24, 0.015 * 3.24)) < 3.5
    gap = falling[(falling < 3.24) | (falling > 3.29) | (rng.random(60_000) < 0.3)]
    assert edge_pull(gap, 3.24, 0.015 * 3.24) < -5
    heap = np.concatenate([falling, rng.uniform(2.90, 2.94, 700)])
    assert edge_pull(heap, 2.94, -0.015 * 2.94) > 5
    assert math.isnan(edge_pull(falling[:200], 2.94, -0.04))
    for spectrum_of_none, verdict in ((falling, "ok"), (heap, "OUTSIDE"), (falling[:50], "too few events")):
        (check,) = edges(spectrum_of_none).checks
        assert check.verdict == verdict


@pytest.mark.parametrize(("window", "side"), [(window, side) for window in range(4) for side in (0, 1)])
def test_each_edge_of_a_window_is_looked_at(window, side):
    rng = RNG(9)
    mass = 2.0 * 55.0 ** rng.random(100_000)  # flat in log(m), 370 in each bin beside an edge
    smooth = mass[label_of(mass) == len(WINDOWS)]
    edge, away = WINDOWS[window][side], 1.0 if side else -1.0
    heap = edge * (1 + away * rng.uniform(0.0, EDGE_BIN, 500))
    found = [edges(none).checks[0] for none in (smooth, np.concatenate([smooth, heap]))]
    assert [check.verdict for check in found] == ["ok", "OUTSIDE"]
    gap = edges(smooth[np.abs(smooth / edge - 1 - away * EDGE_BIN / 2) > EDGE_BIN * 0.3]).checks[0]
    assert gap.verdict == "OUTSIDE"
    # the figure has no bin that lies in a window in part
    panel = edges(smooth).panels[window]
    assert set(WINDOWS[window]) <= set(panel.edges)
    assert panel.counts["none"][panel.edges[:-1] == WINDOWS[window][0]] == 0


def test_the_edge_of_a_transverse_mass():
    flat = RNG(7).uniform(0.0, 80.0, 40_000)
    assert half_height(flat) == pytest.approx(80.0, abs=2.6)
    assert half_height(flat + 10.0) == pytest.approx(90.0, abs=2.6)
    assert math.isnan(half_height(flat[:20]))


def test_a_preferred_direction_is_seen():
    rng = RNG(8)
    phi, eta = rng.uniform(-np.pi, np.pi, 3000), rng.normal(0.0, 1.0, 3000)
    assert azimuthal("jet", phi).verdict == "ok"
    assert azimuthal("jet", np.where(phi > 0, phi * 0.8, phi)).verdict == "OUTSIDE"
    assert forward_backward("jet", eta).verdict == "ok"
    assert forward_backward("jet", eta + 0.15).verdict == "OUTSIDE"
    assert forward_backward("jet", np.abs(eta[:10])).verdict == "too few events"
    # Rayleigh: chance to exceed x is exp(-x^2 / 2)
    lengths = [azimuthal("jet", rng.uniform(-np.pi, np.pi, 200)).value for _ in range(2000)]
    assert np.mean(np.array(lengths) > 2.0) == pytest.approx(math.exp(-2.0), abs=0.025)


def test_whole_numbers_have_a_bin_each():
    panel = whole_numbers("jets", {"a": np.array([0.0, 1.0, 1.0, 4.0])}, 30)
    np.testing.assert_array_equal(panel.edges, [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5])
    np.testing.assert_array_equal(panel.counts["a"], [1, 2, 0, 0, 1])
    wide = whole_numbers("hits", {"a": np.arange(100.0)}, 30)
    assert set(np.diff(wide.edges)) == {4.0}  # never 3.3, which would hold three numbers here and four there
    assert set(wide.counts["a"]) == {4.0}
    assert set(np.diff(scalar("n", {"a": np.arange(1000.0)}).edges)) == {25.0}
    assert scalar("mass", {"a": np.linspace(0, 1, 50)}).x.unit == "GeV"
