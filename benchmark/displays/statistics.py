"""Statistics of samples, summed batch by batch: mean images, leading particles, and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmark.core.errors import Skip
from representations.samples import Graphs, Images, Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.samples import Ragged, Samples

BATCH = 256
"""Events that are dense at the same time; fewer if they have more than `DENSE` pixels (64 MB)."""
DENSE = 1 << 24
LEADING = 2
"""Particles of an event whose columns are stored."""


class ImageStatistics:
    """Sums of images, (classes, channels, rows, columns) float64, and of pixels that are not 0 in every channel."""

    def __init__(self, images: Images) -> None:
        self.events = np.zeros(len(images.classes), np.int64)
        self.sums = np.zeros((len(images.classes), *images.shape))
        self.lit = np.zeros(len(images.classes), np.int64)

    def add(self, images: Samples) -> None:
        """Add a batch; at most `BATCH` images are dense at the same time."""
        if not isinstance(images, Images):
            raise TypeError(f"samples of the kind {type(images).__name__}, expected Images")
        batch = max(1, min(BATCH, DENSE // int(np.prod(images.shape))))
        for code in range(len(self.events)):
            index = torch.nonzero(images.labels == code).flatten()
            for start in range(0, len(index), batch):
                some = index[start : start + batch]
                dense = images.dense(some)
                self.sums[code] += dense.sum(dim=0, dtype=torch.float64).numpy()
                self.lit[code] += int((dense != 0).any(dim=1).sum())
                self.events[code] += len(some)

    def mean(self, code: int) -> NDArray[np.float64]:
        """The mean image of a class, (channels, rows, columns); NaN without events."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sums[code] / self.events[code])

    def numbers(self, code: int) -> dict[str, float]:
        """Means over the events of a class."""
        return {"lit_pixels": _mean(self.lit[code], self.events[code])}


class ListStatistics:
    """How many particles, or nodes and edges, events have, and the columns of the two leading ones."""

    def __init__(self, samples: Vectors | Graphs) -> None:
        self.names = samples.names
        self.feature_names = samples.feature_names
        self.classes = len(samples.classes)
        self._parts: dict[str, list[NDArray[Any]]] = {}

    def add(self, samples: Samples) -> None:
        """Add a batch."""
        if not isinstance(samples, Vectors | Graphs):
            raise TypeError(f"samples of the kind {type(samples).__name__}, expected Vectors or Graphs")
        counts = _counts(samples)
        found = {"label": samples.labels.numpy(), "features": samples.features.numpy()}
        found |= {name: rows.lengths.numpy() for name, rows in counts.items()}
        first = next(iter(counts.values()))
        found["leading"] = _leading(first, len(self.names))
        for name, values in found.items():
            self._parts.setdefault(name, []).append(values.copy())

    def column(self, name: str) -> NDArray[Any]:
        """A column of all events.

        `label`, and the number of `particles`, or of `nodes` and `edges`: (events,). `features`: (events, F).
        `leading`: (events, 2, columns), NaN if an event has fewer particles.
        """
        return np.concatenate(self._parts[name])

    @property
    def counted(self) -> tuple[str, ...]:
        """Names of what is counted: particles, or nodes and edges."""
        return tuple(name for name in self._parts if name not in ("label", "features", "leading"))

    @property
    def events(self) -> NDArray[np.int64]:
        """Events of each class, (classes,)."""
        return np.bincount(self.column("label"), minlength=self.classes)

    def numbers(self, code: int) -> dict[str, float]:
        """Means over the events of a class."""
        chosen = self.column("label") == code
        return {name: _mean(self.column(name)[chosen].sum(), chosen.sum()) for name in self.counted}


Statistics = ImageStatistics | ListStatistics


def statistics_of(samples: Samples) -> Statistics:
    """Empty statistics for samples of this kind. Raises Skip for a kind that cannot be drawn."""
    if isinstance(samples, Images):
        return ImageStatistics(samples)
    if isinstance(samples, Vectors | Graphs):
        return ListStatistics(samples)
    raise Skip(f"samples of the kind {type(samples).__name__} can't be drawn")


def _counts(samples: Vectors | Graphs) -> dict[str, Ragged]:
    if isinstance(samples, Vectors):
        return {"particles": samples.particles}
    return {"nodes": samples.nodes, "edges": samples.edges}


def _leading(rows: Ragged, columns: int) -> NDArray[np.float32]:
    """The first particles of each event, (events, LEADING, columns)."""
    found = np.full((len(rows), LEADING, columns), np.nan, np.float32)
    for place in range(LEADING):
        there = (rows.lengths > place).numpy()
        found[there, place] = rows.values[(rows.offsets[:-1] + place)[torch.from_numpy(there)]].numpy()
    return found


def _mean(total: Any, events: Any) -> float:
    return float(total) / float(events) if events else float("nan")
