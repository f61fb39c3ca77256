"""Imported data sets: events of real files, copied to shards."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.files import sha256, warn_once, write_atomically
from tasks import events
from tasks.data.manifest import PlannedShard
from tasks.data.shards import described
from tasks.sources.folder import files_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Report, Shard
    from tasks.reader import Imported


def import_files(data: DataSet, source: Path, folder: Path, report: Report) -> tuple[list[Shard], dict[str, Any]]:
    """Copy the events of files to shards, chunk by chunk. Their number is known only at the end.

    Returns the shards and the fields of the manifest that describe the files. An import that fails or is killed starts
    again from the beginning, since its chunks may have been others.
    """
    report("import", 0, 0)
    discard(folder)
    paths = files_of(source)
    home = source.resolve() if source.is_dir() else paths[0].parent
    found = data.reader.read(source)
    shards = list(_copied(found, data, folder, report))
    for note in found.notes:
        warn_once(f"{data.task.name}: {note}")
    return shards, {
        "source": found.description,
        "files": {path.relative_to(home).as_posix(): sha256(path) for path in paths},
        "dropped": dict(+found.dropped),
        "notes": found.notes,
        "fast_simulation": found.fast_simulation,
    }


def _copied(found: Imported, data: DataSet, folder: Path, report: Report) -> Iterator[Shard]:
    done = number = 0
    for table in found.chunks:
        if len(table) == 0:
            continue
        events.check(table, f"{data.task.name}, {data.source}")
        path = folder / f"events-{number:04d}.parquet"
        write_atomically(path, partial(events.write, table))
        yield described(folder, PlannedShard(file=path.name, events=len(table)))
        number, done = number + 1, done + len(table)
        report("import", done, 0)
    if number == 0:
        dropped = ", ".join(f"{reason}: {count}" for reason, count in found.dropped.items() if count)
        raise UserError(
            f"{data.task.name}: {data.source} has no event left after the selection (dropped: {dropped or 'none'}), "
            "expected at least one. Give files that hold events of this task."
        )


def discard(folder: Path) -> None:
    """Delete the shards of an import; what can't be deleted is refused when it is to be written."""
    for shard in folder.glob("events-*.parquet"):
        with suppress(OSError):
            shard.unlink()
