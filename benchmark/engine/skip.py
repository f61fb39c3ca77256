"""Why a cell can't run: checked before there are events, and again by the cell itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import Skip
from tasks.data.dataset import info_of
from tasks.data.parquet import parse_columns
from tasks.data.shards import FILE as SHARD
from tasks.events import TRUTH, Events

if TYPE_CHECKING:
    from benchmark.engine.job import Job, Manifests
    from representations.representation import Representation
    from representations.samples import Samples
    from tasks.data.dataset import DataSet


def why_skipped(job: Job, manifests: Manifests | None, data_root: Path) -> str | None:
    """Why a cell will be skipped; None if no reason is known.

    The model checks the samples of a table without events. The table has the columns of the data set; if that does not
    exist yet, it has all columns that events of such a task may have.
    """
    if reason := job.level_skip():
        return reason
    data = job.data
    file = str(data.folder(data_root) / manifests.data.shards[0].file) if manifests else ""
    try:
        job.model.accept(_samples_of_nothing(job.representation, data, file))
    except Skip as skip:
        return str(skip)
    except (Exception, SystemExit):  # a plug-in may need at least one event; then only the run can decide
        return None
    return None


@cache
def _samples_of_nothing(representation: Representation, data: DataSet, file: str) -> Samples:
    from_files = data.source is not None
    if file:
        table = _columns_of(file)
    else:
        ours = type(data.task).__module__.startswith("tasks.")
        # our tasks make hits and tracks at the level `detector` alone; others' may make them at any level
        table = _possible_columns(hits=data.level == "detector" or not ours, expert=data.task.expert)
        if from_files:
            table = table[[name for name in table.fields if name in (*TRUTH, *data.reader.columns)]]
    info = info_of(data.task, data.level, from_files=from_files)
    return representation.represent(Events(data.task.apply_variant(table), info))


def _columns_of(file: str) -> ak.Array:
    return SHARD.parse_at(Path(file), parse_columns)


def _possible_columns(*, hits: bool, expert: tuple[str, ...]) -> ak.Array:
    """A table without events that has all columns which generated events may have.

    Of engineered numbers it has those of the expert line.
    """
    track: dict[str, Any] = dict.fromkeys(("pt", "eta", "phi"), np.float32)
    particle = {**track, "mass": np.float32, "charge": np.float32}
    hit: dict[str, Any] = {"row": np.int16, "column": np.int16, "energy": np.float32}
    lists = {"objects": {**particle, "kind": np.int8}, "constituents": {**particle, "pdg_id": np.int32}}
    if hits:
        lists |= {"ecal": hit, "ecal_endcap": hit, "hcal": hit, "tracks": track}
    truth = {"event_id": np.int64, "group": np.int64, "label": np.int8, "weight": np.float32, "mass": np.float32}
    columns: dict[str, Any] = {name: np.zeros(0, kind) for name, kind in truth.items()}
    none = np.zeros(0, np.int64)
    for name, fields in lists.items():
        flat = ak.zip({field: np.zeros(0, kind) for field, kind in fields.items()})
        columns[name] = ak.unflatten(flat, none)
    if expert:
        columns["candidate"] = ak.zip(dict.fromkeys(expert, np.zeros(0, np.float32)))
    return ak.zip(columns, depth_limit=1)
