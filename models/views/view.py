"""What every view of samples is: the contract of the entries of `models/inputs.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from torch import Tensor

from representations.samples import Samples

KEPT_BYTES = 1 << 31
"""What may be kept of that which follows from samples; of larger sets it is computed batch by batch."""

Shown = tuple[Tensor, ...]
"""One batch as a network takes it: the positional arguments of its `forward`. Any of them may have no columns."""

S = TypeVar("S", bound=Samples)


@dataclass(frozen=True)
class Shape:
    """What a model must know of its inputs before it sees one, and must find again when it is loaded.

    view : the name of the view, as `models/inputs.py` has it.
    columns : names along axis 1 of the first tensor shown: channels, particle features, columns of the table.
    size : the axes behind that where they are the same for all events: (rows, columns) of a picture.
    features : names of the per-event features shown beside it; a table holds them among its columns.
    panels : of a picture of several panels the shape of each, a tensor each in this order; then `columns` holds the
        names of them all, and `size` is empty.
    """

    view: str
    columns: tuple[str, ...]
    size: tuple[int, ...] = ()
    features: tuple[str, ...] = ()
    panels: tuple[Shape, ...] = ()

    def __str__(self) -> str:
        sizes = [panel.size for panel in self.panels] or [self.size]
        parts = [f"{len(self.columns)} columns", *("x".join(map(str, size)) for size in sizes if size)]
        return f"{self.view} of {', '.join([*parts, f'{len(self.features)} features'])}"


class Input(ABC, Generic[S]):
    """One entry of the table: samples of one kind, as one view."""

    view: ClassVar[str]
    compact: ClassVar[bool] = False
    """Whether all events fit into memory as they are shown, so that they need to be assembled only once."""

    @abstractmethod
    def shape(self, samples: S) -> Shape:
        """What is the same for all events."""

    def prepare(self, samples: S) -> S:
        """The samples with what every pass over them needs and is worth computing once; by default as they are.

        Called once; `batch` and `rows` are given what it returns, moved to the device of the model. The samples may lie
        on a device already.
        """
        return samples

    def dropped(self, samples: S) -> Tensor | None:  # noqa: ARG002 - for those who override it
        """The share of each event's energy (or pt, or ink) that is not shown, (events,); None where all of it is."""
        return None

    @abstractmethod
    def batch(self, samples: S, index: Tensor) -> Shown:
        """The events of `index` (int64, on the samples' device) as they are shown; axis 1 holds the columns."""

    @abstractmethod
    def rows(self, samples: S, index: Tensor) -> tuple[Tensor | None, ...]:
        """For each tensor of `batch`, the rows (any, columns) to standardise it by; None if it is shown as it is.

        Not the batch itself, because padding must have no say in means and deviations.
        """


class Table(Input[S]):
    """A table (batch, columns): one row an event, whatever its kind of samples."""

    view = "table"
    compact = True

    def rows(self, samples: S, index: Tensor) -> tuple[Tensor | None, ...]:
        """The table itself."""
        return self.batch(samples, index)
