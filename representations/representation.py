"""The contract of a representation: events in, samples out; stateless, so that its output can be kept and shared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmark.core.plugin import Plugin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.samples import Samples
    from tasks.events import EventInfo, Events


@dataclass(frozen=True, kw_only=True)
class Representation(Plugin, ABC):
    """A way of showing a collision to a learner.

    Subclass as a frozen dataclass whose fields are the options, and write `represent`. Nothing may be fitted here:
    whatever is learned from training events belongs to the model.
    """

    @abstractmethod
    def represent(self, events: Events) -> Samples:
        """The samples of these events, in the same order. Uses the event's content alone, never label or split.

        Called shard by shard: what is made of an event may not depend on the others.
        """

    def columns(self, info: EventInfo) -> tuple[str, ...] | None:  # noqa: ARG002 - for those who override it
        """The columns that `represent` reads, so that no others are loaded; None, the default, for all of them.

        What an Events table always has, and `mass` and `split`, come along unnamed (`tasks.events.TRUTH`). A column
        that a task does not have is passed over: it is `represent` that knows whether it can do without.
        """
        return None

    def picture(self, samples: Samples) -> NDArray[np.uint8] | None:  # noqa: ARG002 - for those who override it
        """Samples drawn for people, (n, rows, columns, 3) uint8 RGB, or None where there is nothing to draw."""
        return None


def truth(events: Events) -> dict[str, Any]:
    """The fields that all samples carry for training and scoring, as keyword arguments of `Samples`."""

    def tensor(name: str, dtype: type) -> torch.Tensor:
        return torch.from_numpy(events.column(name).astype(dtype))

    return {
        "classes": events.info.classes,
        "labels": tensor("label", np.int64),
        "weights": tensor("weight", np.float32),
        "event_ids": tensor("event_id", np.int64),
        "groups": tensor("group", np.int64),
        "mass": tensor("mass", np.float32) if events.has("mass") else None,
        "pair_masses": events.info.pair_masses,
    }
