"""Sums over the events of a data set: the number of each class and split, and the fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from benchmark.records.prefix import Prefix
from tasks.data.fingerprint import Fingerprint
from tasks.events import SPLITS, split_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Content:
    """Counts and fingerprints of shards, which are added one after the other in any order.

    Parameters
    ----------
    what : the data set, for error messages.
    processes : the classes as stored; a label is a position in them.
    nested : whether these are the shards of a test set, one of each process in turn.
    """

    def __init__(self, what: str, processes: Sequence[str], *, nested: bool = False) -> None:
        self.what = what
        self.processes = tuple(processes)
        self.nested = nested
        self._events: list[int] = []
        self._counts = np.zeros((len(self.processes), len(SPLITS)), np.int64)
        self._fingerprint = Fingerprint(what)

    def add(self, table: ak.Array) -> None:
        """Add the events of a shard. Raises UserError for a label or split out of range."""
        label, split = np.asarray(ak.to_numpy(table["label"])), split_of(table)
        self._check(table, "label", label, len(self.processes))
        self._check(table, "split", split, len(SPLITS))
        np.add.at(self._counts, (label, split), 1)
        self._events.append(len(table))
        self._fingerprint.add(table)

    def summary(self) -> dict[str, Any]:
        """`counts`, `fingerprint`, `content` and `prefixes` of the manifest.

        Raises UserError when two events have one id.
        """
        content = self._fingerprint.all_events()  # first: its error counts all events
        rows = self._counts.tolist()
        counts = {name: dict(zip(SPLITS, row, strict=True)) for name, row in zip(self.processes, rows, strict=True)}
        fingerprint = self._fingerprint.test_events()
        return {"counts": counts, "fingerprint": fingerprint, "content": content, "prefixes": self._prefixes()}

    def _prefixes(self) -> list[Prefix]:
        """The fingerprints after each round of processes."""
        each = len(self.processes)
        ends = range(each, len(self._events) + 1, each) if self.nested else ()
        return [
            Prefix(events=sum(self._events[:end]) // each, fingerprint=self._fingerprint.first(end)) for end in ends
        ]

    def _check(self, table: ak.Array, column: str, values: NDArray[Any], size: int) -> None:
        wrong = np.flatnonzero((values < 0) | (values >= size))
        if len(wrong):
            event = int(table["event_id"][int(wrong[0])])
            raise UserError(
                f"{self.what}: event {event} has {column} {values[wrong[0]]}, expected 0 to {size - 1}. "
                "Remove or correct this event."
            )
