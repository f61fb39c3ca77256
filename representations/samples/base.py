"""The base of all kinds of samples."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from representations.samples.ragged import Ragged

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Labels, weights and ids for training and scoring, and features of events as input.

    Samples can be indexed, sliced, joined and moved between devices.

    Parameters
    ----------
    classes : names of the classes.
    labels : (n,) int64, index of the class.
    weights : (n,) float32.
    event_ids, groups : (n,) int64.
    mass : (n,) float32, or None; never an input of a model.
    features : (n, F) float32, inputs of models; F may be 0.
    feature_names : F names.
    masses : whether models may use masses of several particles; not if these define the classes.
    """

    classes: tuple[str, ...]
    labels: Tensor
    weights: Tensor
    event_ids: Tensor
    groups: Tensor
    mass: Tensor | None = None
    features: Tensor
    feature_names: tuple[str, ...] = ()
    masses: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            part = getattr(self, field.name)
            if isinstance(part, Tensor | Ragged) and len(part) != len(self):
                raise ValueError(f"{type(self).__name__}.{field.name} has {len(part)} rows, labels have {len(self)}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        """The device of the samples."""
        return self.labels.device

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        parts = (getattr(self, field.name) for field in fields(self))
        return sum(part.nbytes for part in parts if isinstance(part, Tensor | Ragged))

    def __getitem__(self, index: slice | Tensor | np.ndarray[Any, Any]) -> Self:
        """The samples of an index, a boolean mask or a slice; a slice in steps of 1 copies nothing."""
        if isinstance(index, slice):
            where = range(len(self))[index]
            if where.step == 1:
                stop = max(where.start, where.stop)
                return self._map(lambda part: part[where.start : stop], lambda part: part.between(where.start, stop))
            index = torch.tensor(where, dtype=torch.int64)
        elif not isinstance(index, Tensor):
            index = torch.tensor(index)  # a copy, because torch warns of read-only arrays
        if index.ndim != 1 or (index.is_floating_point() and len(index)):
            raise IndexError(f"samples take a slice, or a 1-d index or mask, not {index.ndim}-d {index.dtype}")
        if index.dtype != torch.bool:  # torch makes an empty list float, and takes a uint8 index for a mask
            index = index.to(torch.int64)
        rows = torch.arange(len(self), device=self.device)[index.to(self.device)]
        return self._map(lambda tensor: tensor[rows], lambda ragged: ragged.take(rows))

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """The samples of all parts, one after the other.

        Raises ValueError for no parts, and for parts that differ in more than their events, such as in shape.
        """
        kinds = {type(part) for part in parts}
        if len(kinds) != 1:
            raise ValueError(f"cannot join samples of {len(kinds)} kinds, expected one")
        joined: dict[str, Any] = {}
        for field in fields(parts[0]):
            values = [getattr(part, field.name) for part in parts]
            if all(isinstance(value, Tensor) for value in values):
                joined[field.name] = torch.cat(values)
            elif all(isinstance(value, Ragged) for value in values):
                joined[field.name] = Ragged.join(values)
            elif any(isinstance(value, Tensor | Ragged) or value != values[0] for value in values):
                raise ValueError(f"{kinds.pop().__name__}.{field.name} differs between the parts to join")
        return replace(parts[0], **joined)

    def to(self, device: str | torch.device) -> Self:
        """The same samples on another device."""
        return self._map(lambda tensor: tensor.to(device), lambda ragged: ragged.to(device))

    def _map(self, on_tensor: Any, on_ragged: Any) -> Self:
        changed: dict[str, Any] = {}
        for field in fields(self):
            part = getattr(self, field.name)
            if isinstance(part, Tensor):
                changed[field.name] = on_tensor(part)
            elif isinstance(part, Ragged):
                changed[field.name] = on_ragged(part)
        return replace(self, **changed)
