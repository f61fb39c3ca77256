"""The scores behind the rows: what they say about each result, and the scores themselves, in bounded memory."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.auc import headline
from benchmark.metrics.comparison import same_order
from benchmark.records.verification import verify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.metrics.auc import Area
    from benchmark.records.result import Result, Scores
    from benchmark.records.store import ResultStore
    from benchmark.records.verification import Problem

Place = tuple[str, str, str, int, str]

MOST_BYTES = 500_000_000
"""Scores that are kept in memory. Others are read again when they are needed."""


@dataclass(frozen=True, eq=False)
class OrderedScores:
    """Scores of one result in the order of event ids: all (n,), but `scores` (n, classes)."""

    event_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    weights: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Bytes of all arrays."""
        return sum(column.nbytes for column in vars(self).values())


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the scores of a result say.

    Parameters
    ----------
    problems : see `benchmark.records.verification.verify`.
    area : the AUC with the influence of every event, in the order of event ids; None without scores, or if a class has
        no test events.
    events : hash of the test events with their labels and weights; empty without scores.
    shape : of the scores.
    """

    problems: tuple[Problem, ...] = ()
    area: Area | None = None
    events: str = ""
    shape: tuple[int, ...] = ()


class ScoreBook:
    """What the scores of results say, each read once; without a store, nothing but whether a record was changed."""

    def __init__(self, store: ResultStore | None) -> None:
        self._store = store
        self._evidence: dict[Place, Evidence] = {}
        self._kept: OrderedDict[Place, OrderedScores] = OrderedDict()

    def get(self, result: Result) -> OrderedScores | None:
        """Its scores, or None if they are missing or malformed."""
        place = _place(result)
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place]
        known = self._evidence.get(place)
        if self._store is None or result.scores_sha256 is None or (known is not None and not known.events):
            return None
        scores = self._store.scores_or_reason(result)
        return None if isinstance(scores, str) else self._keep(place, scores)

    def evidence(self, result: Result) -> Evidence:
        """What its scores say."""
        place = _place(result)
        if place not in self._evidence:
            self._evidence[place] = self._examine(result)
        return self._evidence[place]

    def area(self, result: Result, *, signal: bool) -> Area | None:
        """Its AUC, for comparisons of rows.

        Parameters
        ----------
        signal : whether class 0 is the signal; if not, the area is the mean over classes.
        """
        if signal == result.has_signal:
            return self.evidence(result).area
        scores = self.get(result)
        return _area(scores, signal=signal) if scores else None

    def same_order(self, a: Result, b: Result) -> bool:
        """Whether the scores of two results order the events alike."""
        first, second = self.get(a), self.get(b)
        return first is not None and second is not None and same_order(first.scores, second.scores)

    def _examine(self, result: Result) -> Evidence:
        if result.status != "done" or self._store is None:
            return Evidence(tuple(problem for problem in verify(result, None) if problem.kind != "scores"))
        read = self._store.scores_or_reason(result)
        if isinstance(read, str):
            return Evidence(verify(result, read))
        scores = self._keep(_place(result), read)
        area = _area(scores, signal=result.has_signal)
        return Evidence(verify(result, read, area), area, _events(scores), scores.scores.shape)

    def _keep(self, place: Place, scores: Scores) -> OrderedScores:
        ordered = _in_order(scores)
        self._kept[place] = ordered
        total = sum(kept.size for kept in self._kept.values())
        while total > MOST_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            total -= oldest.size
        return ordered


def _place(result: Result) -> Place:
    """What the name of its files is made of; keys alone may be claimed by several records."""
    return result.task, result.representation, result.model, result.seed, result.key


def _area(scores: OrderedScores, *, signal: bool) -> Area | None:
    try:
        return headline(scores.labels, scores.scores, scores.weights, signal=signal)
    except UserError:  # a class has no test events
        return None


def _events(scores: OrderedScores) -> str:
    made = hashlib.sha256()
    for column in (scores.event_ids, scores.labels, scores.weights):
        made.update(column.tobytes())
    return made.hexdigest()


def _in_order(scores: Scores) -> OrderedScores:
    order = np.argsort(scores.event_ids, kind="stable")
    return OrderedScores(
        event_ids=scores.event_ids[order],
        labels=scores.labels[order].astype(np.int64),
        scores=scores.scores[order].astype(np.float64),
        weights=scores.weights[order].astype(np.float64),
    )
