"""All pairs at once: Tukey's range, rows worked out by hand, and how often equal cells are told apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import polygamma

from benchmark.metrics.comparison import Spread
from benchmark.metrics.simultaneous import MOST_FREEDOM, JointEstimates, _inverse_trigamma, different, moderated


def cells(
    values: list[float], covariance: np.ndarray | None = None, spreads: list[Spread] | None = None, seeds: int = 1
) -> JointEstimates:
    """JointEstimates with one set of events; of unit variance and independent, if nothing else is said."""
    count, place = len(values), np.array(values)
    return JointEstimates(
        difference=place[:, None] - place,
        item=np.repeat(np.arange(count)[:, None], count, axis=1),
        covariance=np.eye(count) if covariance is None else covariance,
        spread=np.array([each.variance for each in spreads]) / seeds if spreads else np.zeros(count),
        freedom=np.array([each.freedom for each in spreads]) if spreads else np.full(count, MOST_FREEDOM),
    )


def apart(found: JointEstimates) -> set[tuple[int, int]]:
    pairs = different(found)
    assert (pairs == pairs.T).all()
    return {(a, b) for a, b in np.argwhere(pairs).tolist() if a < b}


def test_two_cells_are_the_paired_test():
    # the difference has the variance 1 + 1 - 2 x 0.82 = 0.36, so that 1.96 errors are 1.176
    covariance = np.array([[1, 0.82], [0.82, 1]])
    assert apart(cells([0, 1.13], covariance)) == set()
    assert apart(cells([0, 1.23], covariance)) == {(0, 1)}


@pytest.mark.parametrize("count", [3, 10, 30])
def test_the_bound_of_independent_cells_is_tukey_s(count: int):
    """The largest difference of k normal numbers has the distribution of the studentised range."""
    bound = stats.studentized_range.ppf(0.95, count, 1e6)
    rest = np.linspace(0.4, 0.6, count - 2).tolist()  # none of the others is as far apart
    assert apart(cells([0, *(r * bound for r in rest), 0.97 * bound])) == set()
    assert (0, count - 1) in apart(cells([0, *(r * bound for r in rest), 1.03 * bound]))


def test_pairs_that_are_found_make_way_for_others():
    # the first is far above; of the other two, 2.1 errors apart, only one pair is left: 1.96 is enough
    near = 2.1 * math.sqrt(2)
    assert apart(cells([100, near, 0])) == {(0, 1), (0, 2), (1, 2)}
    # of four, three are left, whose bound is 2.34
    assert apart(cells([100, near, near / 2, 0])) == {(0, 1), (0, 2), (0, 3)}


def test_the_spread_over_seeds_counts():
    known = [Spread(3.0, 1e5)] * 2  # 1 + 1 + 3 + 3 = 8
    assert apart(cells([0, 1.9 * math.sqrt(8)], spreads=known)) == set()
    assert apart(cells([0, 2.03 * math.sqrt(8)], spreads=known)) == {(0, 1)}
    unsure = [Spread(1e6, 4)] * 2  # Behrens and Fisher: for equal spreads a bit more than t with 8 degrees
    error = math.sqrt(2e6)
    assert apart(cells([0, stats.t.ppf(0.975, 8) * error], spreads=unsure)) == set()
    assert apart(cells([0, stats.t.ppf(0.975, 4) * error * 1.03], spreads=unsure)) == {(0, 1)}


def test_nothing_that_varies_is_not_told_apart():
    assert apart(cells([0, 1], np.zeros((2, 2)))) == set()
    assert apart(cells([0, 1], np.ones((2, 2)))) == set()


def test_cells_with_two_sets_of_events():
    """The third has fewer events: the others are compared with it on these, and with each other on all."""
    # items 0 and 1 of cell 0 on few and many events, 2 and 3 of cell 1, 4 of cell 2
    covariance = np.diag([4.0, 1.0, 4.0, 1.0, 4.0])
    difference = np.array([[0, 3.2, 3.2], [-3.2, 0, 3.2], [-3.2, -3.2, 0]])
    item = np.array([[1, 1, 0], [3, 3, 2], [4, 4, 4]])
    found = JointEstimates(difference, item, covariance, np.zeros(3), np.full(3, MOST_FREEDOM))
    assert found.variance[0].tolist() == [0, 2, 8]
    assert apart(found) == set(), "3.2 is 2.26 errors of the first pair, which are too few for three"
    difference *= 3.6 / 3.2
    assert apart(found) == {(0, 1)}, "and 2.55 are enough; the others are at 1.27"


def test_every_pair_by_itself_would_not_do():
    rng, covariance, bound = np.random.default_rng(2), np.eye(10), stats.norm.ppf(0.975)
    values = rng.multivariate_normal(np.zeros(10), covariance, 2000)
    largest = (values.max(axis=1) - values.min(axis=1)) / math.sqrt(2)
    assert np.mean(largest < bound) < 0.5


# --- spreads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1e-8, 0.01, 0.5, 1.645, 40.0, 1e8])
def test_inverse_of_the_trigamma_function(value: float):
    assert float(polygamma(1, _inverse_trigamma(value))) == pytest.approx(value, rel=1e-3)


def test_equal_spreads_are_pooled():
    """Spreads that differ less than three seeds do by chance: all have the same, with all degrees of freedom."""
    found = moderated([Spread(variance, 2) for variance in (0.9, 1.0, 1.1, 1.0)])
    assert len(set(found)) == 1
    assert found[0].freedom == 8
    # exp(psi(1)) is the geometric mean of chi^2 / 2 for two degrees of freedom
    assert found[0].variance == pytest.approx(np.exp(np.log([0.9, 1.0, 1.1, 1.0]).mean() + 0.5772157))


def test_usual_spread_and_its_freedom_are_found_again():
    """Variances that scatter as the inverse of a chi-squared number with six degrees of freedom."""
    rng = np.random.default_rng(3)
    true = 6 * 0.04 / rng.chisquare(6, 20_000)
    own = [Spread(float(v), 2) for v in true * rng.chisquare(2, 20_000) / 2]
    found = moderated(own)
    (freedom,) = {spread.freedom for spread in found}
    assert freedom == pytest.approx(8, abs=0.8)
    expected = (6 * 0.04 + 2 * np.array([spread.variance for spread in own])) / 8
    assert [spread.variance for spread in found] == pytest.approx(expected, rel=0.15)


def test_a_cell_without_noise_stays_as_it_is():
    still = Spread(0.0, 2)
    assert moderated([still, Spread(1.0, 2), Spread(2.0, 2)])[0] == still
    assert moderated([still]) == [still]
    assert moderated([Spread(1.0, 2)]) == [Spread(1.0, 2)], "one alone has nothing to learn from"
    assert moderated([]) == []
