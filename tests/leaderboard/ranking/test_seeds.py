from __future__ import annotations

import math
from statistics import fmean, stdev

import numpy as np
import pytest
from scipy import stats

from benchmark.metrics.metric import Estimate
from benchmark.records.result import MetricValue
from leaderboard.ranking.metric_columns import Declared
from leaderboard.ranking.rows import make_rows
from leaderboard.ranking.seeds import INVERSE, LINEAR, SCALES, SHARE, SeedScale, Z, combine
from tests.leaderboard.factory import make_result


def crossed(events: float, seeds: float, count: int) -> float:
    """The half width of an interval, from that of events and the standard deviation over a number of seeds."""
    return math.hypot(events, float(stats.t.ppf(0.975, count - 1)) * seeds / math.sqrt(count))


def plain(estimate: Estimate) -> Estimate:
    """Without its parts."""
    return Estimate(estimate.value, estimate.low, estimate.high, estimate.reason)


def test_one_seed_keeps_its_interval() -> None:
    estimate = Estimate(0.8, 0.75, 0.83)
    found = combine([estimate])
    assert plain(found) == estimate
    assert (found.interval_events, found.interval_seeds) == ((0.75, 0.83), None)


def test_several_seeds_by_hand() -> None:
    # values 0.80, 0.82, 0.84: mean 0.82, sample standard deviation 0.02; half-widths below 0.03, above 0.01 each
    seeds = [Estimate(v, v - 0.03, v + 0.01) for v in (0.80, 0.82, 0.84)]
    found = combine(seeds)
    assert found.value == pytest.approx(0.82)
    half = 4.302653 * 0.02 / math.sqrt(3)  # Student's t with two degrees of freedom
    assert found.low == pytest.approx(0.82 - math.sqrt(0.03**2 + half**2))
    assert found.high == pytest.approx(0.82 + math.sqrt(0.01**2 + half**2))
    assert found.interval_events == pytest.approx((0.79, 0.83))
    assert found.interval_seeds == pytest.approx((0.82 - half, 0.82 + half))


def test_equal_seeds_are_as_uncertain_as_one() -> None:
    found = combine([Estimate(0.8, 0.78, 0.82)] * 5)
    assert (found.low, found.high) == (pytest.approx(0.78), pytest.approx(0.82))


def test_a_seed_without_bounds_leaves_the_row_without() -> None:
    found = combine([Estimate(0.8, 0.7, 0.9), Estimate(0.8)])
    assert (found.value, found.low, found.high) == (0.8, None, None)


def test_an_undefined_seed_is_not_averaged_away() -> None:
    found = combine([Estimate(50.0, 30.0, 90.0), Estimate(None, low=40.0, reason="no background event passes")])
    assert plain(found) == Estimate(None, low=30.0, reason="no background event passes")


def test_nothing_done() -> None:
    assert combine([]).value is None


def test_shares_are_combined_as_logits_by_hand() -> None:
    # logits of 0.9 and 0.99 are ln 9 and ln 99; half-widths below ln 9 - ln 4 and ln 99 - ln 49
    found = combine([Estimate(0.9, 0.8, 0.95), Estimate(0.99, 0.98, 0.995)], SHARE)
    spread = (math.log(99) - math.log(9)) / math.sqrt(2)
    below = (math.log(9 / 4) + math.log(99 / 49)) / 2
    odds = (0.945 / 0.055) * math.exp(-crossed(below, spread, 2))
    assert found.value == pytest.approx(0.945)
    assert found.low == pytest.approx(odds / (1 + odds))
    assert found.high is not None
    assert 0.945 < found.high < 1


def test_rejections_are_combined_as_logits_of_the_background_efficiency() -> None:
    # the same interval from eps_B = 1/R
    seeds = [Estimate(20.0, 8.0, 90.0), Estimate(110.0, 30.0, 700.0)]
    found = combine(seeds, INVERSE)
    logit = [math.log(r - 1) for r in (20.0, 110.0)]
    below = fmean([logit[0] - math.log(7), logit[1] - math.log(29)])
    low = 1 + 64.0 * math.exp(-crossed(below, stdev(logit), 2))
    assert (found.value, found.low) == (65.0, pytest.approx(low))


