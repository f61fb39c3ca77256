"""A task without a generator, whose events are made at once: a mass peak on a falling spectrum, also from files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import awkward as ak
import numpy as np

from tasks.data.dataset import files_of
from tasks.events import KINDS, EventInfo
from tasks.reader import Imported, Reader
from tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class PeakReader(Reader):
    """Reads text files with a label and a mass on each line; each file becomes a shard."""

    files = "text files"
    holds = "photons only"
    columns = ("objects",)

    def read(self, source: Path) -> Imported:
        return Imported(self._chunks(source), "a toy")

    def _chunks(self, source: Path) -> Iterator[ak.Array]:
        first = 0
        for path in files_of(source):
            label, mass = np.loadtxt(path, unpack=True)
            ids = first + np.arange(len(mass), dtype=np.int64)
            truth = {"event_id": ids, "group": ids, "label": label.astype(np.int8)}
            truth["weight"] = np.ones(len(mass), np.float32)
            yield ak.zip({**truth, "objects": photons(mass, np.random.default_rng(first))}, depth_limit=1)
            first += len(mass)


@dataclass(frozen=True, kw_only=True)
class Peak(Task):
    """Two photons from a peak at 125 GeV against a falling mass spectrum (a toy)."""

    name = "peak"
    processes = ("peak", "falling")
    reader = PeakReader()
    presets: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"events_per_class": 300, "shard_events": 150}}

    def info(self, level: str) -> EventInfo:
        return EventInfo(self.name, self.classes, level, slots={"photon": 2})

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        rng = np.random.default_rng(seed)
        mass = rng.normal(125.0, 2.0, count) if process == "peak" else 100.0 + rng.exponential(30.0, count)
        return ak.zip({"objects": photons(mass, rng)}, depth_limit=1)


def photons(mass: np.ndarray, rng: np.random.Generator) -> ak.Array:
    """Two photons back to back at eta = 0 for each mass."""
    count = len(mass)
    phi = rng.uniform(-np.pi, np.pi, count)
    columns = {
        "pt": np.stack([mass / 2, mass / 2], axis=1),
        "eta": np.zeros((count, 2)),
        "phi": np.stack([phi, np.where(phi > 0, phi - np.pi, phi + np.pi)], axis=1),
        "mass": np.zeros((count, 2)),
        "charge": np.zeros((count, 2)),
        "kind": np.full((count, 2), KINDS.index("photon")),
    }
    typed = {name: value.astype(np.int8 if name == "kind" else np.float32) for name, value in columns.items()}
    return ak.from_regular(ak.zip({name: ak.Array(value) for name, value in typed.items()}))


def write_files(folder: Path, files: int = 2, events: int = 200) -> Path:
    """Files for the reader."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(files):
        label = np.arange(events) % 2
        mass = np.where(label == 0, rng.normal(125.0, 2.0, events), 100.0 + rng.exponential(30.0, events))
        np.savetxt(folder / f"part-{number}.txt", np.stack([label, mass], axis=1))
    return folder
