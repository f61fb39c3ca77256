"""`data verify`: is what lies on the disk still what was made?"""

from __future__ import annotations

import json as json_format
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmark.commands import options
from benchmark.commands.data import requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.engine.progress import Display
    from tasks.data.inventory import Found


def command(
    task: requests.There = None,
    data: options.Data = None,
    quiet: requests.Quiet = False,
    json: options.Json = False,
) -> int:
    """Hash every shard again, and count and fingerprint the events anew. Exit code 1 when something is damaged.

    Example: python -m benchmark data verify ttbar
    """
    from benchmark.engine.progress import Display

    root = options.data_root(data)
    found = requests.found(root, task)
    with Display(quiet=quiet) as display:
        rows = run(found, display)
    if json:
        print(json_format.dumps(rows, indent=1))
    elif not rows:
        print(f"no data in {root} yet")
    for row in [] if json else rows:
        if row["status"] == "damaged":
            for problem in row["problems"]:
                print(f"damaged: {row['folder']}: {problem}")
            print(f"  Delete {row['folder']}: the command that made it makes it again.")
        elif not quiet:
            print(f"{row['status']}: {row['folder']} ({row['remark']})")
    return 1 if any(row["status"] == "damaged" for row in rows) else 0


def run(found: Sequence[Found], display: Display) -> list[dict[str, Any]]:
    """Verify data sets. Returns folder, status (ok, incomplete or damaged), problems and a remark of each."""
    from tasks.data.verification import verify

    rows = []
    for item in found:
        status, problems, remark = "ok", [], item.reason
        if item.state == "damaged":
            status, problems, remark = "damaged", [item.reason], ""
        elif item.manifest is None:
            status = "incomplete"
        else:
            name = f"{item.task}/{item.folder.name}"
            problems = verify(item.folder, item.manifest, partial(display.stage, name))
            status = "damaged" if problems else "ok"
            remark = remark or f"{item.manifest.events():,} events in {len(item.manifest.shards)} shards"
        rows.append({"folder": str(item.folder), "status": status, "problems": problems, "remark": remark})
    return rows