def test_no_interval_leaves_the_range() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        shares = np.sort(rng.beta(8, 1, size=(3, 3)) ** 0.2, axis=1)
        shares[rng.random((3, 3)) < 0.05] = 1.0
        shares.sort(axis=1)
        found = combine([Estimate(v, low, high) for low, v, high in shares.tolist()], SHARE)
        assert found.low is not None
        assert found.high is not None
        assert found.value is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
        rejections = 1 / shares
        found = combine([Estimate(v, low, high) for high, v, low in rejections.tolist()], INVERSE)
        assert found.low is not None
        assert found.value is not None
        assert 1 <= found.low <= found.value
        assert found.high is None or found.value <= found.high


def test_a_seed_at_the_end_of_the_range_is_cut_off_there() -> None:
    found = combine([Estimate(1.0, 0.95, 1.0), Estimate(0.96, 0.9, 0.99)], SHARE)
    assert found.low == pytest.approx(0.98 - crossed(0.055, stdev([1.0, 0.96]), 2))
    assert found.high == 1.0


@pytest.mark.parametrize(
    ("seed", "scale"),
    [
        (Estimate(5.0, 1.0, 9.0), SHARE),
        (Estimate(5.0, -4.0, -3.0), SHARE),
        (Estimate(-0.1, -0.2, 0.1), SHARE),
        (Estimate(0.5, 0.3, 2.0), INVERSE),
        (Estimate(0.5, 0.6, 0.7), SHARE),
        (Estimate(0.5, 0.3, 0.4), LINEAR),
        (Estimate(0.5, None, 0.4), LINEAR),
    ],
)
def test_a_value_out_of_its_range_or_its_interval_has_no_interval(seed: Estimate, scale: SeedScale) -> None:
    assert plain(combine([seed], scale)) == Estimate(seed.value)
    assert plain(combine([seed, seed], scale)) == Estimate(seed.value)


def test_rounding_takes_no_interval_away() -> None:
    for seed in (Estimate(1 + 1e-15, 0.9, 1.0), Estimate(0.5, 0.5 + 1e-12, 0.6), Estimate(0.5, 0.4, 1.2)):
        assert plain(combine([seed], SHARE)) == seed


@pytest.mark.parametrize(
    ("metric", "scale"),
    [
        ("auc", SHARE),
        ("auc_ttbar_vs_wjets", SHARE),
        ("accuracy", SHARE),
        ("recall_z", SHARE),
        ("signal_accuracy_mixture", SHARE),
        ("rejection_50", INVERSE),
        ("cvm", LINEAR),
        ("accurate", LINEAR),
    ],
)
def test_metrics_declare_their_scale(metric: str, scale: object) -> None:
    assert SCALES[Declared([]).of(metric).scale] is scale


def test_rows_use_the_scale_of_the_metric() -> None:
    # on a linear scale these seeds would give an AUC up to 1.0145 and a rejection down to -41.7
    aucs, rejections = (0.999, 0.92, 0.97), (300.0, 4.0, 40.0)
    results = [
        make_result(
            seed=seed,
            metrics={
                "auc": MetricValue(value=auc, low=auc - 0.05, high=auc + (1 - auc) / 2),
                "rejection_50": MetricValue(value=rejection, low=rejection / 3, high=rejection * 5),
            },
        )
        for seed, (auc, rejection) in enumerate(zip(aucs, rejections, strict=True))
    ]
    (row,) = make_rows(results)
    auc, rejection = row.score, row.estimate("rejection_50")
    assert auc.high is not None
    assert rejection.low is not None
    assert auc.high < 1
    assert rejection.low > 1


def test_z() -> None:
    assert pytest.approx(1.959964, abs=1e-6) == Z
