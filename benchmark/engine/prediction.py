"""A saved model applied to new events, or written for other programs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from benchmark.core.errors import Skip, UserError
from benchmark.core.files import write_atomically
from benchmark.core.paths import user_path
from benchmark.engine import returned
from benchmark.engine.model_store import restore
from models.export import write_onnx
from tasks.data.dataset import info_of
from tasks.data.manifest import UnsealedError, read_manifest
from tasks.data.store import shards_in
from tasks.data.verification import seal
from tasks.events import Events, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmark.engine.model_store import Restored
    from models.model import Model, Report
    from representations.samples import Samples
    from tasks.task import Task


@dataclass(frozen=True)
class Predicted:
    """The scores of a saved model for new events.

    Parameters
    ----------
    event_ids : (events,) int64, in the order of the events.
    scores : (events, classes) float32, rows summing to 1.
    classes : names of the classes.
    fitted_on : whether the model was fitted and tested on these very events.
    dropped : number of events in files that the task's selection left out, by reason; they have no score.
    """

    event_ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    classes: tuple[str, ...]
    fitted_on: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write a table with `event_id` and one column for each class as .csv or .parquet, or the arrays as .npz."""
        if path.suffix == ".npz":
            arrays: dict[str, Any] = {"event_ids": self.event_ids, "scores": self.scores, "classes": self.classes}
            write_atomically(path, lambda file: np.savez_compressed(file, **arrays))
            return
        columns = {name: self.scores[:, place] for place, name in enumerate(self.classes)}
        table = pyarrow.table({"event_id": self.event_ids, **columns})

        def put(file: BinaryIO) -> None:
            if path.suffix == ".csv":
                pyarrow.csv.write_csv(table, file)
            else:
                pyarrow.parquet.write_table(table, file)

        write_atomically(path, put)


@dataclass(frozen=True)
class _Source:
    """Events shard by shard, and their number, 0 if it is not known yet; see `Predicted` for the rest."""

    shards: Iterable[Events]
    total: int = 0
    fitted_on: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)


def predict(
    model: Path, events: Path, device: str, batch: int, report: Report, *, trust_code: bool = False
) -> Predicted:
    """The scores of all events; only ids and scores stay in memory.

    Parameters
    ----------
    model : folder of a saved model.
    events : folder of a data set, or a file or folder that the task reads.
    batch : number of events that are passed to the model at once, at most.
    trust_code : whether a plug-in may be imported from a file that the saved model names.

    Raises
    ------
    UserError
        For a folder without a saved model, and for events that its task or representation can't read.
    """
    folder, path = user_path(model, "model"), user_path(events, "events")
    restored = restore(folder, device, trust_code=trust_code)
    source = _source(path, restored)
    classes = restored.task.classes
    ids, scores = [np.zeros(0, np.int64)], [np.zeros((0, len(classes)), np.float32)]
    done = 0
    for shard in source.shards:
        report("predict", done, source.total)
        try:
            samples = restored.representation.represent(shard).to(device)
        except Skip as reason:
            raise UserError(f"{events}: {reason}") from reason
        ids.append(samples.event_ids.cpu().numpy())
        parts = (samples[first : first + batch] for first in range(0, len(samples), batch))
        scores += [_probabilities(restored.model, part, classes) for part in parts]
        done += len(shard)
    report("predict", done, source.total)
    return Predicted(np.concatenate(ids), np.concatenate(scores), classes, source.fitted_on, source.dropped)


def _probabilities(model: Model, samples: Samples, classes: tuple[str, ...]) -> NDArray[np.float32]:
    return returned.probabilities(model, model.predict_proba(samples), len(samples), classes)


def export_onnx(model: Path, onnx: Path, *, trust_code: bool = False) -> tuple[list[str], tuple[str, ...]]:
    """Write a saved network as ONNX. Returns the names of its inputs, and its classes.

    Raises UserError for a folder without a saved model, a model without an ONNX form, and a file that can't be written.
    """
    folder = user_path(model, "model")
    restored = restore(folder, "cpu", trust_code=trust_code)
    return write_onnx(restored.model, folder, onnx, restored.task.classes), restored.task.classes


def _source(path: Path, restored: Restored) -> _Source:
    """The events of a data set or of files."""
    task, target = restored.task, restored.origin.identity.task.target
    if not os.path.exists(path):
        raise UserError(f"{path}: no such file or folder. Give events, or the folder of a data set.")
    try:
        manifest = read_manifest(path)
    except UnsealedError as error:
        manifest = seal(path, error.manifest, lambda *_: None)
    if manifest is None:
        return _from_files(path, task, target)
    if manifest.task != task.name:
        raise UserError(f"{path}: events of the task {manifest.task}, but the model was fitted for {task.name}.")
    columns = restored.representation.columns(task.info(manifest.level))
    content = restored.origin.identity.content
    fitted_on = content is not None and manifest.content == content.content
    return _Source(shards_in(path, task, manifest.level, columns), manifest.events(), fitted_on)


def _from_files(path: Path, task: Task, target: str) -> _Source:
    """The events of files, whose classes need not be known."""
    if task.reader is None:
        raise UserError(
            f"{path}: no data set (no manifest.json), and the task {task.name} reads no files. "
            f"Give the folder of a data set; `data show {target}` lists them."
        )
    read, info = task.reader.read_new(path), info_of(task, "detector", from_files=True)

    def shards() -> Iterable[Events]:
        for table in read.chunks:
            if len(table):
                check(table, f"{task.name}, {path}")
                yield Events(task.apply_variant(table), info)

    return _Source(shards(), dropped=read.dropped)
