"""The contract of a view: how samples of one kind are arranged as input of a kind of model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from benchmark.core.errors import UserError
from representations.samples import Samples

KEPT_BYTES = 1 << 31
"""Largest size of what a view computes once for all events; beyond it, the view computes it batch by batch."""
EXAMPLE_EVENTS, EXAMPLE_PLACES, EXAMPLE_SENDERS = 3, 8, 5
"""Events, particles and neighbours of the example inputs with which a network is traced for ONNX."""

Inputs = tuple[Tensor, ...]
"""A batch of network inputs: the positional arguments of `forward`. Any of them may have no columns."""

S = TypeVar("S", bound=Samples)


@dataclass(frozen=True)
class Shape:
    """The shape of a model's inputs: it defines the network, and is saved with it and checked when it predicts.

    Parameters
    ----------
    view : name of the view, as in `models/inputs.py`.
    columns : names along axis 1 of the first tensor: channels, particle features, columns of a table.
    size : sizes of the axes after that if they are the same for all events: (rows, columns) of a picture.
    features : names of the per-event features in the last tensor; a table has them among its columns.
    panels : of a picture of several panels the shape of each, one tensor each in this order; then `columns` holds the
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


class OnnxInput(NamedTuple):
    """An input tensor as ONNX describes it: its name, an example, and the axes that may have any size."""

    name: str
    tensor: Tensor
    free: tuple[int, ...] = (0,)


class View(ABC, Generic[S]):
    """A stateless arrangement of samples of one kind as network inputs: an entry of `VIEWS` in `models/inputs.py`."""

    name: ClassVar[str]
    compact: ClassVar[bool] = False
    """Whether the inputs of all events fit into memory, so that they are assembled only once."""

    @abstractmethod
    def shape(self, samples: S) -> Shape:
        """Names and sizes that are the same for all events."""

    def prepare(self, samples: S) -> S:
        """Compute once what every pass over the samples needs; by default nothing.

        It is called once, for samples on any device; `batch` and `rows` get its result, on the device of the model.
        """
        return samples

    def dropped(self, samples: S) -> Tensor | None:  # noqa: ARG002 - for those who override it
        """The share of each event's energy (or pt, or ink) that the view leaves out, (events,); None for nothing."""
        return None

    @abstractmethod
    def batch(self, samples: S, index: Tensor) -> Inputs:
        """The inputs for the events of `index` (int64, on the samples' device); axis 1 holds the columns."""

    @abstractmethod
    def rows(self, samples: S, index: Tensor) -> tuple[Tensor | None, ...]:
        """For each tensor of `batch`, the rows (any, columns) to standardise it by; None if it is not standardised.

        These are not the batch itself, because padding must not enter means and deviations.
        """

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:  # noqa: ARG002 - for those who override it
        """The inputs of a network on this shape, for ONNX. Raises UserError if such networks cannot be written."""
        raise UserError(f"networks on the view '{self.name}' can't be written as ONNX: the view has no `onnx_inputs`.")


class TableView(View[S]):
    """A table (batch, columns): one row an event, whatever its kind of samples."""

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
