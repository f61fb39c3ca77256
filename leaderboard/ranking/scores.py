"""The scores behind the rows: what they say about each result, and the scores themselves, in bounded memory."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.auc import area
from benchmark.metrics.comparison import same_order
from benchmark.records.scores import IDS_OF_A_PROCESS, ScoredEvents
from benchmark.records.scoring import scored_of
from benchmark.records.verification import Problem, headline_area, recomputed_number, verify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from benchmark.metrics.auc import Area
    from benchmark.metrics.metric import Scored
    from benchmark.records.result import Result
    from benchmark.records.scores import Scores
    from benchmark.records.store import ResultStore

Place = tuple[str, str, str, int, str, bool]

MOST_BYTES = 500_000_000
"""Scores that are kept in memory. Others are read again when they are needed."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the scores of a result say.

    Parameters
    ----------
    problems : see `benchmark.records.verification.verify`.
    area : the headline with the influence of every event, in the order of event ids; None without scores, if a class
        has no test events, or if the headline is no area.
    events : the test events; None without scores.
    """

    problems: tuple[Problem, ...] = ()
    area: Area | None = None
    events: ScoredEvents | None = None


class ScoreBook:
    """What the scores of results say, each read once; without a store, nothing but whether a record was changed."""

    def __init__(self, store: ResultStore | None) -> None:
        self._store = store
        self._evidence: dict[Place, Evidence] = {}
        self._kept: OrderedDict[Place, Scores] = OrderedDict()
        self._other_events: dict[Place, Problem] = {}
        self._parts: dict[tuple[Place, str, str], Area | None] = {}
        self._common: dict[tuple[str, str], Places | None] = {}

    def get(self, result: Result) -> Scored | None:
        """Its scores in the order of event ids, or None if they are missing or malformed."""
        scores = self._read(result)
        return None if scores is None else scored_of(scores, result.classes, result.has_signal)

    def evidence(self, result: Result) -> Evidence:
        """What its scores say."""
        place = _place(result)
        if place not in self._evidence:
            self._evidence[place] = self._examine(result)
        return self._evidence[place]

    def problems(self, result: Result) -> tuple[Problem, ...]:
        """Why not to trust a result: of itself, and after `compare` of its test events."""
        place = _place(result)
        other = [self._other_events[place]] if place in self._other_events else []
        return (*self.evidence(result).problems, *other)

    def compare(self, results: Iterable[Result]) -> None:
        """Compare the test events of results with one fingerprint: ids, labels, weights and masses.

        The fingerprint covers all columns of the events, so that scores alone can't prove it. Where results differ,
        those that have other events than more than half of them are not trusted; if no events have that many, none is.
        """
        evidence = {_place(result): self.evidence(result) for result in results}
        events = {p: e.events.sha256 for p, e in evidence.items() if e.events is not None and not e.problems}
        counts = Counter(events.values())
        common, count = counts.most_common(1)[0] if counts else ("", 0)
        if count == len(events):
            return
        columns = "(ids, labels, weights or masses)"
        text = f"other test events {columns} than {count} of {len(events)} results with its fingerprint"
        if 2 * count <= len(events):
            common, text = "", f"results with its fingerprint have different test events {columns}"
        problem = Problem(
            "events", f"{text}; delete those that you do not know, or run the cell with --overwrite always"
        )
        self._other_events |= {place: problem for place, found in events.items() if found != common}

    def share_events(self, a: Result, b: Result) -> bool:
        """Whether the test events of one result are among those of the other."""
        return self._places(a, b) is not None

    def area(self, result: Result, number: str, among: Result) -> Area | None:
        """A number of a result as an area on those of its test events that another result has, too.

        None without scores, if the events of neither are among those of the other, or if the number is no area.
        """
        own, other = self.evidence(result).events, self.evidence(among).events
        places = self._places(result, among)
        if own is None or other is None or places is None:
            return None
        if own.sha256 == other.sha256 and number == recomputed_number(result):
            return self.evidence(result).area
        key = _place(result), number, "" if places[0] is None else other.sha256
        if key not in self._parts:
            scored = self.get(result)
            self._parts[key] = None if scored is None else _area(_chosen(scored, places[0]), number)
        return self._parts[key]

    def common(
        self, result: Result, among: Result
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]] | None:
        """Ids, labels and probabilities of those test events of a result that another has, too; None without scores."""
        scored, events, places = self.get(result), self.evidence(result).events, self._places(result, among)
        if scored is None or events is None or places is None:
            return None
        chosen = slice(None) if places[0] is None else places[0]
        return events.event_ids[chosen], scored.labels[chosen], scored.scores[chosen]

    def places(self, result: Result, among: Result) -> NDArray[np.intp] | None:
        """Where the test events of a result are among those of another, which include them; None if they do not."""
        found, other = self._places(result, among), self.evidence(among).events
        if found is None or found[0] is not None or other is None:
            return None
        return np.arange(len(other.event_ids)) if found[1] is None else found[1]

    def same_order(self, a: Result, b: Result) -> bool:
        """Whether the scores of two results order the events that both have alike."""
        first, second, places = self.get(a), self.get(b), self._places(a, b)
        if first is None or second is None or places is None:
            return False
        return same_order(_chosen(first, places[0]).scores, _chosen(second, places[1]).scores)

    def _places(self, a: Result, b: Result) -> Places | None:
        first, second = self.evidence(a).events, self.evidence(b).events
        if first is None or second is None:
            return None
        key = first.sha256, second.sha256
        if key not in self._common:
            self._common[key] = common_events(first, second)
        return self._common[key]

    def _read(self, result: Result) -> Scores | None:
        place = _place(result)
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place]
        known = self._evidence.get(place)
        if self._store is None or result.scores_sha256 is None or (known is not None and known.events is None):
            return None
        scores = self._store.scores_or_reason(result)
        return None if isinstance(scores, str) else self._keep(place, scores)

    def _examine(self, result: Result) -> Evidence:
        if result.status != "done" or self._store is None:
            return Evidence(tuple(problem for problem in verify(result, None) if problem.kind != "scores"))
        read = self._store.scores_or_reason(result)
        if isinstance(read, str):
            return Evidence(verify(result, read))
        scores = self._keep(_place(result), read)
        found = headline_area(result, scores)
        return Evidence(verify(result, read, found), found, scores.events)

    def _keep(self, place: Place, scores: Scores) -> Scores:
        self._kept[place] = scores
        total = sum(_size(kept) for kept in self._kept.values())
        while total > MOST_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            total -= _size(oldest)
        return scores


Places = tuple["NDArray[np.intp] | None", "NDArray[np.intp] | None"]
"""Where the common events of two sets are in each of them; None where these are all of its events."""


def common_events(a: ScoredEvents, b: ScoredEvents) -> Places | None:
    """Where the events that two sets have in common are in each of them, in the order of event ids.

    None unless one set is the beginning of the other: the first events of each process, in the same proportion, with
    the same labels, weights and masses. Any other part of a test set may have been chosen for its scores.
    """
    if a.sha256 == b.sha256:
        return None, None
    if len(a.event_ids) > len(b.event_ids):
        places = _beginning(b, of=a)
        return None if places is None else (places, None)
    places = _beginning(a, of=b)
    return None if places is None else (None, places)


def _beginning(few: ScoredEvents, of: ScoredEvents) -> NDArray[np.intp] | None:
    """Where the events of one set are in a larger one, of which it is the beginning; None if it is not."""
    if set(few.columns()) != set(of.columns()):
        return None
    process, counts = np.unique(few.event_ids // IDS_OF_A_PROCESS, return_counts=True)
    all_processes, all_counts = np.unique(of.event_ids // IDS_OF_A_PROCESS, return_counts=True)
    if not np.array_equal(process, all_processes) or np.any(counts * all_counts[0] != counts[0] * all_counts):
        return None
    starts = np.cumsum(all_counts) - all_counts
    places = np.concatenate([start + np.arange(count) for start, count in zip(starts, counts, strict=True)])
    part = {name: column[places] for name, column in of.columns().items()}
    return places if ScoredEvents(**part).sha256 == few.sha256 else None


def _chosen(scored: Scored, places: NDArray[np.intp] | None) -> Scored:
    if places is None:
        return scored
    weights = None if scored.weights is None else scored.weights[places]
    return replace(scored, labels=scored.labels[places], scores=scored.scores[places], weights=weights)


def _size(scores: Scores) -> int:
    """Bytes of its test scores, with the probabilities that are made of them."""
    return scores.log_ratios.nbytes + 8 * scores.log_ratios.size + 8 * len(scores.log_ratios)


def _place(result: Result) -> Place:
    """What the name of its files is made of; keys alone may be claimed by several records."""
    return result.task, result.representation, result.model, result.seed, result.key, result.published


def _area(scored: Scored, number: str) -> Area | None:
    try:
        return area(number, scored)
    except UserError:  # a class has no test events
        return None
