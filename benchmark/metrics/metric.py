"""The contract of a metric: its input, the numbers that it returns, and what it declares about each of them."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from benchmark.metrics.intervals import effective_count, normal_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Two-sided confidence of all intervals, by default."""

SCULPTED = 1
"""The class whose mass spectrum a cut on the score must not sculpt: the first background (photon pairs, QCD jets)."""

_PART = re.compile(r"<([a-z_]+)>")


@dataclass(frozen=True)
class Estimate:
    """A number with its interval. An undefined value is None and has a reason; its bounds may still be known."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Scored:
    """The scores of the test events of one cell.

    Parameters
    ----------
    labels : (n,) int, 0 is the signal.
    scores : (n, classes) class probabilities.
    classes : names, signal first.
    weights : (n,), or None for 1 each.
    mass : (n,) in GeV, where the task has one.
    signal : whether class 0 is a signal and the others are its background. If not (dimuon), `auc` is the mean over
        classes, and metrics that need a signal give nothing.
    valid : the scores of the validation events, on which thresholds are chosen; None if there are none.
    yields : expected events of each class by name, where the task declares them.
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    classes: tuple[str, ...]
    weights: NDArray[np.float64] | None = None
    mass: NDArray[np.float64] | None = None
    signal: bool = True
    valid: Scored | None = None
    yields: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricColumn:
    """One number of a metric, or a family of numbers.

    Parameters
    ----------
    name : of the number among the estimates, such as ``"auc"``. ``"auc_<class>"`` is a family: each part in angle
        brackets stands for any text, also in `header` and `description`.
    header : of the column.
    description : one line that says what the number is; by default the first line of the metric's docstring.
    better : which direction is better, if any.
    scale : where values lie, which decides how seeds are averaged: ``"linear"``, anywhere; ``"share"``, from 0 to 1;
        ``"inverse"``, one over a share, 1 and above.
    unit : of the values, written after the header.
    order : position among the columns of metrics in tables, from the left. None: the number is listed with the details
        of a row, and has no column.
    chance : the value that guessing gives. A row that is significantly worse is marked as inverted.
    common : the number depends on the test events alone, so that a table gives it once if all rows agree.
    source : the paper that defines the number or its interval.
    interval : how the interval is made, in a few words; empty if there is none.
    undefined : when there is no value, in a few words; empty if there always is one.
    """

    name: str
    header: str
    description: str = ""
    better: Literal["higher", "lower"] | None = None
    scale: Literal["linear", "share", "inverse"] = "linear"
    unit: str = ""
    order: int | None = 100
    chance: float | None = None
    common: bool = False
    source: str = ""
    interval: str = ""
    undefined: str = ""

    def __post_init__(self) -> None:
        """Refuse names that would be ambiguous or slow to match, and columns without a header."""
        if not self.header.strip():
            raise ValueError(f"column {self.name}: has no header")
        parts = _PART.findall(self.name)
        if len(parts) > 2 or len(set(parts)) < len(parts):
            raise ValueError(f"column {self.name}: expected at most two different parts in angle brackets")

    @property
    def is_family(self) -> bool:
        """Whether the name stands for several numbers."""
        return _PART.search(self.name) is not None

    def matching(self, name: str) -> MetricColumn | None:
        """The column of one number: itself, or a member of the family with its texts filled in; None for others."""
        if not self.is_family:
            return self if name == self.name else None
        found = _pattern(self.name).fullmatch(name)
        if found is None:
            return None
        return replace(
            self,
            name=name,
            header=_filled(self.header, found.groupdict()),
            description=_filled(self.description, found.groupdict()),
        )

    def is_inverted(self, estimate: Estimate) -> bool:
        """Whether a value is worse than guessing by more than its interval."""
        if self.chance is None or self.better is None:
            return False
        if self.better == "higher":
            return estimate.high is not None and estimate.high < self.chance
        return estimate.low is not None and estimate.low > self.chance


class Metric(ABC):
    """A pure function of scores, with the columns of the numbers that it gives.

    Subclass it with a literal `name`, a docstring whose first line says what it is, and `columns`: one `MetricColumn`,
    at least, for each number or family of numbers. A column needs a name and a header; the rest has defaults.
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[MetricColumn, ...]] = ()

    @abstractmethod
    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name, such as ``{"auc": ..., "auc_ttbar_vs_wjets": ...}``."""

    @classmethod
    def declared(cls) -> tuple[MetricColumn, ...]:
        """Its columns; those without a description get the first line of its docstring."""
        summary = (cls.__doc__ or "").strip().partition("\n")[0]
        return tuple(replace(c, description=c.description or summary) for c in cls.columns)


def mean(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None = None, confidence: float = CONFIDENCE
) -> Estimate:
    """The mean of one value per event, with a normal interval.

    Parameters
    ----------
    values : (n,).
    weights : (n,), 0 or more, or None for 1 each.

    Returns
    -------
    The estimate; undefined when no event has a weight, without interval when only one has.
    """
    weights = np.ones(len(values)) if weights is None else weights
    count = effective_count(weights)
    if count == 0:
        return Estimate(None, reason="no test events")
    shares = weights / weights.sum()
    value = float(shares @ values)
    if count <= 1:
        return Estimate(value)
    error = math.sqrt(float(shares**2 @ (values - value) ** 2) * count / (count - 1))
    margin = normal_quantile(confidence) * error
    return Estimate(value, value - margin, value + margin)


def find_column(name: str, columns: tuple[MetricColumn, ...]) -> MetricColumn | None:
    """The column of a number, from the first of the declarations that has its name; None for the name of a family."""
    if _PART.search(name):
        return None
    return next((column for each in columns if (column := each.matching(name))), None)


@lru_cache
def _pattern(family: str) -> re.Pattern[str]:
    parts = _PART.split(family)
    return re.compile("".join(f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)))


def _filled(text: str, texts: dict[str, str]) -> str:
    return _PART.sub(lambda found: texts.get(found[1], found[0]), text)
