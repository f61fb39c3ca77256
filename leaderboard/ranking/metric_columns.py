"""The columns that metrics declare: built-in ones by the classes of this program, others by the results themselves.

Pages may be built from results of other people, so the code of metrics that are not built in is never loaded here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from benchmark.metrics.metric import MetricColumn, find_column
from benchmark.metrics.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmark.records.result import Result


@cache
def built_in() -> tuple[MetricColumn, ...]:
    """The columns of the metrics that are part of this program, in the order of tables."""
    names = [name for name, entry in METRICS.entries().items() if entry.origin == "package"]
    return in_order(column for name in names for column in METRICS.load(name).declared())


def declared_by(results: Iterable[Result]) -> tuple[MetricColumn, ...]:
    """The built-in columns, then those that results declare; of several with one name, the first."""
    columns = {column.name: column for column in built_in()}
    for result in results:
        for column in result.metric_columns:
            columns.setdefault(column.name, column)
    return tuple(columns.values())


def column_of(metric: str, columns: tuple[MetricColumn, ...]) -> MetricColumn:
    """The column of a number; one with its name as header, listed with the details of rows, if none is declared."""
    declared = find_column(metric, columns)
    # a name with angle brackets, from a broken record, must not become a family
    return declared or MetricColumn(metric.replace("<", "("), metric if metric.strip() else "(no name)", order=None)


def in_order(columns: Iterable[MetricColumn]) -> tuple[MetricColumn, ...]:
    """Columns as in tables: by their order, those of equal order as given, those without one last."""
    return tuple(sorted(columns, key=lambda column: (column.order is None, column.order or 0)))
