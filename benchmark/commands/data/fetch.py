"""`data fetch`: public data sets, downloaded and checked, or else how to get them by hand."""

from __future__ import annotations

import json as json_format
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.sources.catalogue import Source, SourceFile
    from tasks.sources.download import Outcome

LIST = "list"
FOLDER = "downloads"
"""Where downloads lie in the data root, a folder for each source."""


def complete(incomplete: str) -> list[str]:
    """Names of sources that begin so."""
    from tasks.sources.catalogue import sources

    return [name for name in (LIST, *sources()) if name.startswith(incomplete)]


def fetch(
    source: Annotated[
        str,
        typer.Argument(help="A public data set; 'list' shows them.", metavar="SOURCE", autocompletion=complete),
    ] = LIST,
    to: Annotated[
        Path | None, typer.Option(help="Folder for the files. Default: downloads/SOURCE in --data.", metavar="DIR")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Some of its files. Repeatable, or comma-separated.", metavar="FILE")
    ] = None,
    data: options.Data = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")] = False,
    json: options.Json = False,
) -> int:
    """Download a public data set and check it; what broke off goes on where it was.

    Files that you put into the folder yourself are checked and taken. Exit codes: 0 all there, 1 a download failed,
    2 the request was wrong, 130 interrupted.

    Example: python -m benchmark data fetch dimuon-csv
    """
    from tasks.sources.catalogue import find

    root = options.data_root(data)
    if source == LIST:
        _print_sources(root, as_json=json)
        return 0
    wanted = find(source)
    files = wanted.choose([name for names in only or () for name in names.split(",")])
    folder = to.expanduser().resolve() if to else root / FOLDER / wanted.name
    outcomes = run(wanted, files, folder, quiet=quiet, as_json=json)
    return 0 if all(outcome.good for outcome in outcomes) else 1


def run(source: Source, files: Sequence[SourceFile], folder: Path, *, quiet: bool, as_json: bool) -> list[Outcome]:
    """Fetch the files, say what became of each, and what to do next. Raises UserError."""
    from benchmark.commands.data.fetch_display import FetchDisplay
    from tasks.sources.download import fetch_all

    outcomes = []
    with FetchDisplay(quiet=quiet) as display:
        for outcome in fetch_all(files, folder, display):
            outcomes.append(outcome)
            display.finished(outcome)
    missing = [outcome for outcome in outcomes if not outcome.good]
    for outcome in missing:
        if outcome.reason:
            print(f"error: {explain(source, outcome)}", file=sys.stderr)
    if as_json:
        print(json_format.dumps(_record(source, folder, outcomes), indent=1))
    elif not quiet:
        print(f"{source.name}: {source.record}, licence {source.licence}")
        if missing:
            _print_by_hand(source, missing, folder)
        else:
            print(f"next: {following(source, files, folder)}")
    return outcomes


def explain(source: Source, outcome: Outcome) -> str:
    """One line: the file, what was found, what was expected, what to do."""
    file = outcome.file
    return (
        f"{source.name}: {file.name} could not be had ({outcome.reason}). "
        f"Get it from {file.record}, put it at {outcome.path} and give the same command again."
    )


def following(source: Source, files: Sequence[SourceFile], folder: Path) -> str:
    """The command that uses what was fetched."""
    place = folder / files[0].name if len(files) == 1 else folder
    return f"python -m benchmark run --task {source.task} --source {shlex.quote(str(place))}"


def human(size: int | None) -> str:
    """Bytes for people, in powers of ten; empty when not known."""
    if size is None:
        return ""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"


def _print_by_hand(source: Source, missing: Sequence[Outcome], folder: Path) -> None:
    """Which files to get from which record, and where to put them."""
    print(f"to get by hand, into {folder}:")
    for outcome in missing:
        file = outcome.file
        facts = ", ".join(fact for fact in (human(file.size), file.checksum) if fact)
        print(f"  {file.name} from {file.record}" + (f" ({facts})" if facts else ""))
        for url in file.urls:
            print(f"    {url}")
    print(f"then, to check them: {_again(source, folder)}")


def _again(source: Source, folder: Path) -> str:
    return f"python -m benchmark data fetch {source.name} --to {shlex.quote(str(folder))}"


def _print_sources(root: Path, *, as_json: bool) -> None:
    from tasks.sources.catalogue import sources

    known = sources().values()
    if as_json:
        print(json_format.dumps({"sources": [_describe(source, root) for source in known]}, indent=1))
        return
    from rich.table import Table
    from rich.text import Text

    from benchmark.commands.output import console

    table = Table(box=None, pad_edge=False)
    for header in ("source", "task"):
        table.add_column(header, no_wrap=True)
    for header in ("files", "size"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for source in known:
        row = (source.name, source.task, str(len(source.files)), human(source.size) or "?")
        table.add_row(*map(Text, (*row, source.summary)))
    console().print(table)
    print("\nto get one: python -m benchmark data fetch SOURCE (with --json: files, licences, records)")


def _describe(source: Source, root: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(source), "size": source.size, "folder": str(root / FOLDER / source.name)}


def _record(source: Source, folder: Path, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    files = [
        {
            "name": outcome.file.name,
            "status": outcome.status,
            "path": str(outcome.path),
            "sha256": outcome.sha256,
            "checked": outcome.checked,
            "reason": outcome.reason,
            "warnings": list(outcome.warnings),
            "record": outcome.file.record,
            "urls": list(outcome.file.urls),
            "size": outcome.file.size,
            "checksum": outcome.file.checksum,
        }
        for outcome in outcomes
    ]
    complete = all(outcome.good for outcome in outcomes)
    chosen = [outcome.file for outcome in outcomes]
    next_command = following(source, chosen, folder) if complete else _again(source, folder)
    return {
        "source": source.name,
        "task": source.task,
        "folder": str(folder),
        "complete": complete,
        "files": files,
        "next": next_command,
    }
