"""Area under the ROC curve, with DeLong's variance, for weighted events and several classes.

The area is the probability that a signal event scores above a background event, where ties count one half. The
influence of every event on an area is stored with it: the variance is a sum of its squares, and the covariance of two
areas on the same events a sum of products.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.metrics.arrays import Bools, EmptyClassError, Floats, discriminant, rank, unit_weights
from benchmark.metrics.intervals import clopper_pearson, logit_normal
from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, MetricColumn, Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Labels = NDArray[np.int64]

DELONG = "DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837"

NOISE = 1e-14
"""Smaller standard errors are rounding: one swapped pair among two million events gives 1e-12."""


@dataclass(frozen=True, eq=False)
class Area:
    """An area under the ROC curve.

    Parameters
    ----------
    value : the area.
    influence : (n,) how far each event moves the area.
    count : effective number of events of the smaller class.
    """

    value: float
    influence: Floats
    count: float

    @property
    def standard_error(self) -> float:
        """Root of the sum of squared influences: DeLong's, if all weights are 1."""
        return math.sqrt(float(self.influence @ self.influence))

    def estimate(self, confidence: float = CONFIDENCE) -> Estimate:
        """The area with its interval, normal in the logit of the area.

        If the variance is 0 (perfect separation, all scores equal) or unknown (fewer than two events in a class), the
        interval is Clopper and Pearson's, with one trial for each event of the smaller class: the widest that any
        distribution with this area allows.
        """
        error = self.standard_error
        if error > NOISE and self.count >= 2:
            low, high = logit_normal(self.value, error, confidence)
        else:
            low, high = clopper_pearson(self.value, self.count, confidence)
        return Estimate(self.value, low, high)


def roc_auc(
    is_signal: Bools,
    scores: Floats,
    weights: Floats | None = None,
    names: tuple[str, str] = ("signal", "background"),
) -> Area:
    """Area under the ROC curve in O(n log n).

    Parameters
    ----------
    is_signal : (n,) bool.
    scores : (n,), higher is more signal-like.
    weights : (n,), 0 or more, of independent events (not repeat counts), or None for 1 each.
    names : of the two classes, for messages.

    Raises
    ------
    EmptyClassError
        When a class has no weight.
    UserError
        When shapes differ or a score is NaN.

    Notes
    -----
    With V_i the weighted share of background events below signal event i, A is the weighted mean of V_i, and the
    influence of i is w_i / W (V_i - A) c, where c^2 = m / (m - 1), m the effective number of signal events; and
    likewise for background events. For weights of 1 the squares add up to S10 / m + S01 / n of DeLong,
    DeLong and Clarke-Pearson, Biometrics 44 (1988) 837; ranks as in Sun and Xu, IEEE SPL 21 (2014) 1389.
    """
    ranked = rank(is_signal, scores, weights, names)
    is_signal = np.asarray(is_signal, dtype=bool)
    weights = unit_weights(len(is_signal)) if weights is None else np.asarray(weights, dtype=np.float64)
    signal, background = np.cumsum(ranked.signal), np.cumsum(ranked.background)
    # totals are the ends of the running sums, so that perfect separation gives exactly 1
    below = (background - ranked.background / 2) / background[-1]
    above = (signal[-1] - signal + ranked.signal / 2) / signal[-1]
    area = _weighted_mean(below[ranked.group[is_signal]], weights[is_signal])
    influence = np.empty(len(is_signal), dtype=np.float64)
    influence[is_signal] = _influence(below[ranked.group[is_signal]], weights[is_signal], ranked.signal_count)
    influence[~is_signal] = _influence(above[ranked.group[~is_signal]], weights[~is_signal], ranked.background_count)
    return Area(area, influence, min(ranked.signal_count, ranked.background_count))


def one_vs_rest(
    labels: Labels, scores: Floats, weights: Floats | None, label: int, classes: Sequence[str] = ()
) -> Area:
    """The area of one class against all others, by its own score.

    Parameters
    ----------
    labels : (n,) int.
    scores : (n, classes).
    weights : (n,) or None.
    label : the class.
    classes : names for messages.

    Raises
    ------
    EmptyClassError
        When the class or the rest has no weight.
    """
    name = classes[label] if classes else f"class {label}"
    return roc_auc(labels == label, scores[:, label], weights, (name, f"classes other than {name}"))


def mean_area(areas: Sequence[Area]) -> Area:
    """The mean of areas on the same events, with their correlations: influences are averaged as well."""
    influence = np.mean([area.influence for area in areas], axis=0)
    return Area(float(np.mean([area.value for area in areas])), influence, min(area.count for area in areas))


def area(name: str, scored: Scored) -> Area | None:
    """The area of a name, such as `auc_macro`, with the influence of every event; None if no area has this name.

    Parameters
    ----------
    name : `auc`, `auc_macro`, `auc_<class>`, `auc_<signal>_vs_<background>`, and the same with `_ratio`; see `Auc`.

    Raises
    ------
    EmptyClassError
        When a class has no weight.
    """
    made = _ways(scored).get(name)
    return made() if made else None


