"""`data fetch`: download public data sets and verify them, or say how to get them by hand."""

from __future__ import annotations

import json as json_format
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands import options
from benchmark.core.paths import user_path
from benchmark.core.terminal import console, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.sources.catalogue import Source, SourceFile
    from tasks.sources.download import Outcome

LIST = "list"
FOLDER = "downloads"
"""Folder of downloads in the data root; it has one folder for each source."""


def complete(incomplete: str) -> list[str]:
    """Complete the name of a source."""
    from tasks.sources.catalogue import sources

    return [name for name in (LIST, *sources()) if name.startswith(incomplete)]


def fetch(
    source: Annotated[
        str,
        typer.Argument(help="A public data set; 'list' lists them.", metavar="SOURCE", autocompletion=complete),
    ] = LIST,
    to: Annotated[
        Path | None, typer.Option(help="Folder for the files. Default: downloads/SOURCE in --data.", metavar="DIR")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Only these files. Repeatable, or comma-separated.", metavar="FILE")
    ] = None,
    data: options.Data = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False,
    json: options.Json = False,
) -> int:
    """Download a public data set and verify it.

    Files that are in the folder already, also those that you put there, are verified and not downloaded again.
    Exit codes: 0 all files are there, 1 a download failed, 2 the request was wrong, 130 interrupted.

    Example: python -m benchmark data fetch dimuon-csv
    """
    from tasks.sources.catalogue import find

    root = options.data_root(data)
    if source == LIST:
        _print_sources(root, as_json=json)
        return 0
    wanted = find(source)
    files = wanted.choose([name for names in only or () for name in names.split(",")])
    folder = user_path(to, "--to") if to else root / FOLDER / wanted.name
    outcomes = run(wanted, files, folder, quiet=quiet, as_json=json)
    return 0 if all(outcome.good for outcome in outcomes) else 1


def run(source: Source, files: Sequence[SourceFile], folder: Path, *, quiet: bool, as_json: bool) -> list[Outcome]:
    """Download the files, report the outcome of each, and say what to do next. Raises UserError."""
    from benchmark.commands.data.fetch_progress import DownloadProgress
    from tasks.sources.download import fetch_all

    outcomes = []
    with DownloadProgress(quiet=quiet) as progress:
        for outcome in fetch_all(files, folder, progress):
            outcomes.append(outcome)
            progress.ended(outcome)
    missing = [outcome for outcome in outcomes if not outcome.good]
    for outcome in missing:
        if outcome.reason:
            print(f"error: {explain(source, outcome)}", file=sys.stderr)
    if as_json:
        print(json_format.dumps(_record(source, folder, outcomes), indent=1))
    elif not quiet:
        print(f"{source.name}: {source.record}, licence {source.licence}")
        if missing:
            _print_by_hand(missing, folder)
            print(f"then verify them: {_again(source, files, folder)}")
        else:
            print(f"next: {following(source, files, folder)}")
    return outcomes


def explain(source: Source, outcome: Outcome) -> str:
    """One line: the file, what was found, what was expected, what to do."""
    file = outcome.file
    return (
        f"{source.name}: {file.name} was not downloaded ({outcome.reason}). "
        f"Get it from {file.record}, save it as {outcome.path} and run the same command again."
    )


def following(source: Source, files: Sequence[SourceFile], folder: Path) -> str:
    """The command that runs on the files."""
    place = folder / files[0].name if len(files) == 1 else folder
    return f"python -m benchmark run --task {source.task} --source {shlex.quote(str(place))}"


def human(size: int | None) -> str:
    """A number of bytes for people, in powers of ten; empty if unknown."""
    if size is None:
        return ""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"


def _print_by_hand(missing: Sequence[Outcome], folder: Path) -> None:
    """Print which files to get from which record, and commands that download them, also in several attempts."""
    from tasks.sources.download import curl

    print(f"to get by hand, into {folder}:")
    for outcome in missing:
        file = outcome.file
        facts = ", ".join(fact for fact in (human(file.size), file.checksum) if fact)
        print(f"  {file.name} from {file.record}" + (f" ({facts})" if facts else ""))
        for command in curl(file, outcome.path):
            print(f"    {command}")


def _again(source: Source, files: Sequence[SourceFile], folder: Path) -> str:
    only = f" --only {','.join(file.name for file in files)}" if len(files) < len(source.files) else ""
    return f"python -m benchmark data fetch {source.name} --to {shlex.quote(str(folder))}{only}"


def _print_sources(root: Path, *, as_json: bool) -> None:
    from tasks.sources.catalogue import sources

    known = sources().values()
    if as_json:
        print(json_format.dumps({"sources": [_describe(source, root) for source in known]}, indent=1))
        return
    rows = [
        (source.name, source.task, str(len(source.files)), human(source.size) or "?", source.summary)
        for source in known
    ]
    headers = ("source", "task", "files", "size", "summary")
    console().print(table(headers, rows, right={"files", "size"}, whole=set(headers) - {"summary"}))
    print("\nto get one: python -m benchmark data fetch SOURCE (--json: files, licences, records)")


def _describe(source: Source, root: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(source), "size": source.size, "folder": str(root / FOLDER / source.name)}


def _record(source: Source, folder: Path, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    from dataclasses import asdict

    files = []
    for outcome in outcomes:
        fields = asdict(outcome)
        files.append({**fields.pop("file"), **fields, "path": str(outcome.path)})
    complete = all(outcome.good for outcome in outcomes)
    chosen = [outcome.file for outcome in outcomes]
    next_command = following if complete else _again
    return {
        "source": source.name,
        "task": source.task,
        "folder": str(folder),
        "complete": complete,
        "files": files,
        "next": next_command(source, chosen, folder),
    }
