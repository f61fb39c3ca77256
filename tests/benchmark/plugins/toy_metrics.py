"""Metrics of a user's own."""

from __future__ import annotations

from typing import ClassVar

from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, Scored


class Mine(Metric):
    """Mean score of the first class, and something that is not defined."""

    name: ClassVar[str] = "mine"

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        return {"mine": Estimate(float(scored.scores[:, 0].mean())), "mine_nan": Estimate(float("nan"))}


class Other(Metric):
    """Number of events."""

    name: ClassVar[str] = "other"

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        return {"other": Estimate(float(len(scored.labels)))}
