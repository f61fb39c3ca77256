"""A sample of the events of a stored data set that fits in memory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tasks.data.dataset import info_of
from tasks.data.shards import read_shard

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import awkward as ak

    from tasks.data.manifest import Manifest, Shard
    from tasks.events import Events
    from tasks.task import Task

SAMPLE_EVENTS = 20_000
"""Number of events of all classes together; with hits and pile-up they take about 11 kB each."""


def sample(folder: Path, manifest: Manifest, task: Task, count: int = SAMPLE_EVENTS) -> Events:
    """Events of all classes in equal parts, as stored: before `apply_variant`, with the classes of `processes`.

    Raises UserError as `parts` does.
    """
    import awkward as ak

    from tasks.events import Events

    table = ak.concatenate([ak.to_packed(part) for part in parts(folder, manifest, count)])
    info = info_of(task, manifest.level, from_files=not manifest.is_generated)
    return Events(table, replace(info, classes=tuple(task.processes)))


def parts(
    folder: Path, manifest: Manifest, count: int = SAMPLE_EVENTS, columns: Collection[str] | None = None
) -> Iterator[ak.Array]:
    """The events of `sample`, shard by shard; columns : those to read, None for all.

    Generated shards of a process are alike: the first ones are read. Imported shards may have different classes: each
    contributes its share. Raises UserError when a shard is missing or changed.
    """
    for shard, taken in _shares(manifest, count):
        yield read_shard(folder, shard, columns)[:taken]


def _shares(manifest: Manifest, count: int) -> Iterator[tuple[Shard, int]]:
    """The shards to read, and the number of events of each."""
    share = min(1.0, count / manifest.events())
    left = dict.fromkeys(manifest.counts, count // len(manifest.counts))
    for shard in manifest.shards:
        if shard.process is None:
            yield shard, math.ceil(share * shard.events)
            continue
        taken = min(left[shard.process], shard.events)
        left[shard.process] -= taken
        if taken:
            yield shard, taken
