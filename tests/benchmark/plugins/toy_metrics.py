"""Metrics of a user's own."""

from __future__ import annotations

import signal
from typing import ClassVar

from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, MetricColumn, Scored


class Mine(Metric):
    """Mean score of the first class, and something that is not defined."""

    name: ClassVar[str] = "mine"
    columns = (
        MetricColumn("mine", "My score", better="lower", scale="share", unit="eV"),
        MetricColumn("mine_nan", "Nothing", "Never defined", order=None),
    )

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        return {"mine": Estimate(float(scored.scores[:, 0].mean())), "mine_nan": Estimate(float("nan"))}


class Other(Metric):
    """Number of events."""

    name: ClassVar[str] = "other"
    columns = (MetricColumn("other", "Events"),)

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        return {"other": Estimate(float(len(scored.labels)))}


class Rewrites(Metric):
    """Tries to change what is scored; in place first, then also arrays that are not to be written to."""

    name: ClassVar[str] = "rewrites"
    columns = (MetricColumn("rewrites", "Nothing"),)

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        refused = 0
        for array in (scored.labels, scored.scores, scored.weights):
            try:
                array[:] = 0
            except ValueError:
                refused += 1
            array.flags.writeable = True
            array[:] = 0
        return {"rewrites": Estimate(float(refused))}


class Thief(Metric):
    """A number that another metric has."""

    name: ClassVar[str] = "thief"
    columns = (MetricColumn("auc", "My AUC"),)

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        return {"auc": Estimate(1.0)}


class Silent(Metric):
    """A number that is not declared."""

    name: ClassVar[str] = "silent"
    columns = (MetricColumn("silent_<class>", "Silent"),)

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        return {"silent": Estimate(1.0)}


class Steering(Mine):
    """A column that steers the terminal."""

    name: ClassVar[str] = "steering"
    columns = (MetricColumn("mine", "\x1b[2J"), MetricColumn("mine_nan", "Nothing"))


class Endless(Mine):
    """Never comes to an end."""

    name: ClassVar[str] = "endless"

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        signal.pause()
        return {}


class Bare(Metric):
    """A metric without columns."""

    name: ClassVar[str] = "bare"

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        return {"bare": Estimate(1.0)}
