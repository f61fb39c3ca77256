"""The contract of a view, which arranges samples of one kind as input of a kind of model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from benchmark.core.errors import UserError
from representations.samples import Samples

MAX_PREPARED_BYTES = 1 << 31
"""Arrays up to this size are computed once for all events, larger ones batch by batch."""
EXAMPLE_EVENTS, EXAMPLE_PLACES, EXAMPLE_SENDERS = 3, 8, 5
"""Sizes of the example inputs with which a network is traced for ONNX: events, particles, senders."""

Inputs = tuple[Tensor, ...]
"""A batch of network inputs: the positional arguments of `forward`, some perhaps without columns."""

S = TypeVar("S", bound=Samples)


@dataclass(frozen=True)
class Shape:
    """The shape of a model's inputs: it defines the network, is saved with it, and is checked in `predict_proba`.

    Parameters
    ----------
    view : name of the view, as in `models/inputs.py`.
    columns : names along axis 1 of the first tensor: channels, particle features, columns of a table.
    size : sizes that are the same for all events: (rows, columns) of a picture, (edge features,) of a graph.
    features : names of the per-event features in the last tensor; empty for a table, where they are columns.
    panels : shapes of the panels of a picture that has several, one tensor each; `columns` then has the names of all
        panels, and `size` is empty.
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


class OnnxInput(NamedTuple):
    """An input tensor of an ONNX file: its name, an example, and the axes of variable size."""

    name: str
    example: Tensor
    free_axes: tuple[int, ...] = (0,)


class View(ABC, Generic[S]):
    """Arranges samples of one kind as network inputs; stateless, an entry of `VIEWS` in `models/inputs.py`."""

    name: ClassVar[str]
    compact: ClassVar[bool] = False
    """Whether the inputs of all events fit into memory, so that they are computed only once."""

    @abstractmethod
    def shape(self, samples: S) -> Shape:
        """The shape of the inputs, which is the same for all events."""

    def prepare(self, samples: S) -> S:
        """Compute once what every epoch needs; by default nothing.

        The samples may be on any device. `batch` and `rows` get the result, on the device of the model.
        """
        return samples

    def dropped(self, samples: S) -> Tensor | None:  # noqa: ARG002 - for those who override it
        """Share of each event's energy (or pt, or ink) that the view leaves out, (events,); None if it never does."""
        return None

    @abstractmethod
    def batch(self, samples: S, index: Tensor) -> Inputs:
        """The inputs of the events in `index` (int64, on the device of the samples); axis 1 holds the columns."""

    @abstractmethod
    def rows(self, samples: S, index: Tensor) -> tuple[Tensor | None, ...]:
        """For each tensor of `batch` the rows (total, columns) without padding whose mean and deviation standardise it.

        None for a tensor that is not standardised.
        """

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:  # noqa: ARG002 - for those who override it
        """Example inputs of this shape, for ONNX. Raises UserError if such networks cannot be written."""
        raise UserError(f"networks on the view '{self.name}' can't be written as ONNX: the view has no `onnx_inputs`.")


class TableView(View[S]):
    """A table (batch, columns), one row per event, of any kind of samples."""

    name = "table"
    compact = True

    def rows(self, samples: S, index: Tensor) -> tuple[Tensor | None, ...]:
        """The table itself."""
        return self.batch(samples, index)

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:
        """A table."""
        return [OnnxInput("table", torch.zeros(EXAMPLE_EVENTS, len(shape.columns)))]


def padded_onnx_inputs(name: str, shape: Shape) -> list[OnnxInput]:
    """Lists of particles or nodes, padded to the longest, and their mask."""
    rows = torch.zeros(EXAMPLE_EVENTS, len(shape.columns), EXAMPLE_PLACES)
    mask = torch.ones(EXAMPLE_EVENTS, EXAMPLE_PLACES, dtype=torch.bool)
    return [OnnxInput(name, rows, (0, 2)), OnnxInput("mask", mask, (0, 1))]


def features_onnx_input(shape: Shape) -> OnnxInput:
    """The per-event features."""
    return OnnxInput("features", torch.zeros(EXAMPLE_EVENTS, len(shape.features)))
