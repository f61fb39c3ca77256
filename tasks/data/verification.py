"""Check stored data sets against their manifests: every shard is hashed and read again, one in memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.files import sha256

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.data.content import Content
    from tasks.data.inventory import DataFolder
    from tasks.data.manifest import Manifest, Report, Shard


def verify_folder(item: DataFolder, report: Report) -> dict[str, Any]:
    """Verify a folder in any state. Returns `status` (ok, incomplete or damaged), `problems` and a `remark`."""
    if item.state == "damaged":
        return {"status": "damaged", "problems": [item.reason], "remark": ""}
    if item.manifest is None:
        return {"status": "incomplete", "problems": [], "remark": item.reason}
    problems = verify(item.folder, item.manifest, report)
    remark = item.reason or f"{item.manifest.events():,} events in {len(item.manifest.shards)} shards"
    return {"status": "damaged" if problems else "ok", "problems": problems, "remark": remark}


def verify(folder: Path, manifest: Manifest, report: Report) -> list[str]:
    """The problems of a data set, a line each; empty if its files, counts and fingerprints are as recorded."""
    from tasks.data.content import Content

    content = Content(manifest.task, tuple(manifest.counts))
    problems: list[str] = []
    done, total = 0, sum(shard.events for shard in manifest.shards)
    for shard in manifest.shards:
        report("verify", done, total)
        problem = _problem(folder / shard.file, shard, content)
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


def _problem(path: Path, shard: Shard, content: Content) -> str:
    """The problem of a shard; empty if there is none, and then its events are added to `content`."""
    from tasks import events

    if not path.is_file():
        return "missing"
    try:
        if sha256(path) != shard.sha256:
            return "changed since it was made (SHA-256 differs)"
        table = events.read(path)
        if len(table) != shard.events:
            return f"has {len(table)} events, the manifest says {shard.events}"
        content.add(table)
    except (UserError, OSError) as error:
        return str(error)
    return ""
