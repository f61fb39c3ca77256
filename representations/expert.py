"""The columns that a physicist would cut on: the input of the expert line of a board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from benchmark.core.errors import Skip
from representations.kernels.candidate import candidate
from representations.representation import Representation, truth
from representations.samples import Ragged, Vectors

if TYPE_CHECKING:
    from tasks.events import EventInfo, Events


@dataclass(frozen=True, kw_only=True)
class Expert(Representation):
    """A handful of engineered numbers that a physicist would cut on, as the task names them (extra).

    With `bdt` it is the expert line of a board: what is known without any learned representation. Tasks name the
    numbers in `Task.expert`: mass, tau21 and D2 of a jet, R9 and the widths of a shower, and so on.
    """

    name = "expert"
    extra: ClassVar[bool] = True

    def represent(self, events: Events) -> Vectors:
        """Vectors without particles and with (events, columns) features.

        Raises
        ------
        Skip : if the task names no columns, or these events lack one of them.
        UserError : for a number that is NaN or infinite.
        """
        info = events.info
        if not info.expert:
            raise Skip(f"{info.task}: no expert line, since {info.expert_note}")
        there = events.table["candidate"].fields if events.has("candidate") else []
        if missing := [name for name in info.expert if name not in there]:
            which = info.holds or f"level {info.level}"
            raise Skip(f"{info.task}: these events ({which}) have no {', '.join(missing)} for the expert line")
        empty = torch.zeros(len(events) + 1, dtype=torch.int64)
        return Vectors(
            **truth(events),
            features=torch.from_numpy(candidate(events, info.expert)),
            feature_names=info.expert,
            particles=Ragged(torch.zeros(0, 0), empty),
            kinds=Ragged(torch.zeros(0, dtype=torch.int8), empty),
            names=(),
            slots={},
        )

    def columns(self, info: EventInfo) -> tuple[str, ...]:  # noqa: ARG002 - the same for all tasks
        """The engineered numbers."""
        return ("candidate",)
