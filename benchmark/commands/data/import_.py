"""`data import`: read real files once."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import options
from benchmark.commands.data import arguments, generate
from benchmark.core.errors import UserError
from benchmark.core.paths import user_path


def command(
    task: arguments.OneTask,
    source: Annotated[Path, typer.Option(help="A file, or a folder of files.", metavar="PATH")],
    preset: Annotated[str, typer.Option(help="Preset of the runs that will use the events.")] = "quick",
    data: options.Data = None,
    quiet: arguments.Quiet = False,
    json: options.Json = False,
) -> int:
    """Read the events of real files. Files that were read already are not read again unless they have changed.

    Example: python -m benchmark data import dimuon --source path/to/cms/files
    """
    from benchmark.engine.progress import Display

    source = user_path(source, "--source", follow=False)
    wanted = arguments.data_sets(task, preset, "detector", source)
    if len(wanted) != 1:
        raise UserError(f"--source {source}: files belong to one task, but {len(wanted)} were named. Name one task.")
    with Display(quiet=quiet) as display:
        rows = generate.run(wanted, options.data_root(data), 1, display)
    if json:
        print(json_format.dumps(rows[0], indent=1))
    elif not quiet:
        arguments.say_made(rows)
    return 0
