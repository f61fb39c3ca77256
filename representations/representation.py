"""The contract of a representation: it turns events into samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from benchmark.core.plugin import Plugin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from representations.samples import Samples
    from tasks.events import EventInfo, Events


class Loss(NamedTuple):
    """What samples leave out of each event: an amount (events,), and the amount that the event has (events,)."""

    lost: NDArray[Any]
    total: NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Representation(Plugin, ABC):
    """Turns events into samples, the input of models.

    A subclass is a frozen dataclass with a literal `name`; its fields are its parameters. Only `represent` has to be
    written. A representation fits nothing: the output depends on one event alone, so it is stored and shared between
    models. Anything learned from training events belongs to the model.
    """

    @abstractmethod
    def represent(self, events: Events) -> Samples:
        """Samples of these events, in the same order.

        Called for a part of the events at a time. The samples of an event may depend on its content, but not on other
        events, its label or its split.
        """

    def columns(self, info: EventInfo) -> tuple[str, ...] | None:  # noqa: ARG002 - for subclasses
        """The columns that `represent` reads, so that no others are loaded; None for all columns.

        Columns that every Events table has, and `mass` and `split`, are always loaded (`tasks.events.TRUTH`). A named
        column that the task lacks is ignored here; `represent` decides whether it can do without.
        """
        return None

    def losses(self, events: Events) -> Mapping[str, Loss]:  # noqa: ARG002 - for subclasses
        """What `represent` leaves out of these events, by name, such as the objects `outside` a picture."""
        return {}

    def picture(self, samples: Samples) -> NDArray[np.uint8] | None:  # noqa: ARG002 - for subclasses
        """Samples in colour, (n, rows, columns, 3) uint8 RGB; None where figures should draw each channel."""
        return None

    def legend(self, info: EventInfo) -> Mapping[str, tuple[int, int, int]]:  # noqa: ARG002 - for subclasses
        """RGB of each kind of particle on `picture`; empty if colours do not distinguish kinds."""
        return {}


def truth(events: Events) -> dict[str, Any]:
    """Labels, weights, ids and mass of events: the arguments that all kinds of `Samples` have in common."""

    def tensor(name: str, dtype: type) -> torch.Tensor:
        return torch.from_numpy(events.column(name).astype(dtype))

    return {
        "classes": events.info.classes,
        "labels": tensor("label", np.int64),
        "weights": tensor("weight", np.float32),
        "event_ids": tensor("event_id", np.int64),
        "groups": tensor("group", np.int64),
        "mass": tensor("mass", np.float32) if events.has("mass") else None,
        "masses": events.info.pair_masses,
    }
