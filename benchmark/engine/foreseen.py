"""Cells that are known to be skipped before any event is made, read or shown to a model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import Skip

if TYPE_CHECKING:
    from pathlib import Path

    import awkward as ak

    from benchmark.engine.job import Job
    from representations.representation import Representation
    from representations.samples import Samples
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest


def foreseen(job: Job, manifest: Manifest | None, data_root: Path) -> str | None:
    """Why a cell is going to be skipped, None where nothing speaks against it yet.

    The representation shows a table without events, which has the columns of the data set, or where that is yet to be
    made those that events of such a task may have; the model is asked whether it can learn from samples like these.
    """
    data = job.data
    if data.source is None and data.level in data.task.skipped_levels:
        return data.task.skipped_levels[data.level]
    file = str(data.folder(data_root) / manifest.shards[0].file) if manifest and manifest.shards else ""
    try:
        job.model.accept(_shown(job.representation, data, file))
    except Skip as skip:
        return str(skip)
    except Exception:  # no event at all may be too few for what does well on some: the run will tell
        return None
    return None


@cache
def _shown(representation: Representation, data: DataSet, file: str) -> Samples:
    """The samples of no event."""
    from tasks.data.dataset import info_of
    from tasks.events import TRUTH, Events

    info = info_of(data.task, data.level, from_files=data.source is not None)
    ours = type(data.task).__module__.startswith("tasks.")  # others' may have hits at any level
    hits = data.level == "detector" or not ours
    table = _columns_of(file) if file else _columns(hits=hits)
    if data.source is not None and not file:
        table = table[[name for name in table.fields if name in (*TRUTH, *data.reader.columns)]]
    return representation.represent(Events(data.task.apply_variant(table), info))


def _columns_of(file: str) -> ak.Array:
    import awkward as ak
    import pyarrow.parquet

    return ak.from_arrow(pyarrow.parquet.read_schema(file).empty_table())


def _columns(*, hits: bool) -> ak.Array:
    """Columns that generated events may have; hits and tracks, which our tasks make at the level `detector` alone."""
    import awkward as ak
    import numpy as np

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
    return ak.zip(columns, depth_limit=1)
