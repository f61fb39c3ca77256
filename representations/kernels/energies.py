"""Energies of pixels: divided by a scale of the event, in logarithms, and stored as images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from benchmark.core.errors import UserError
from representations.representation import truth
from representations.samples import Images, Panel, Ragged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.events import Events

Sums = tuple["NDArray[np.int64]", "NDArray[np.int32]", "NDArray[np.float64]"]
"""Offsets (events + 1,), flat indices of pixels in rising order (total,), and the sums in them (total,)."""
Divide = Literal["none", "mass", "sum"]
LARGEST = float(np.finfo(np.float32).max)


def divisors(
    representation: str, divide: Divide, events: Events, total: NDArray[np.float64], unit: float
) -> NDArray[np.float64]:
    """What energies are divided by, (events,) in GeV.

    Parameters
    ----------
    representation : its name, for messages.
    divide : "none": the unit. "mass": the event's mass. "sum": its total, or the unit if that is 0.
    total : (events,) GeV.
    unit : GeV.

    Raises
    ------
    UserError : for "mass", if the events have no mass or one is not above 0.
    """
    if divide == "none":
        return np.full(len(events), unit)
    if divide == "sum":
        return np.where(total > 0, total, unit)
    if not events.has("mass"):
        raise UserError(
            f"{representation}: divide=mass, but the events of task '{events.info.task}' have no mass (found: "
            f"{', '.join(events.table.fields)}). Use divide=sum, or leave it out."
        )
    mass = events.column("mass").astype(np.float64)
    if len(first := np.flatnonzero(~(np.isfinite(mass) & (mass > 0)))):
        event = events.column("event_id")[first[0]]
        raise UserError(
            f"{events.info.task}: event {event} has the mass {mass[first[0]]}, expected a number above 0 to divide "
            "by. Use divide=sum, or remove this event."
        )
    return mass


def images_of(
    events: Events, panels: Sequence[Panel], sums: Sums, origins: NDArray[np.float32] | None = None
) -> Images:
    """Images of float32 values; sign(x) ln(1 + abs(x)) in the channels whose quantity is `squeezed`."""
    offsets, pixels, values = sums
    squeezed = np.array([quantity.squeezed > 0 for panel in panels for quantity in panel.channels])
    if squeezed.any():
        starts = np.cumsum([0, *(panel.size // panel.shape[0] for panel in panels for _ in panel.channels)])
        logarithms = squeezed[np.searchsorted(starts, pixels, "right") - 1]
        values = np.where(logarithms, np.sign(values) * np.log1p(np.abs(values)), values)
    rows = torch.from_numpy(offsets)
    return Images(
        **truth(events),
        features=torch.zeros(len(events), 0),
        panels=tuple(panels),
        pixels=Ragged(torch.from_numpy(pixels), rows),
        values=Ragged(torch.from_numpy(np.clip(values, -LARGEST, LARGEST).astype(np.float32)), rows),
        origins=None if origins is None else torch.from_numpy(origins),
    )
