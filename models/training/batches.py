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
    """Some events: inputs, labels (batch,) int64 and balanced weights (batch,) float32.

    masses (batch,) float32, for the decorrelation of background, NaN for other events; never an input.
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
        self._kept = whole(view, self.samples) if view.compact else None

    def __len__(self) -> int:
        return len(self.samples)

    def __call__(self, index: Tensor, rng: torch.Generator | None = None) -> Batch:
        """The events of `index` (on the device), pictures channels-last; augmented if `rng` is given."""
        inputs = self._inputs(index)
        if self.augment is not None and rng is not None:
            inputs = self.augment(inputs, rng)
        return Batch(inputs, self.labels[index], self.weights[index], self.masses[index])

    def order(self, shuffle: torch.Generator) -> Tensor:
        """All events in the order of one epoch, on the device; with clones if these balance the classes."""
        events = cloned(self.labels.cpu(), shuffle) if self._cloned else torch.arange(len(self))
        # drawn on the CPU: the same order on every device
        return events[torch.randperm(len(events), generator=shuffle)].to(self.labels.device)

    def _inputs(self, index: Tensor) -> Inputs:
        if self._kept is not None:
            return tuple(part[index] for part in self._kept)
        return tuple(
            part.contiguous(memory_format=torch.channels_last) if part.ndim == 4 else part
            for part in self.view.batch(self.samples, index)
        )

    def ahead(self, indices: Iterable[Tensor], rng: torch.Generator | None = None) -> Iterator[Batch]:
        """The batches of these indices; on a GPU each is made during the training step on the one before it.

        Only the device knows the number of pixels or particles of a batch, and reading it makes the host wait for all
        queued work. On a stream of its own, a batch only waits for itself.
        """
        if not self.labels.is_cuda:
            yield from (self(index, rng) for index in indices)
            return
        device = self.labels.device
        aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(device))
        made: Batch | None = None
        for index in indices:
            with torch.cuda.stream(aside):
                following = self(index, rng)
            if made is not None:
                yield made
            torch.cuda.current_stream(device).wait_stream(aside)
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
        found = mean_and_scale([self.view.rows(self.samples, index) for index in self.chunks()])
        for place, (part, kept) in enumerate(zip(found, self._kept or (), strict=False)):
            if part is not None and len(kept):
                mean, scale = part
                found[place] = mean, scale.where((kept != kept[:1]).any(dim=0) | scale.isnan(), 0.0)
        return found


def in_chunks(samples: Samples, events: int = CHUNK) -> Sequence[Tensor]:
    """Indices of all events in order, in chunks."""
    return torch.split(torch.arange(len(samples), device=samples.device), events)


def whole(view: View[Any], samples: Samples) -> Inputs:
    """The inputs of all events, for a compact view."""
    kept: Inputs = ()
    start = 0
    for index in in_chunks(samples):
        inputs = view.batch(samples, index)
        # room for all at the first: each chunk is written once, while it is in the cache
        kept = kept or tuple(part.new_empty(len(samples), *part.shape[1:]) for part in inputs)
        for room, part in zip(kept, inputs, strict=True):
            room[start : start + len(index)] = part
        start += len(index)
    return kept


def mean_and_scale(chunks: Sequence[tuple[Tensor | None, ...]]) -> list[tuple[Tensor, Tensor] | None]:
    """Mean and one over the standard deviation (columns,) of each tensor, from its rows in chunks.

    The scale of a constant column is 0. If it were 1, another value in a test event would be multiplied by weights that
    no training event has changed.
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
    """Masses (n,) float32 in GeV of the background whose spectrum must not be sculpted, NaN for all other events."""
    unknown = torch.full((len(samples),), torch.nan, device=samples.device)
    return unknown if samples.mass is None else torch.where(samples.labels == SCULPTED, samples.mass, unknown)


def balanced_weights(samples: Samples) -> Tensor:
    """Event weights (n,) times a factor per class, so that every class has the same sum and the mean is 1.

    On average the loss is the same as with `cloned` events, without repeating events in an epoch. Raises UserError for
    a weight that is negative, NaN or infinite, and for a class whose weights sum to 0.
    """
    wrong = ~((samples.weights >= 0) & (samples.weights < torch.inf))
    if bool(wrong.any()):
        first = int(wrong.nonzero()[0])
        raise UserError(
            f"event {int(samples.event_ids[first])} has weight {float(samples.weights[first]):g}, expected a finite "
            "number, 0 or more. Remove or mend this event."
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
    """Indices (n,) in which every class with events has as many as the largest one.

    Events of smaller classes are repeated, as in the circle paper (arXiv:1708.07034, section 4); each call draws anew
    which of them are repeated once more than others.
    """
    most = int(torch.bincount(labels).max())
    found = []
    for label in torch.unique(labels):
        events = torch.nonzero(labels == label).flatten()
        whole, rest = divmod(most, len(events))
        found += [events] * whole
        if rest:
            found.append(events[torch.randperm(len(events), generator=shuffle)[:rest]])
    return torch.cat(found)


def _class_means(weights: Tensor, labels: Tensor) -> Tensor:
    """Mean weight of each class, (classes,); 1 for a class without events."""
    sums = torch.zeros(int(labels.max()) + 1, dtype=weights.dtype, device=weights.device)
    counts = torch.bincount(labels)
    return torch.where(counts > 0, sums.index_add_(0, labels, weights) / counts.clamp(min=1), 1.0)
