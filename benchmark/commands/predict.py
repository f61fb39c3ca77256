"""`predict`: a fitted model applied to new events."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from benchmark.commands import options
from benchmark.core.errors import Skip, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from benchmark.engine.model_store import Restored
    from tasks.events import Events

ENDINGS = (".parquet", ".csv", ".npz")


@dataclass(frozen=True)
class Predicted:
    """event_ids (n,) int64, in the order of the events · scores (n, classes) float32, rows summing to 1 · classes.

    seen : whether these are the very events that the model was fitted, stopped and tested on.
    dropped : of files, how many events the task's selection left out, by reason; they have no score.
    """

    event_ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    classes: tuple[str, ...]
    seen: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)


def command(
    model: Annotated[Path, typer.Argument(help="Folder of a model, made by run --keep-models DIR.", metavar="MODEL")],
    events: Annotated[
        Path,
        typer.Argument(
            help="Folder of a data set (with manifest.json; see: data show), or a file or folder that --source takes.",
            metavar="EVENTS",
        ),
    ],
    more: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
    output: Annotated[
        Path, typer.Option(help="Table of event ids and class scores: .parquet, .csv or .npz.", metavar="FILE")
    ] = Path("scores.parquet"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, or one GPU as cuda:1.")] = "auto",
    batch: Annotated[int, typer.Option(help="Events that are passed to the model at once, at most.", min=1)] = 1024,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")] = False,
) -> int:
    """Apply a fitted model to new events, whose class nobody needs to know: the table holds scores alone.

    Example: python -m benchmark predict kept/ttbar/circles-cnn-seed0-1a2b3c4d5e6f events.root --output scores.csv
    """
    from benchmark.engine.progress import Display
    from benchmark.records.environment import resolve_device

    if output.suffix not in ENDINGS:
        raise UserError(f"--output {output}: ends in '{output.suffix}', expected {', '.join(ENDINGS)}.")
    if not output.absolute().parent.is_dir():
        raise UserError(f"--output {output}: there is no folder {output.absolute().parent}. Make it, or name another.")
    if more:
        raise UserError(
            f"predict: {2 + len(more)} paths, expected two: the folder of a model, and events ({more[-1]} is one too "
            "many). A pattern may match several: name one model, and the folder of many files."
        )
    model, events = options.matched(model, "folder of a model"), options.matched(events, "file or folder of events")
    with Display(quiet=quiet) as display:
        found = run(model, events, resolve_device(device), batch, lambda *step: display.stage(str(model), *step))
    write(found, output)
    if found.seen and not quiet:
        print(f"note: {events} holds the events that this model was fitted on as well", file=sys.stderr)
    if not quiet:
        left = "".join(f"; left out, {reason}: {count:,}" for reason, count in found.dropped.items())
        names = ", ".join(found.classes)
        print(f"{len(found.event_ids):,} events: scores of {names}, and no truth, in {output}{left}")
    return 0


def run(model: Path, events: Path, device: str, batch: int, report: Callable[[str, float, float], None]) -> Predicted:
    """Scores of all events, shard by shard: only ids and scores stay in memory.

    Raises UserError for what is no kept model, and for events that its task or representation can't read.
    """
    import numpy as np

    from benchmark.engine.model_store import restore

    restored = restore(model.expanduser().resolve(), device)
    shown = _shown(events.expanduser().resolve(), restored)
    ids, scores = [np.zeros(0, np.int64)], [np.zeros((0, len(restored.origin.classes)), np.float32)]
    done = 0
    for part in shown.shards:
        report("predict", done, shown.total)
        try:
            samples = restored.representation.represent(part).to(device)
        except Skip as reason:
            raise UserError(f"{events}: {reason}") from reason
        ids.append(samples.event_ids.cpu().numpy())
        scores += [
            restored.model.predict_proba(samples[first : first + batch]) for first in range(0, len(samples), batch)
        ]
        done += len(part)
    report("predict", done, shown.total)
    classes = restored.origin.classes
    return Predicted(np.concatenate(ids), np.concatenate(scores), classes, shown.seen, shown.dropped)


def write(found: Predicted, output: Path) -> None:
    """Write a table: `event_id`, then a column a class, named after it; as npz the arrays of `Predicted`."""
    import numpy as np
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    from benchmark.core.files import write_atomically

    if output.suffix == ".npz":
        arrays: dict[str, Any] = {"event_ids": found.event_ids, "scores": found.scores, "classes": found.classes}
        write_atomically(output, lambda file: np.savez_compressed(file, **arrays))
        return
    columns = {name: found.scores[:, place] for place, name in enumerate(found.classes)}
    table = pyarrow.table({"event_id": found.event_ids, **columns})

    def put(file: BinaryIO) -> None:
        if output.suffix == ".csv":
            pyarrow.csv.write_csv(table, file)
        else:
            pyarrow.parquet.write_table(table, file)

    write_atomically(output, put)


@dataclass(frozen=True)
class _Shown:
    """Events shard by shard, how many (0 where nobody knows yet), whether they are those of the fit, and `dropped`."""

    shards: Iterable[Events]
    total: int = 0
    seen: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)


def _shown(path: Path, restored: Restored) -> _Shown:
    """The events of a path: of a data set, or of files."""
    from tasks.data.manifest import MANIFEST, read_manifest
    from tasks.data.store import shards_in

    task = restored.task
    if not path.exists():
        raise UserError(f"{path}: no such file or folder. Give events, or the folder of a data set.")
    if not (path / MANIFEST).is_file():
        return _read(path, restored)
    manifest = read_manifest(path)
    if manifest is None:
        raise UserError(f"{path}: a data set of an older format. `data generate` or `data import` describes it anew.")
    if manifest.task != task.name:
        raise UserError(f"{path}: events of the task {manifest.task}, but the model was fitted for {task.name}.")
    columns = restored.representation.columns(task.info(manifest.level))
    seen = manifest.content == restored.origin.content
    return _Shown(shards_in(path, task, manifest.level, columns), manifest.events(), seen)


def _read(path: Path, restored: Restored) -> _Shown:
    """Events of files, as the task reads those whose class nobody knows."""
    from tasks.data.dataset import info_of
    from tasks.events import Events, check

    task = restored.task
    if task.reader is None:
        raise UserError(
            f"{path}: no data set (no manifest.json), and the task {task.name} reads no files. "
            f"Give the folder of a data set; `data show {task.name}` lists them."
        )
    found = task.reader.read_new(path)

    def shards() -> Iterable[Events]:
        for table in found.chunks:
            if len(table):
                check(table, f"{task.name}, {path}")
                yield Events(task.apply_variant(table), info_of(task, "detector", from_files=True))

    return _Shown(shards(), dropped=found.dropped)
