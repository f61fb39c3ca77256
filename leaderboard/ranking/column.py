"""A column of boards, and its entries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from benchmark.metrics.metric import Estimate, MetricColumn
from leaderboard.formatting import shared_decimals, write_estimate
from leaderboard.ranking.row import INVERTED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leaderboard.ranking.row import Row

Value = Estimate | float | int | str | None


@dataclass(frozen=True)
class TableEntry:
    """One entry of a table: its text, and the number, with bounds, by which it is sorted."""

    text: str
    value: float | int | str | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    mark: str = ""

    @property
    def is_limit(self) -> bool:
        """Whether only a lower limit is known, such as `> 411` if no background event passed."""
        return self.value is None and self.low is not None

    @property
    def parts(self) -> tuple[str, str]:
        """The number and its interval, for narrow tables that have the interval below the number."""
        if self.value is None or (self.low is None and self.high is None):
            return self.text, ""
        number, _, interval = self.text.partition(" ")
        return number, interval.replace("± ", "±\N{NO-BREAK SPACE}")

    @property
    def marked_text(self) -> str:
        """The text with its mark, if it has one."""
        return f"{self.text} ({self.mark})" if self.mark else self.text


@dataclass(frozen=True)
class BoardColumn:
    """A column of boards.

    Parameters
    ----------
    name : for files.
    header : for tables.
    description : one line for tooltips.
    read : the value in a row.
    write : a number as text, for values without interval; None for text.
    better : which direction is better, if any.
    metric : what the metric declares, for columns of metrics.
    always : whether tables have the column even if all its values are missing.
    common : whether tables give the value once if all rows have the same. Those with a `sentence` are then given as
        such, with the value in place of ``{}``.
    """

    name: str
    header: str
    description: str
    read: Callable[[Row], Value]
    write: Callable[[float], str] | None = None
    better: Literal["higher", "lower"] | None = None
    metric: MetricColumn | None = None
    always: bool = False
    common: bool = False
    sentence: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether its values are estimates with bounds."""
        return self.metric is not None

    @property
    def numeric(self) -> bool:
        """Whether it is aligned to the right and sorted as a number."""
        return self.has_interval or self.write is not None

    def entry(self, row: Row, digits: int | None = None) -> TableEntry:
        """Its entry in a row. digits: decimals of an estimate; by default as many as its interval needs."""
        value = self.read(row)
        if isinstance(value, Estimate):
            plain = replace(value, low=None, high=None) if row.problems and value.value is not None else value
            text = write_estimate(plain, digits)
            return TableEntry(text, value.value, value.low, value.high, value.reason, self._mark(row, value))
        if value is None:
            return TableEntry("–")
        if isinstance(value, str):
            return TableEntry(value, value)
        return TableEntry(self.write(value) if self.write else str(value), value)

    def _mark(self, row: Row, value: Estimate) -> str:
        if self.name == row.headline:
            return ", ".join(row.warnings)
        return INVERTED if self.metric is not None and self.metric.is_inverted(value) else ""

    def entries(self, rows: Sequence[Row]) -> list[TableEntry]:
        """Its entries in all rows, with the same decimals unless values differ by powers of ten, as rejections do."""
        digits = None
        if self.metric is not None and self.metric.scale != "inverse":
            digits = shared_decimals(value for row in rows if isinstance(value := self.read(row), Estimate))
        return [self.entry(row, digits) for row in rows]
