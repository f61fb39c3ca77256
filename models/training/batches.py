"""Samples as batches of network inputs for training, from memory and on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from benchmark.core.errors import UserError
from benchmark.metrics.metric import SCULPTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from models.inputs import Inputs, View
    from models.training.augment import Augmentation
    from representations.samples import Samples

CHUNK = 1024
"""Events per batch when nothing is trained."""


class Batch(NamedTuple):
    """Some events: inputs, labels (batch,) int64, balanced weights (batch,) float32 and masses (batch,) float32.

    The masses of background events are only for decorrelation, never an input; NaN for other events.
    """

    inputs: Inputs
    labels: Tensor
    weights: Tensor
    masses: Tensor


class Batches:
    """Samples as batches of network inputs, from memory and on a device.

    There are no worker processes: the samples are in memory, and sending them costs more than it would save.
    """

    def __init__(
        self,
        view: View[Any],
        samples: Samples,
        device: str,
        *,
        balance: str = "weights",
        augment: Augmentation | None = None,
    ) -> None:
        self.view, self.augment = view, augment
        self.samples = view.prepare(samples).to(device)
        self.labels = self.samples.labels
        self._cloned = balance == "clone"
        self.weights = balanced_weights(self.samples)
        if self._cloned:
            self.weights = self.weights / _class_means(self.weights, self.labels)[self.labels]
        self.masses = decorrelated_masses(self.samples)
        self._whole = whole(view, self.samples) if view.compact else None

    def __len__(self) -> int:
        return len(self.samples)

    def __call__(self, index: Tensor, rng: torch.Generator | None = None) -> Batch:
        """The events of `index` (on the device), pictures channels-last; augmented if a generator is given."""
        inputs = self._inputs(index)
        if self.augment is not None and rng is not None:
            inputs = self.augment(inputs, rng)
        return Batch(inputs, self.labels[index], self.weights[index], self.masses[index])

    @property
    def events_per_epoch(self) -> int:
        """Number of events of an epoch, with their clones."""
        counts = torch.bincount(self.labels)
        return int(counts.max()) * int((counts > 0).sum()) if self._cloned else len(self)

    def order(self, shuffle: torch.Generator) -> Tensor:
        """All events in the order of one epoch, on the device; with clones if these balance the classes."""
        events = cloned(self.labels.cpu(), shuffle) if self._cloned else torch.arange(len(self))
        # drawn on the CPU: the same order on every device
        return events[torch.randperm(len(events), generator=shuffle)].to(self.labels.device)

    def _inputs(self, index: Tensor) -> Inputs:
        if self._whole is not None:
            return tuple(part[index] for part in self._whole)
        return tuple(
            part.contiguous(memory_format=torch.channels_last) if part.ndim == 4 else part
            for part in self.view.batch(self.samples, index)
        )

    def ahead(self, indices: Iterable[Tensor], rng: torch.Generator | None = None) -> Iterator[Batch]:
        """The batches of these indices.

        On a GPU, the next batch is prepared on a second stream during the current step. Reading the number of its
        pixels or particles makes the host wait, but only for that stream.
        """
        if not self.labels.is_cuda:
            yield from (self(index, rng) for index in indices)
            return
        device = self.labels.device
        second = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        second.wait_stream(torch.cuda.current_stream(device))
        made: Batch | None = None
        for index in indices:
            with torch.cuda.stream(second):
                following = self(index, rng)
            if made is not None:
                yield made
            torch.cuda.current_stream(device).wait_stream(second)
            for part in (*following.inputs, *following[1:]):
                part.record_stream(torch.cuda.current_stream(device))
            made = following
        if made is not None:
            yield made

    def chunks(self, events: int = CHUNK) -> Iterator[Tensor]:
        """Indices of all events in order, in chunks."""
        yield from in_chunks(self.samples, events)

    def moments(self) -> list[tuple[Tensor, Tensor] | None]:
        """Mean and scale (columns,) of each input tensor, None for one that is not standardised.

        In a table, the scale of a constant column is 0, even if its view standardises several columns together.
        """
        moments = mean_and_scale([self.view.rows(self.samples, index) for index in self.chunks()])
        for place, (moment, table) in enumerate(zip(moments, self._whole or (), strict=False)):
            if moment is not None and len(table):
                mean, scale = moment
                moments[place] = mean, scale.where((table != table[:1]).any(dim=0) | scale.isnan(), 0.0)
        return moments


def in_chunks(samples: Samples, events: int = CHUNK) -> Sequence[Tensor]:
    """Indices of all events in order, in chunks."""
    return torch.split(torch.arange(len(samples), device=samples.device), events)


def whole(view: View[Any], samples: Samples) -> Inputs:
    """The inputs of all events, for a compact view."""
    all_inputs: Inputs = ()
    start = 0
    for index in in_chunks(samples):
        inputs = view.batch(samples, index)
        # allocated once: each chunk is written to its place while it is in the cache
        all_inputs = all_inputs or tuple(part.new_empty(len(samples), *part.shape[1:]) for part in inputs)
        for target, part in zip(all_inputs, inputs, strict=True):
            target[start : start + len(index)] = part
        start += len(index)
    return all_inputs


def mean_and_scale(chunks: Sequence[tuple[Tensor | None, ...]]) -> list[tuple[Tensor, Tensor] | None]:
    """Mean and one over the standard deviation (columns,) of each tensor, from its rows in chunks.

    The scale of a constant column is 0. With a scale of 1, another value in a test event would multiply an untrained
    weight.
    """

    def measure(parts: Sequence[Tensor | None]) -> tuple[Tensor, Tensor] | None:
        rows = [part.to(torch.float64) for part in parts if part is not None]
        if not rows:
            return None
        count = max(1, sum(map(len, rows)))
        mean = torch.stack([part.sum(0) for part in rows]).sum(0) / count
        variance = torch.stack([(part - mean).square().sum(0) for part in rows]).sum(0) / count
        # the variance of a constant column is the rounding of its mean
        varies = variance > (1e-6 * mean).square()
        scale = torch.where(varies, variance.clamp(min=1e-300).rsqrt(), torch.where(variance.isnan(), variance, 0.0))
        return mean.to(torch.float32), scale.to(torch.float32)

    return [measure(parts) for parts in zip(*chunks, strict=True)]


def decorrelated_masses(samples: Samples) -> Tensor:
    """Masses (n,) float32 in GeV of the background whose spectrum must not be sculpted; NaN for other events."""
    unknown = torch.full((len(samples),), torch.nan, device=samples.device)
    return unknown if samples.mass is None else torch.where(samples.labels == SCULPTED, samples.mass, unknown)


def balanced_weights(samples: Samples) -> Tensor:
    """Event weights (n,) times a factor per class, so that all classes have the same sum and the mean is 1.

    On average the loss is the same as with `cloned` events. Raises UserError for a weight that is negative, NaN or
    infinite, and for a class whose weights sum to 0.
    """
    wrong = ~((samples.weights >= 0) & (samples.weights < torch.inf))
    if bool(wrong.any()):
        first = int(wrong.nonzero()[0])
        raise UserError(
            f"event {int(samples.event_ids[first])} has weight {float(samples.weights[first]):g}, expected a finite "
            "number, 0 or more. Remove or correct this event."
        )
    sums = torch.zeros(len(samples.classes), dtype=torch.float64, device=samples.device)
    sums.index_add_(0, samples.labels, samples.weights.to(torch.float64))
    present = torch.bincount(samples.labels, minlength=len(samples.classes)) > 0
    if not bool((sums[present] > 0).all()):
        bad = [
            name for name, total, there in zip(samples.classes, sums, present, strict=True) if there and not total > 0
        ]
        raise UserError(f"the weights of class '{bad[0]}' sum to {float(sums[present].min()):g}, expected more than 0.")
    factor = torch.where(present, len(samples) / present.sum() / sums.where(present, 1.0), 0.0)
    return samples.weights * factor[samples.labels].to(torch.float32)


def cloned(labels: Tensor, shuffle: torch.Generator) -> Tensor:
    """Indices (n,) of events, with each class repeated up to the size of the largest; the remainder is drawn at random.

    As in the circle paper (arXiv:1708.07034, section 4).
    """
    most = int(torch.bincount(labels).max())
    indices = []
    for label in torch.unique(labels):
        events = torch.nonzero(labels == label).flatten()
        whole, rest = divmod(most, len(events))
        indices += [events] * whole
        if rest:
            indices.append(events[torch.randperm(len(events), generator=shuffle)[:rest]])
    return torch.cat(indices)


def _class_means(weights: Tensor, labels: Tensor) -> Tensor:
    """Mean weight of each class, (classes,); 1 for a class without events."""
    sums = torch.zeros(int(labels.max()) + 1, dtype=weights.dtype, device=weights.device)
    counts = torch.bincount(labels)
    return torch.where(counts > 0, sums.index_add_(0, labels, weights) / counts.clamp(min=1), 1.0)
