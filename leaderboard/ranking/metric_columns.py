"""The columns that metrics declare: built-in ones by the classes of this program, others by the results themselves.

Pages may be built from results of other people, so the code of metrics that are not built in is never loaded here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from benchmark.metrics.metric import MetricColumn, find_column
from benchmark.metrics.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from benchmark.records.result import Result

MOST_COLUMNS = 50
"""Columns, and families of columns, of metrics that are not built in, which a table has at most."""

HEADLINE_ORDER = 10
"""Where tables have the headline, whatever the metric declares: in the place of `auc`, and before it."""


@cache
def built_in() -> tuple[MetricColumn, ...]:
    """The columns of the metrics that are part of this program, in the order of tables."""
    names = [name for name, entry in METRICS.entries().items() if entry.origin == "package"]
    return in_order(column for name in names for column in METRICS.load(name).declared())


class Declared:
    """The columns of numbers: the built-in ones, then those that results declare.

    Of several columns with one name, the first counts. Results of strangers may declare any number of families, so only
    those that most of the results declare are known.
    """

    def __init__(self, results: Iterable[Result]) -> None:
        columns: dict[str, MetricColumn] = {}
        counts: Counter[str] = Counter()
        for result in results:
            for column in result.metric_columns:
                columns.setdefault(column.name, column)
            counts.update(dict.fromkeys((column.name for column in result.metric_columns), 1))
        self._built_in = {column.name: column for column in built_in()}
        foreign = {name: column for name, column in columns.items() if name not in self._built_in}
        self._foreign = {name: column for name, column in foreign.items() if not column.is_family}
        self._families = [foreign[name] for name in most_common(counts, foreign.keys() - self._foreign.keys())]
        self._known: dict[str, MetricColumn] = {}

    def __iter__(self) -> Iterator[MetricColumn]:
        """Those that are no families."""
        built = (column for column in self._built_in.values() if not column.is_family)
        return iter((*built, *self._foreign.values()))

    def of(self, metric: str) -> MetricColumn:
        """The column of a number; one with its name as header, listed with the details of rows, if none is declared."""
        if metric not in self._known:
            declared = find_column(metric, built_in()) or self._foreign.get(metric)
            # a name with angle brackets, from a broken record, must not become a family
            undeclared = MetricColumn(metric.replace("<", "("), metric if metric.strip() else "(no name)", order=None)
            self._known[metric] = declared or find_column(metric, tuple(self._families)) or undeclared
        return self._known[metric]


def in_tables(
    results: Sequence[Result], taken: Collection[str], headlines: Collection[str]
) -> tuple[tuple[MetricColumn, ...], int]:
    """The columns that tables of these results have, and how many are left out.

    taken : names of other columns.
    headlines : names of numbers that boards rank by, which are never left out.
    """
    declared = Declared(results)
    found = {column.name: column for column in declared}
    counts: Counter[str] = Counter()
    for result in results:
        members = [declared.of(name) for name in result.metrics]  # families have a column for each number that occurs
        found |= {column.name: column for column in members}
        counts.update(dict.fromkeys((column.name for column in (*members, *result.metric_columns)), 1))
    first = {name: replace(found[name], order=HEADLINE_ORDER) for name in sorted(headlines) if name in found}
    found = first | found | first  # in their places, too
    columns = [column for column in found.values() if column.order is not None and column.name not in taken]
    known = {column.name for column in built_in()}.union(headlines)
    foreign = {column.name for column in columns} - known
    kept = known.union(most_common(counts, foreign))
    return in_order(column for column in columns if column.name in kept), len(foreign - kept)


def most_common(counts: Counter[str], names: Collection[str]) -> list[str]:
    """The names that most results have, at most `MOST_COLUMNS`; of equally common ones the first."""
    return [name for name, _ in counts.most_common() if name in names][:MOST_COLUMNS]


def in_order(columns: Iterable[MetricColumn]) -> tuple[MetricColumn, ...]:
    """Columns as in tables: by their order, those of equal order as given, those without one last."""
    return tuple(sorted(columns, key=lambda column: (column.order is None, column.order or 0)))
