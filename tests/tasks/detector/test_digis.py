"""Ten samples of a pulse: against the formula, a plain fit, and the range of the converter."""

import awkward as ak
import numpy as np
import pytest
from scipy.optimize import least_squares

from tasks.detector.digis import BARREL, ENDCAP, FIELDS, PEAK, SAMPLES, derivative, pulse, samples, with_samples
from tasks.events import read, write

TIMES = 25.0 * (np.arange(SAMPLES) - PEAK)


def by_hand(time, alpha, beta):
    """The pulse as one would type it from the paper, a number at a time; units of 25 ns."""
    x = time / 25.0
    if x <= -alpha * beta:
        return 0.0
    return (1.0 + x / (alpha * beta)) ** alpha * np.exp(-x / beta)


@pytest.mark.parametrize(("channel", "alpha", "beta"), [(BARREL, 1.138, 1.655), (ENDCAP, 1.890, 1.400)])
def test_pulse_and_its_derivative(channel, alpha, beta):
    x = np.linspace(-150.0, 150.0, 301)
    np.testing.assert_allclose(pulse(x, channel), [by_hand(t, alpha, beta) for t in x], atol=1e-12)
    assert pulse(np.zeros(1), channel) == 1.0
    assert derivative(np.zeros(1), channel) == pytest.approx(0.0, abs=1e-15)
    inner = x[np.abs(x + alpha * beta * 25.0) > 2.0]
    numeric = (pulse(inner + 1e-4, channel) - pulse(inner - 1e-4, channel)) / 2e-4
    np.testing.assert_allclose(derivative(inner, channel), numeric, atol=1e-7)


def fitted(row, channel, energy, time):
    """Amplitude and time of a least-squares fit, by a library."""
    found = least_squares(lambda p: p[0] * pulse(TIMES - p[1], channel) - row, (energy, time), x_scale=(1.0, 10.0))
    return found.x


@pytest.mark.parametrize("channel", [BARREL, ENDCAP])
def test_a_fit_gives_back_energy_and_time(channel):
    rng = np.random.default_rng(5)
    energy, time = rng.uniform(2.0, 60.0, 40), rng.normal(0.0, 3.0, 40)
    rows = zip(samples(energy, time, channel, rng), energy, time, strict=True)
    found = np.array([fitted(row, channel, *truth) for row, *truth in rows])
    assert np.abs(found[:, 0] - energy).max() < 2 * channel.least_count  # counts are whole numbers
    np.testing.assert_allclose(found[:, 1], time, atol=1.5)


def test_the_rest_is_noise():
    rng = np.random.default_rng(6)
    energy, time = np.full(20_000, 30.0), np.zeros(20_000)
    rest = samples(energy, time, BARREL, rng) - 30.0 * pulse(TIMES, BARREL)
    before = rest[:, :3]  # no pulse there, so all of the noise
    assert before.std() == pytest.approx(np.hypot(0.040, 0.035 / np.sqrt(12)), rel=0.02)
    assert np.abs(before.mean(axis=0)).max() < 0.005
    # two of ten numbers are known: eight are left to the noise, and the rounding
    total = (rest**2).sum(axis=1).mean()
    assert total == pytest.approx(8 * 0.040**2 + 10 * 0.035**2 / 12, rel=0.03)


def test_counts_and_gains():
    rng = np.random.default_rng(7)
    high = samples(np.array([60.0, 200.0, 1000.0, 5000.0]), np.zeros(4), BARREL, rng)
    peak = high[:, PEAK]
    for value, step in zip(peak, (1, 2, 12, 12), strict=True):
        assert value / (0.035 * step) == pytest.approx(round(value / (0.035 * step)), abs=1e-6)
    assert peak[:3] == pytest.approx([60.0, 200.0, 1000.0], abs=0.4)
    assert peak[3] == pytest.approx(3900 * 12 * 0.035)  # saturated


@pytest.mark.parametrize("time", [-500.0, 500.0])
def test_a_pulse_outside_the_samples_is_noise_alone(time):
    found = samples(np.array([10.0]), np.array([time]), BARREL, np.random.default_rng(8))
    assert np.isfinite(found).all()
    if time > 0:
        assert np.abs(found).max() < 0.3


def test_lists_keep_their_shape():
    hits = ak.Array([[], [{"energy": 10.0, "time": 0.0}, {"energy": 0.1, "time": -3.0}], []])
    found = with_samples(hits, BARREL, np.random.default_rng(9))
    assert found.fields == ["energy", "time", *FIELDS]
    assert ak.num(found.sample0).tolist() == [0, 2, 0]
    assert np.asarray(ak.flatten(found.sample5)).dtype == np.float32
    assert found.sample5[1, 0] == pytest.approx(10.0, abs=0.3)
    again = with_samples(hits, BARREL, np.random.default_rng(9))
    assert found.to_list() == again.to_list()
    empty = with_samples(hits[:0], BARREL, np.random.default_rng(9))
    assert len(empty) == 0


def test_hits_with_samples_can_be_stored(tmp_path):
    hits = ak.Array([[{"energy": 3.0, "time": 0.0}] * 4, [], [{"energy": 0.1, "time": -3.0}]])
    found = with_samples(hits, BARREL, np.random.default_rng(3))
    path = tmp_path / "events.parquet"
    with path.open("wb") as file:
        write(ak.zip({"ecal": found}, depth_limit=1), file)
    assert read(path).ecal.to_list() == found.to_list()
