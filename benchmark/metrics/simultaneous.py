"""All pairs of several cells compared at once, so that the whole set of statements holds with 95% confidence.

With every pair at 95% by itself, three in five boards of ten equal cells would rank one of them above another: they
have 45 pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.comparison import Spread
from benchmark.metrics.intervals import special
from benchmark.metrics.metric import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from benchmark.metrics.arrays import Bools, Floats

DRAWS = 40_000
"""Simulated sets of differences: the share of 5% of them is known to 0.1%."""

MOST_FREEDOM = 1e6
"""Degrees of freedom that stand for infinitely many."""

MOST_NUMBERS = 1_000_000
"""Simulated differences that are made at a time, with some ten numbers each."""

MOST_KEPT = 12_000_000
"""Simulated differences that are kept, of four bytes each: those of 25 cells. For more cells there are fewer draws."""

FEWEST_DRAWS = 500

ALIKE = 1e-14
"""Smaller standard errors are rounding; see `benchmark.metrics.auc.NOISE`."""


@dataclass(frozen=True, eq=False)
class JointEstimates:
    """Estimates of several cells, and what varies in their differences.

    Parameters
    ----------
    difference : (cells, cells) of the estimates, on the events that the two cells have in common.
    item : (cells, cells) what each cell has with each other: a number below `items`.
    covariance : (items, items) of the estimates, from test events. A cell has an item for each set of events that it
        has in common with another cell.
    spread : (cells,) variance of the mean over trainings, and 0 where nothing is drawn at random.
    freedom : (cells,) degrees of freedom of the spread.
    """

    difference: Floats
    item: NDArray[np.intp]
    covariance: Floats
    spread: Floats
    freedom: Floats

    @property
    def events(self) -> Floats:
        """The variance of each difference from test events, (cells, cells)."""
        own = np.diag(self.covariance)[self.item]
        return np.maximum(own + own.T - 2 * self.covariance[self.item, self.item.T], 0.0)

    @property
    def variance(self) -> Floats:
        """The variance of each difference, (cells, cells)."""
        return self.events + self.spread + self.spread[:, None]


def different(cells: JointEstimates, confidence: float = CONFIDENCE, draws: int = DRAWS, seed: int = 0) -> Bools:
    """Which pairs differ, (cells, cells): all of these statements hold together with this confidence.

    Notes
    -----
    The largest studentised difference of all pairs is compared with that of a simulation in which all cells are equal:
    normal numbers with the covariance of the estimates, and a normal number for the trainings of each cell, whose
    spread is the measured one over a chi-squared number, since it may have been measured too low (the fiducial
    distribution of Behrens and Fisher's problem). Pairs beyond the quantile differ. Then the quantile is that of the
    remaining pairs alone, until no more are found (step-down: Romano and Wolf, Econometrica 73 (2005) 1237). Ranks that
    follow from such a set of pairs are a simultaneous confidence set (Mogstad, Romano, Shaikh and Wilhelm, Rev. Econ.
    Stud. 91 (2024) 476). So that differences with few degrees of freedom do not decide for all, each is transformed to
    a normal number first (Wallace, Ann. Math. Stat. 30 (1959) 1124).
    """
    count = len(cells.difference)
    first, second = np.triu_indices(count, 1)
    one, two = cells.item[first, second], cells.item[second, first]
    variance, doubt = cells.variance[first, second], cells.spread**2 / cells.freedom
    uncertain = doubt[first] + doubt[second]
    freedom = np.divide(variance**2, uncertain, out=np.full(len(first), MOST_FREEDOM), where=uncertain > 0)
    freedom = np.minimum(freedom, MOST_FREEDOM)
    scale = np.divide(1, np.sqrt(variance * freedom), out=np.zeros(len(first)), where=variance > ALIKE**2)
    height = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom)

    def normal(differences: NDArray[Any]) -> NDArray[Any]:
        """The sizes of differences (..., pairs) on the scale of normal numbers."""
        squares = (differences * scale.astype(differences.dtype)) ** 2
        sizes: NDArray[Any] = height.astype(differences.dtype) * np.sqrt(np.log1p(squares))
        return sizes

    found = normal(cells.difference[first, second])
    total = max(FEWEST_DRAWS, min(draws, MOST_KEPT // max(1, len(first))))
    by_chance = np.empty((total, len(first)), dtype=np.float32)
    rng = np.random.default_rng(seed)
    root = _root(cells.covariance)
    step = max(1, MOST_NUMBERS // max(1, len(first)))
    for start in range(0, total, step):
        now = min(step, total - start)
        noise = (rng.normal(size=(now, root.shape[1])) @ root.T).astype(np.float32)
        spread = cells.spread * cells.freedom / rng.chisquare(cells.freedom, (now, count))
        trainings = (rng.normal(size=(now, count)) * np.sqrt(spread)).astype(np.float32)
        moved = noise[:, one] - noise[:, two] + trainings[:, first] - trainings[:, second]
        by_chance[start : start + now] = normal(moved)
    apart = np.zeros((count, count), dtype=bool)
    apart[first, second] = _stepped_down(found, by_chance, confidence)
    return apart | apart.T


def _stepped_down(found: Floats, by_chance: NDArray[np.float32], confidence: float) -> Bools:
    """Which of numbers (pairs,) are beyond what chance gives (draws, pairs), without those that are already found."""
    apart = np.zeros(len(found), dtype=bool)
    while not apart.all():
        bound = np.quantile(by_chance[:, ~apart].max(axis=1), confidence)
        more = ~apart & (found > bound)
        if not more.any():
            break
        apart |= more
    return apart


def _root(covariance: Floats) -> Floats:
    """A matrix (n, n) whose product with its transpose is a covariance (n, n), of which rounding may be negative.

    Cholesky's, which is unique: eigenvectors of nearly equal eigenvalues differ between processors, and so would the
    simulated numbers, and now and then a rank.
    """
    values, vectors = np.linalg.eigh(covariance)
    least = max(float(values.max(initial=0.0)), 1e-300) * 1e-10
    positive = (vectors * np.maximum(values, 0.0)) @ vectors.T
    found: Floats = np.linalg.cholesky((positive + positive.T) / 2 + least * np.eye(len(values)))
    return found


def moderated(spreads: Sequence[Spread]) -> list[Spread]:
    """The spread over seeds of each of several cells, with what those of all cells say about it.

    The spread of three seeds has two degrees of freedom. All cells together say what is usual, and how much spreads
    differ: d_0 degrees of freedom at a usual s_0^2, with which the d degrees of a cell are averaged (Smyth, Stat. Appl.
    Genet. Mol. Biol. 3 (2004) 3, section 6.2). None has more degrees of freedom than all together. A variance of 0
    stays what it is: nothing was drawn at random.
    """
    known = [spread for spread in spreads if spread.variance > 0]
    if not known:
        return list(spreads)
    usual, most = _usual(known), sum(spread.freedom for spread in known)

    def mixed(spread: Spread) -> Spread:
        if spread.variance == 0:
            return spread
        if math.isinf(usual.freedom):
            return Spread(usual.variance, most)
        freedom = usual.freedom + spread.freedom
        variance = (usual.freedom * usual.variance + spread.freedom * spread.variance) / freedom
        return Spread(variance, min(freedom, most))

    return [mixed(spread) for spread in spreads]


def _usual(spreads: Sequence[Spread]) -> Spread:
    """s_0^2 and d_0 of spreads whose inverse is distributed as chi^2_(d_0) / (d_0 s_0^2); d_0 may be infinite.

    From mean and variance of log s^2, which are those of a chi-squared number and of the inverse of one. The variance
    is taken one standard error larger than it is found, sqrt(2 / (n - 1)): in simulations with 20 cells of three seeds
    whose spreads differ by a factor of 1.6, the statements hold together in 95% of cases with it, and in 90% without.
    """
    half = [spread.freedom / 2 for spread in spreads]
    logs = np.log([spread.variance for spread in spreads]) - [special("psi", each) - math.log(each) for each in half]
    mean = float(logs.mean())
    if len(spreads) == 1:
        return Spread(math.exp(mean), 0.0)
    most = float(logs.var(ddof=1)) * (1 + math.sqrt(2 / (len(spreads) - 1)))
    excess = most - float(np.mean([special("polygamma", 1, each) for each in half]))
    if excess <= 0:
        return Spread(math.exp(mean), math.inf)
    half_usual = _inverse_trigamma(excess)
    return Spread(math.exp(mean + special("psi", half_usual) - math.log(half_usual)), 2 * half_usual)


def _inverse_trigamma(value: float) -> float:
    """The number above 0 whose trigamma function is this value above 0, by Newton's method (Smyth, appendix)."""
    if value > 1e7:
        return 1 / math.sqrt(value)
    if value < 1e-6:
        return 1 / value
    found = 0.5 + 1 / value
    for _ in range(50):
        trigamma = special("polygamma", 1, found)
        step = trigamma * (1 - trigamma / value) / special("polygamma", 2, found)
        found += step
        if -step / found < 1e-8:
            break
    return found
