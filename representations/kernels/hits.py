"""Hits of calorimeters, and tracks, as flat, checked columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import Skip, UserError
from tasks.detector.geometry import (
    BARREL,
    ENDCAPS,
    HCAL,
    HCAL_SINGLE,
    barrel_direction,
    endcap_direction,
    hcal_direction,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from tasks.events import Events

GRIDS = {"ecal": BARREL, "ecal_endcap": ENDCAPS, "hcal": HCAL}
"""Rows and columns of each calorimeter."""
DIRECTIONS: Mapping[str, Callable[..., Any]] = {
    "ecal": barrel_direction,
    "ecal_endcap": endcap_direction,
    "hcal": hcal_direction,
}


@dataclass(frozen=True)
class Hits:
    """All hits (or tracks) of a column of the Events table, end to end.

    Parameters
    ----------
    events : number of events.
    event : (total,) position of each hit's event.
    fields : by name, (total,) each; rows and columns are int64, the others float64.
    """

    events: int
    event: NDArray[np.int64]
    fields: Mapping[str, NDArray[Any]]

    def __getitem__(self, field: str) -> NDArray[Any]:
        return self.fields[field]

    def __len__(self) -> int:
        return len(self.event)

    def only(self, kept: NDArray[Any]) -> Hits:
        """Some of the hits."""
        return Hits(self.events, self.event[kept], {name: values[kept] for name, values in self.fields.items()})

    def with_fields(self, **more: NDArray[Any]) -> Hits:
        """The hits with fields added or replaced."""
        return replace(self, fields={**self.fields, **more})

    def sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum over the hits of each event, (events,), of one value a hit."""
        return np.bincount(self.event, values, self.events).astype(np.float64)


def hits_of(events: Events, column: str, fields: Sequence[str]) -> Hits:
    """These fields of a column of hits or tracks, in the order of the table.

    Energies below zero are valid: noise may read so.

    Raises
    ------
    Skip : if the events have no such column.
    UserError : naming the event, for lists that are missing, differ in length or have decreasing offsets, for numbers
        that are missing, NaN or infinite, and for a cell that does not exist: it would land in the next picture.
    """
    if not events.has(column):
        task, level, holds = events.info.task, events.info.level, events.info.holds
        why = f"the files hold {holds}" if holds else f"which are of the level '{level}'"
        raise Skip(f"{task}: no calorimeter hits in these events, {why}")
    counts = lengths(events, column, fields)
    flat = {field: _flat(events.table[column][field]) for field in fields}
    hits = Hits(len(events), np.repeat(np.arange(len(events)), counts), flat)
    for field in fields:
        _check(events, hits, column, field, ~np.isfinite(hits[field]), "that is missing, NaN or infinite")
    if column not in GRIDS:
        return hits
    place = {axis: hits[axis].astype(np.int64) for axis in ("row", "column")}
    for axis, cell in place.items():
        _check(events, hits, column, axis, hits[axis] != cell, "that is no whole number")
    for axis, size in zip(place, GRIDS[column], strict=True):
        _check(events, hits, column, axis, (place[axis] < 0) | (place[axis] >= size), f"outside 0 to {size - 1}")
    if column == "hcal":
        odd = wide(place["row"]) & (place["column"] % 2 == 1)
        _check(events, hits, column, "column", odd, "odd, where a tower is two columns wide and stored at the even one")
    return hits.with_fields(**place)


def wide(row: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the HCAL towers of these rows are two columns wide."""
    return np.asarray(np.abs(row - HCAL[0] / 2 + 0.5) > HCAL_SINGLE)


def transverse(hits: Hits, column: str) -> NDArray[np.float64]:
    """Sum of pt of the tracks, or of the transverse energies of the hits, of each event, (events,) in GeV.

    An energy below zero counts as none.
    """
    if column not in GRIDS:
        return hits.sums(hits["pt"])
    eta, _ = DIRECTIONS[column](hits["row"], hits["column"])
    return hits.sums(np.maximum(hits["energy"], 0.0) / np.cosh(eta))


def lengths(events: Events, column: str, fields: Sequence[str]) -> NDArray[np.int64]:
    """How many entries of a column of lists each event has, (events,).

    Raises UserError for a missing field, and, naming the event, if fields disagree or offsets decrease or point beyond
    the end. Awkward flattens such lists without an error, and later entries would belong to other events.
    """
    rows = events.table[column]
    lost = [field for field in fields if field not in rows.fields]
    if lost:
        raise UserError(
            f"{events.info.task}: its {column} have no {', '.join(lost)} (found: {', '.join(rows.fields)}), expected "
            f"{', '.join(fields)}. Make the events with them, or choose options that do not need them."
        )
    one_list = rows.ndim > 1  # lists of records have one length for all fields
    if one_list:
        return lists_of(events, column, rows[fields[0]])[0]
    found = {field: lists_of(events, f"{column}.{field}", rows[field]) for field in fields}
    counts, _ = found[fields[0]]
    for field, (number, _) in found.items():
        _raise_for(events, number != counts, f"has lists of different lengths as {column}.{fields[0]} and {field}")
    return counts


def lists_of(events: Events, column: str, rows: ak.Array) -> tuple[NDArray[np.int64], ak.Array]:
    """How many entries the list of each event has, (events,), and all of them flat.

    Raises UserError, naming the event, for a missing list and for offsets that decrease or point beyond the end.
    """
    counts = np.ma.filled(np.ma.asarray(ak.to_numpy(ak.num(rows, axis=1)), np.int64), -1)
    try:
        flat = ak.flatten(rows, axis=1)
    except ValueError as error:  # starts and stops that do not fit the content
        reason = str(error).splitlines()[0]
        raise UserError(f"{events.info.task}: the lists of {column} are broken ({reason}). Make them again.") from error
    wrong = (counts < 0) | (np.cumsum(counts) > len(flat))
    _raise_for(events, wrong, f"has no list of {column}: it is missing, or its offsets are not in order")
    return counts, flat


def _flat(lists: ak.Array) -> NDArray[Any]:
    """(total,) float64, NaN where a number is missing."""
    flat = ak.to_numpy(ak.flatten(lists, axis=1))
    return np.ma.filled(np.ma.asarray(flat, np.float64), np.nan)


def _check(events: Events, hits: Hits, column: str, field: str, wrong: NDArray[np.bool_], what: str) -> None:
    if wrong.any():
        flagged = hits.sums(wrong) > 0
        thing = "a cell of " + column if column in GRIDS else "one of its " + column
        _raise_for(events, flagged, f"has {thing} with its {field} {what}")


def _raise_for(events: Events, wrong: NDArray[np.bool_], what: str) -> None:
    if len(first := np.flatnonzero(wrong)):
        event = events.column("event_id")[first[0]]
        raise UserError(f"{events.info.task}: event {event} {what}. Remove or correct this event.")
