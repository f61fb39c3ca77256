"""Check stored data sets against their manifests: every shard is hashed and read again, one in memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.files import warn_once
from benchmark.core.stored import UnreadableError
from tasks.data.manifest import REMEDY
from tasks.data.shards import FILE, read_shard

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.data.content import Content
    from tasks.data.inventory import DataFolder
    from tasks.data.manifest import Manifest, Report, Shard


def verify_folder(item: DataFolder, report: Report) -> dict[str, Any]:
    """Verify a folder in any state; a manifest without a seal gets one if all is as it says.

    Returns `status` (ok, incomplete, damaged or unreadable), `problems` and a `remark`.
    """
    if item.state in ("damaged", "unreadable"):
        return {"status": item.state, "problems": [item.reason], "remark": ""}
    if item.manifest is None:
        return {"status": "incomplete", "problems": [], "remark": item.reason}
    try:
        problems = verify(item.folder, item.manifest, report)
    except UnreadableError as error:
        return {"status": "unreadable", "problems": [str(error)], "remark": ""}
    remark = item.reason or f"{item.manifest.events():,} events in {len(item.manifest.shards)} shards"
    if item.state == "unsealed" and not problems:
        remark = "had no seal; it is sealed now" if write_sealed(item.folder, item.manifest) else item.reason
    return {"status": "damaged" if problems else "ok", "problems": problems, "remark": remark}


def seal(folder: Path, manifest: Manifest, report: Report) -> Manifest:
    """Verify a manifest without a seal, and write it with one. Raises UserError when the events differ from it."""
    problems = verify(folder, manifest, report)
    if problems:
        raise UserError(f"{folder}: {problems[0]}. {REMEDY}")
    complete = write_sealed(folder, manifest)
    now = (
        "had no seal; its events are as it says, and it is sealed now"
        if complete
        else "has no seal; its events are as it says"
    )
    warn_once(f"{folder}: the manifest {now}")
    return complete or manifest


def write_sealed(folder: Path, manifest: Manifest) -> Manifest | None:
    """Write a verified manifest with a seal; None, with a warning, where that fails: it is verified again next time."""
    shards = [s.model_copy(update={"size": (folder / s.file).stat().st_size}) for s in manifest.shards]
    complete = manifest.model_copy(update={"shards": shards})
    try:
        complete.write(folder)
    except UserError as error:
        warn_once(str(error))
        return None
    return complete


def verify(folder: Path, manifest: Manifest, report: Report) -> list[str]:
    """The problems of a data set, a line each; empty if its files, counts and fingerprints are as recorded.

    Raises UnreadableError for a shard that is there and can't be read.
    """
    from tasks.data.content import Content

    content = Content(manifest.task, tuple(manifest.counts))
    problems: list[str] = []
    done, total = 0, sum(shard.events for shard in manifest.shards)
    for shard in manifest.shards:
        report("verify", done, total)
        problem = _problem(folder, shard, content)
        if problem:
            problems.append(f"{shard.file}: {problem}")
        done += shard.events
    report("verify", done, total)
    if problems:  # counts and fingerprints can't be right then
        return problems
    try:
        summary = content.summary()
    except UserError as error:
        return [str(error)]
    return [
        f"{name}: the events give {value}, the manifest says {getattr(manifest, name)}"
        for name, value in summary.items()
        if value != getattr(manifest, name)
    ]


def _problem(folder: Path, shard: Shard, content: Content) -> str:
    """The problem of a shard; empty if there is none, and then its events are added to `content`."""
    path = folder / shard.file
    if not path.exists():
        return "missing"
    try:
        content.add(read_shard(folder, shard))
    except UnreadableError:
        raise
    except UserError as error:
        return str(error).removeprefix(f"{path}: ").removesuffix(f". {FILE.remedy}")
    return ""
