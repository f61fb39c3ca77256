"""`data verify`: check stored data sets against their manifests."""

from __future__ import annotations

import json as json_format
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmark.commands import options
from benchmark.commands.data import arguments
from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.engine.progress import Display
    from tasks.data.inventory import DataFolder


def command(
    task: arguments.OptionalTasks = None,
    data: options.Data = None,
    quiet: arguments.Quiet = False,
    json: options.Json = False,
) -> int:
    """Recompute the hash of every shard and the counts and fingerprint of the events. Exit code 1 if any differ.

    Example: python -m benchmark data verify ttbar
    """
    from benchmark.engine.progress import Display

    root = options.data_root(data)
    found = [item for item in arguments.found(root, task) if not item.is_empty]
    if data is not None and not root.is_dir():
        raise UserError(f"data verify: no folder {root}. Name the folder of the data sets with --data.")
    with Display(quiet=quiet) as display:
        rows = run(found, display)
    if json:
        print(json_format.dumps(rows, indent=1))
    elif not rows:
        print(f"no data in {root} yet")
    for row in [] if json else rows:
        for problem in row["problems"]:
            print(f"{row['status']}: {row['folder']}: {problem}")
        if row["status"] == "damaged":
            print(f"  Delete {row['folder']}, and repeat the command that made it.")
        elif not (row["problems"] or quiet):
            print(f"{row['status']}: {row['folder']} ({row['remark']})")
    return 1 if any(row["problems"] for row in rows) else 0


def run(found: Sequence[DataFolder], display: Display) -> list[dict[str, Any]]:
    """Verify data sets. Returns folder, status, problems and a remark of each, as `verify_folder` does."""
    from tasks.data.verification import verify_folder

    rows = []
    for item in found:
        state = verify_folder(item, partial(display.stage, f"{item.task}/{item.folder.name}"))
        rows.append({"folder": str(item.folder)} | state)
    return rows
