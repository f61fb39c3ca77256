"""The metrics that are known; none is imported before it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.core.registry import Registry

if TYPE_CHECKING:
    from benchmark.metrics.metric import Metric

METRICS: Registry[Metric] = Registry("metrics", "benchmark.metrics.metric:Metric")
