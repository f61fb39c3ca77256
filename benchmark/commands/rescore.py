"""`rescore`: compute the numbers of stored results again from their scores."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands import options
from benchmark.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from benchmark.records.rescoring import Change, Rescored

SHOWN = 3
"""Results that are named for a number that differs; `--json` names all."""


def command(
    results: Annotated[
        Path, typer.Argument(help="Folder of results. Default: results/.", metavar="RESULTS", show_default=False)
    ] = options.DEFAULT_RESULTS,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write the numbers of the scores in place of those that differ.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what differs.")] = False,
    json: options.Json = False,
) -> int:
    """Compute all numbers again from stored scores, and say where records differ. Exit code 1 if any do.

    Numbers that a record lacks, of metrics that are newer than it, are added to it. Those of metrics from files stay as
    they are, since no code of theirs is run.

    Example: python -m benchmark rescore results
    """
    from benchmark.engine.progress import Display
    from benchmark.records.rescoring import rescore

    store = options.existing_results(results, option="RESULTS")
    records = list(store.all())
    found: list[Rescored] = []
    with Display(quiet=quiet) as display:
        for place, result in enumerate(records):
            display.stage(str(store.folder), "score", place, len(records))
            rescored = rescore(result, store)
            if rescored.new or (replace and rescored.different):
                store.add(rescored.replaced if replace else rescored.extended)
            found.append(rescored)
    if json:
        print(json_format.dumps([_record(rescored) for rescored in found], indent=1))
    else:
        for line in _lines(found, replace=replace, quiet=quiet):
            print(line)
    return 1 if any(each.problems or (each.different and not replace) for each in found) else 0


def _lines(found: Sequence[Rescored], *, replace: bool, quiet: bool) -> Iterator[str]:
    for each in found:
        yield from (one_line(f"{_name(each)}: {problem}") for problem in each.problems)
    total = len(found)
    for number, changes in _by_number(found, lambda each: each.different).items():
        largest = sorted(changes, key=lambda pair: -pair[1].size)
        for each, change in largest[:SHOWN]:
            yield one_line(f"{number} of {_name(each)}: {change}")
        done = "replaced" if replace else "differs"
        yield one_line(f"{number}: {done} in {len(changes)} of {total} results")
    if quiet:
        return
    for number, changes in _by_number(found, lambda each: each.new).items():
        yield one_line(f"{number}: added to {len(changes)} of {total} results")
    agree = sum(not (each.problems or (each.different and not replace)) for each in found)
    if total:
        yield f"{agree} of {total} results have the numbers of their scores"


def _by_number(
    found: Sequence[Rescored], changes: Callable[[Rescored], Iterable[Change]]
) -> dict[str, list[tuple[Rescored, Change]]]:
    by_number: dict[str, list[tuple[Rescored, Change]]] = {}
    for each in found:
        for change in changes(each):
            by_number.setdefault(str(change.number), []).append((each, change))
    return by_number


def _name(rescored: Rescored) -> str:
    return f"{rescored.replaced.task}/{rescored.replaced.stem}"


def _record(rescored: Rescored) -> dict[str, Any]:
    def listed(changes: Iterable[Change]) -> list[dict[str, Any]]:
        return [
            {
                "shift": change.number.shift,
                "number": change.number.name,
                "recorded": change.recorded.model_dump() if change.recorded else None,
                "computed": change.computed.model_dump() if change.computed else None,
            }
            for change in changes
        ]

    return {
        "result": _name(rescored),
        "key": rescored.replaced.key,
        "problems": list(rescored.problems),
        "different": listed(rescored.different),
        "added": listed(rescored.new),
    }
