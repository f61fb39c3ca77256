"""A board: rows that may be compared, and what is said of all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benchmark.metrics.cvm import EVENTS_TO_BOUND
from leaderboard.ranking.metric_columns import Declared
from leaderboard.ranking.names import SIZES

if TYPE_CHECKING:
    from benchmark.metrics.metric import MetricColumn
    from benchmark.records.result import PluginOrigin, Result
    from leaderboard.ranking.row import Row

UNRANKED_PRESETS = frozenset({"smoke"})
"""Presets that only test that everything runs."""

CVM, CVM_EVENTS = "cvm", "cvm_events"
"""The number whose bound needs many events, and that which counts them."""

_NOT_FILES = frozenset({"generated", "none"})


@dataclass(frozen=True)
class Board:
    """Rows that may be compared: one task and variant, task version, source, level and preset, and nested test events.

    Parameters
    ----------
    fingerprint : of the fewest test events that a row has; those of other rows include them.
    name : the task with the parameters that make the variant, and its origin unless it is built in.
    rows : ranked rows, best first, with the expert line among them; then rows with other numbers of training events;
        then rows that exceed a bound; then rows with problems; then rows without headline.
    outdated : whether a later version of the task has results.
    headline : the metric that its rows are ranked by.
    """

    task: str
    variant: dict[str, Any]
    task_version: str
    source: str
    fingerprint: str
    level: str
    preset: str
    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    task_origin: PluginOrigin | None = None
    outdated: bool = False
    name: str = ""
    headline: str = "auc"

    @property
    def ranked(self) -> bool:
        """Whether its rows are ranked."""
        return not self.unranked

    @property
    def unranked(self) -> str:
        """Why its rows are not ranked, a sentence; empty if they are."""
        if self.preset in UNRANKED_PRESETS:
            return f"The {self.preset} preset only tests that everything runs; its rows are not ranked."
        return self._newest.unranked

    @property
    def note(self) -> str:
        """What a reader must know of its events, in the words of the task, as a sentence; empty for nothing."""
        note = self._newest.note.rstrip(".")
        return f"{note[0].upper()}{note[1:]}." if note else ""

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of all its sets of test events."""
        return tuple(dict.fromkeys([self.fingerprint, *(result.fingerprint for result in self.results)]))

    @cached_property
    def _newest(self) -> Result:
        """The newest record of a row without problems, whose words on the board count."""
        verified = [result for row in self.rows if not row.problems for result in row.done]
        return max(verified or self.results, key=lambda result: result.created)

    @property
    def expert_line(self) -> str:
        """What the expert line is, or why there is none, a sentence; empty if its records do not say."""
        newest = self._newest
        if newest.expert:
            models = ", ".join(dict.fromkeys(row.model for row in self.rows if row.is_expert and row.done))
            columns = ", ".join(newest.expert)
            return f"Expert line: {models} on {columns}." if models else f"No row of the expert line ({columns})."
        return f"No expert line: {newest.expert_note}." if newest.expert_note else ""

    @property
    def results(self) -> tuple[Result, ...]:
        """The records of all its rows."""
        return tuple(result for row in self.rows for result in row.results)

    @property
    def fast_simulation(self) -> bool:
        """Whether the detector simulation of this suite made its events."""
        return any(result.fast_simulation for result in self.results)

    @property
    def macro(self) -> bool:
        """Whether no class is the signal: `auc` is the mean over classes, and there is no background rejection."""
        return any(not result.has_signal for row in self.rows for result in row.done)

    @cached_property
    def bounds(self) -> dict[str, float]:
        """The largest values that metrics may have in a ranked row, by the newest record of a row without problems."""
        return self._newest.bounds if self.ranked else {}

    def beyond(self, row: Row) -> bool:
        """Whether a row has a headline but no rank because a bounded metric is too large or unknown.

        A row with problems is none of these: its numbers are not known. Too few events bound nothing.
        """
        bounds = [(name, most) for name, most in self.bounds.items() if not (name == CVM and self.too_few(row))]
        values = [(row.estimate(metric).value, most) for metric, most in bounds]
        exceeds = any(value is None or value > most for value, most in values)
        return exceeds and row.score.value is not None and not row.problems

    def too_few(self, row: Row) -> bool:
        """Whether a row has a CVM of too few background events to tell whether it is within the bound."""
        events = row.estimate(CVM_EVENTS).value
        return CVM in self.bounds and not row.problems and events is not None and events < EVENTS_TO_BOUND

    @cached_property
    def train_events(self) -> int | None:
        """The number of training events that most rows have, the larger of two: only these rows are ranked."""
        counts = Counter(row.train_events for row in self.rows if row.train_events is not None and not row.problems)
        return max(counts, key=lambda events: (counts[events], events), default=None)

    def other_training(self, row: Row) -> bool:
        """Whether a row was trained on another number of events than the ranked ones, as for a learning curve."""
        return row.train_events not in (None, self.train_events)

    @property
    def best(self) -> Row | None:
        """The first row with a rank, if any."""
        return next((row for row in self.rows if row.rank), None)

    @cached_property
    def metric_columns(self) -> Declared:
        """The columns of all metrics that its results may have."""
        return Declared(self.results)

    @property
    def headline_column(self) -> MetricColumn:
        """What the metric declares that its rows are ranked by."""
        return self.metric_columns.of(self.headline)

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of the variant, without sizes if the events come from files."""
        if self.source in _NOT_FILES:
            return self.variant
        return {key: value for key, value in self.variant.items() if key not in SIZES}

    @property
    def title(self) -> str:
        """One line: task and variant, level, preset, source and version."""
        where = f"{self.level} level, {self.preset} preset, {self.source}, version {self.task_version}"
        return f"{self.name or self.task}: {where}"
