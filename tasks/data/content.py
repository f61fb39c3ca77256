"""Sums over the events of a data set: the number of each class and split, and the fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
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
    """

    def __init__(self, what: str, processes: Sequence[str]) -> None:
        self.what = what
        self.processes = tuple(processes)
        self._counts = np.zeros((len(self.processes), len(SPLITS)), np.int64)
        self._fingerprint = Fingerprint(what)

    def add(self, table: ak.Array) -> None:
        """Add the events of a shard. Raises UserError for a label or split out of range."""
        label, split = np.asarray(ak.to_numpy(table["label"])), split_of(table)
        self._check(table, "label", label, len(self.processes))
        self._check(table, "split", split, len(SPLITS))
        np.add.at(self._counts, (label, split), 1)
        self._fingerprint.add(table)

    def summary(self) -> dict[str, Any]:
        """`counts`, `fingerprint` and `content` of the manifest.

        Raises UserError when two events have one id.
        """
        content = self._fingerprint.all_events()  # first: its error counts all events
        rows = self._counts.tolist()
        counts = {name: dict(zip(SPLITS, row, strict=True)) for name, row in zip(self.processes, rows, strict=True)}
        fingerprint = self._fingerprint.test_events()
        return {"counts": counts, "fingerprint": fingerprint, "content": content}

    def _check(self, table: ak.Array, column: str, values: NDArray[Any], size: int) -> None:
        wrong = np.flatnonzero((values < 0) | (values >= size))
        if len(wrong):
            event = int(table["event_id"][int(wrong[0])])
            raise UserError(
                f"{self.what}: event {event} has {column} {values[wrong[0]]}, expected 0 to {size - 1}. "
                "Remove or correct this event."
            )