def overall(labels: Labels, scores: Floats, weights: Floats | None = None, *, signal: bool = True) -> Area:
    """The area called `auc`: class 0 against the rest, or the mean over classes if none is the signal.

    Parameters
    ----------
    labels : (n,) int, 0 is the signal.
    scores : (n, classes), or (n,) the score of class 0.
    weights : (n,) or None.
    signal : whether class 0 is the signal.

    Raises
    ------
    EmptyClassError
        When a class has no weight.
    """
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if scores.ndim == 1:
        return roc_auc(labels == 0, scores, weights)
    if signal:
        return one_vs_rest(labels, scores, weights, 0)
    return mean_area([one_vs_rest(labels, scores, weights, label) for label in range(scores.shape[1])])


def _column(name: str, header: str, description: str, order: int | None = None) -> MetricColumn:
    return MetricColumn(
        name,
        header,
        description,
        better="higher",
        scale="share",
        order=order,
        chance=0.5,
        interval="DeLong, normal in the logit; Clopper and Pearson without a variance",
        undefined="if a class has no test events",
        source=DELONG,
    )


class Auc(Metric):
    """Area under the ROC curve: signal against the rest, each class, each background, and their mean.

    `auc` is class 0 against the rest, or the mean over classes if none is the signal; `auc_macro` always is the mean.
    With more than two classes there are the others as well. Signal against one background uses the events of these two,
    by the signal's score, as end-to-end learning with the CMS open data does; with `_ratio` it is by p_s / p_b.
    """

    name = "auc"
    columns = (
        _column(
            "auc",
            "AUC",
            "Area under the ROC curve of signal against the rest; the mean over classes if none is the signal",
            order=10,
        ),
        _column("auc_macro", "AUC, mean over classes", "Area under the ROC curve, mean over classes"),
        _column(
            "auc_<signal>_vs_<background>_ratio",
            "AUC, <signal> against <background>, by likelihood ratio",
            "Area under the ROC curve of <signal> against <background> alone, by p_s / p_b",
        ),
        replace(
            _column(
                "auc_<signal>_vs_<background>",
                "AUC, <signal> against <background>",
                "Area under the ROC curve of <signal> against <background> alone, by the score of <signal>",
            ),
            source=f"arXiv:1807.11916, section 5; {DELONG}",
        ),
        _column(
            "auc_<class>",
            "AUC, <class> against the rest",
            "Area under the ROC curve of <class> against all other classes",
        ),
    )

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name; undefined if a class has no test events."""
        return {name: _estimate(way, confidence) for name, way in _ways(scored).items()}


def _ways(scored: Scored) -> dict[str, Callable[[], Area]]:
    """How each area is made, by name, in the order of the columns."""
    classes = scored.classes

    @cache
    def single(label: int) -> Area:
        return one_vs_rest(scored.labels, scored.scores, scored.weights, label, classes)

    def macro() -> Area:
        return mean_area([single(label) for label in range(len(classes))])

    ways = {"auc": partial(single, 0) if scored.signal else macro, "auc_macro": macro}
    if len(classes) > 2:
        ways |= {f"auc_{name}": partial(single, label) for label, name in enumerate(classes)}
        if scored.signal:
            for label, name in enumerate(classes[1:], start=1):
                pair = f"auc_{classes[0]}_vs_{name}"
                ways |= {
                    pair: partial(_pair, scored, label),
                    f"{pair}_ratio": partial(_pair, scored, label, ratio=True),
                }
    return ways


def _estimate(way: Callable[[], Area], confidence: float) -> Estimate:
    try:
        return way().estimate(confidence)
    except EmptyClassError as error:
        return Estimate(None, reason=str(error))


def _pair(scored: Scored, label: int, *, ratio: bool = False) -> Area:
    """The signal against one background. Events of other classes have no influence."""
    pair = (scored.labels == 0) | (scored.labels == label)
    scores = scored.scores[pair, 0]
    if ratio:
        scores = discriminant(scores, scored.scores[pair, label])
    weights = None if scored.weights is None else scored.weights[pair]
    found = roc_auc(scored.labels[pair] == 0, scores, weights, (scored.classes[0], scored.classes[label]))
    influence = np.zeros(len(pair))
    influence[pair] = found.influence
    return Area(found.value, influence, found.count)


def _weighted_mean(values: Floats, weights: Floats) -> float:
    return float((values * weights).sum() / weights.sum())


def _influence(values: Floats, weights: Floats, count: float) -> Floats:
    """How far each event of one class moves the weighted mean of `values`. The squares add up to its variance."""
    # the spread of a single event is unknown; `Area.estimate` checks the count
    correction = math.sqrt(count / (count - 1)) if count > 1 + NOISE else 0.0
    influence: Floats = weights / weights.sum() * (values - _weighted_mean(values, weights)) * correction
    return influence
