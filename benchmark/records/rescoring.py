"""The numbers of stored results, computed again from their scores by the function that computed them first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from benchmark.core.errors import UserError
from benchmark.metrics.metric import find_column
from benchmark.records.scoring import score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.records.result import MetricValue, Result, ShiftedTest
    from benchmark.records.store import ResultStore

TOLERANCE = 1e-6
"""Largest difference that is rounding, in parts of a number above 1."""


class Number(NamedTuple):
    """The name of a number of a record, and the shift whose test events it is of; empty for the nominal ones."""

    shift: str
    name: str

    def __str__(self) -> str:
        return f"{self.shift}: {self.name}" if self.shift else self.name


MATRIX = Number("", "confusion_matrix")


@dataclass(frozen=True)
class Change:
    """A number that a record lacks, or that its scores do not give.

    Parameters
    ----------
    number : which one.
    recorded, computed : in the record, and from its scores; None where it is missing, and for the confusion matrix.
    """

    number: Number
    recorded: MetricValue | None = None
    computed: MetricValue | None = None

    @property
    def size(self) -> float:
        """How far the value or a bound is off, in parts of a number above 1; infinite where one is missing."""
        if self.number == MATRIX:
            return math.inf
        return max(map(_distance, _three(self.recorded), _three(self.computed)))

    def __str__(self) -> str:
        if self.number == MATRIX:
            return "another one in the record than from its scores"
        return f"{_text(self.recorded)} in the record, {_text(self.computed)} from its scores"


@dataclass(frozen=True)
class Rescored:
    """A stored result beside what its scores give.

    Parameters
    ----------
    extended : the result as stored, with the numbers that it lacks.
    replaced : the result with the numbers of its scores alone.
    new : the numbers that the record lacks. different : those that its scores do not give.
    problems : why the record or its scores can't be trusted; nothing is computed then.
    """

    extended: Result
    replaced: Result
    new: tuple[Change, ...] = ()
    different: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()


def rescore(result: Result, store: ResultStore) -> Rescored:
    """Compute all numbers of a result from its stored scores, and compare them with those of its record.

    Numbers agree when value and bounds do, to a millionth. Numbers of metrics from files stay as they are, since
    computing them would run code.
    """
    if result.status != "done":
        return Rescored(result, result)
    if problems := tuple(problem.text for problem in store.problems(result) if problem.kind != "numbers"):
        return Rescored(result, result, problems=problems)
    try:
        found = score(store.scores(result), result.classes, result.has_signal, yields=result.yields)
    except UserError as error:
        return Rescored(result, result, problems=(str(error),))
    columns = tuple({column.name: column for column in (*found.metric_columns, *result.metric_columns)}.values())
    recorded, computed = _flat(result.metrics, result.shifted), _flat(found.metrics, found.shifted)
    foreign = {n: v for n, v in recorded.items() if n not in computed and find_column(n.name, result.metric_columns)}
    new = [Change(number, None, value) for number, value in computed.items() if number not in recorded]
    changes = (Change(n, value, computed.get(n)) for n, value in recorded.items() if n not in foreign)
    different = [change for change in changes if change.size > TOLERANCE]
    if result.confusion_matrix != found.confusion_matrix:
        (new if result.confusion_matrix is None else different).append(Change(MATRIX))
    whole = result.model_copy(
        update={"shifted": {**result.shifted, **found.shifted}, "metric_columns": columns},
    )
    matrix = result.confusion_matrix or found.confusion_matrix
    return Rescored(
        extended=_with(whole, {**computed, **recorded}, matrix),
        replaced=_with(whole, {**computed, **foreign}, found.confusion_matrix),
        new=tuple(new),
        different=tuple(different),
    )


def _flat(metrics: Mapping[str, MetricValue], shifted: Mapping[str, ShiftedTest]) -> dict[Number, MetricValue]:
    """All numbers of a record."""
    parts = {"": metrics, **{shift: test.metrics for shift, test in shifted.items()}}
    return {Number(shift, name): value for shift, part in parts.items() for name, value in part.items()}


def _with(result: Result, numbers: Mapping[Number, MetricValue], matrix: list[list[int]] | None) -> Result:
    """The result with these numbers in place of its own."""

    def of(shift: str) -> dict[str, MetricValue]:
        return {number.name: value for number, value in numbers.items() if number.shift == shift}

    shifted = {shift: test.model_copy(update={"metrics": of(shift)}) for shift, test in result.shifted.items()}
    return result.model_copy(update={"metrics": of(""), "shifted": shifted, "confusion_matrix": matrix})


def _three(number: MetricValue | None) -> tuple[float | None, ...]:
    return (None, None, None) if number is None else (number.value, number.low, number.high)


def _distance(a: float | None, b: float | None) -> float:
    if a is None or b is None:
        return 0.0 if a is b else math.inf
    return abs(a - b) / max(1.0, abs(a), abs(b))


def _text(number: MetricValue | None) -> str:
    if number is None:
        return "none"
    value, low, high = ("none" if each is None else f"{each:.6g}" for each in _three(number))
    return f"{value} [{low}, {high}]"
