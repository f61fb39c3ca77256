"""Engineered numbers of events as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.events import Events


def candidate(events: Events, names: Sequence[str]) -> NDArray[np.float32]:
    """Fields of the record `candidate`, (events, names). Raises UserError for a number that is NaN or infinite."""
    columns = [np.asarray(ak.to_numpy(events.table["candidate", name]), np.float32) for name in names]
    values = np.stack(columns, axis=1)
    if len(bad := np.argwhere(~np.isfinite(values))):
        event, name = events.column("event_id")[bad[0, 0]], names[bad[0, 1]]
        raise UserError(
            f"{events.info.task}: event {event} has candidate.{name} {values[tuple(bad[0])]}, expected a finite "
            "number. Remove or correct this event."
        )
    return values
