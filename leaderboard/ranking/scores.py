"""The scores behind the rows: each file is read once, and used only if it is valid."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.auc import headline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.metrics.auc import Area
    from benchmark.records.result import Result, Scores
    from benchmark.records.store import ResultStore


@dataclass(frozen=True, eq=False)
class OrderedScores:
    """Scores of one result in the order of event ids: all (n,), but `scores` (n, classes)."""

    event_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    weights: NDArray[np.float64]


class ScoreBook:
    """Scores of results, each read once. A result has none if its scores are missing or malformed."""

    def __init__(self, store: ResultStore | None) -> None:
        self._store = store
        self._read: dict[str, OrderedScores | None] = {}
        self._areas: dict[tuple[str, bool], Area | None] = {}

    def get(self, result: Result) -> OrderedScores | None:
        """Its scores, or None."""
        if result.key not in self._read:
            self._read[result.key] = self._load(result)
        return self._read[result.key]

    def area(self, result: Result, *, signal: bool) -> Area | None:
        """Its AUC with the influence of every event, computed once, for comparisons of all pairs of rows.

        None without scores, or if a class has no test events.

        Parameters
        ----------
        signal : whether class 0 is the signal; if not, the area is the mean over classes.
        """
        key = (result.key, signal)
        if key not in self._areas:
            scores = self.get(result)
            try:
                self._areas[key] = (
                    headline(scores.labels, scores.scores, scores.weights, signal=signal) if scores else None
                )
            except UserError:
                self._areas[key] = None
        return self._areas[key]

    def _load(self, result: Result) -> OrderedScores | None:
        if self._store is None or result.scores_sha256 is None:
            return None
        try:
            scores = self._store.scores(result)
        except (UserError, OSError, TypeError, ValueError, zipfile.BadZipFile):
            return None  # a board without curves is better than no page
        return _in_order(scores) if _is_sound(scores, len(result.classes)) else None


def same_events(a: OrderedScores, b: OrderedScores) -> bool:
    """Whether both are scores of the same test events."""
    names = ("event_ids", "labels", "weights")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def _is_sound(scores: Scores, classes: int) -> bool:
    rows = len(scores.labels)
    return (
        rows > 0
        and scores.scores.shape == (rows, classes)
        and all(column.shape == (rows,) for column in (scores.event_ids, scores.labels, scores.weights))
        and np.issubdtype(scores.labels.dtype, np.integer)
        and 0 <= int(scores.labels.min()) <= int(scores.labels.max()) < classes
        and bool(np.isfinite(scores.scores).all())
        and bool(np.isfinite(scores.weights).all())
    )


def _in_order(scores: Scores) -> OrderedScores:
    order = np.argsort(scores.event_ids, kind="stable")
    return OrderedScores(
        event_ids=scores.event_ids[order],
        labels=scores.labels[order].astype(np.int64),
        scores=scores.scores[order].astype(np.float64),
        weights=scores.weights[order].astype(np.float64),
    )
