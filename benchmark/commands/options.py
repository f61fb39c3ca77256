"""Options that several commands share, and the completion of names in a shell."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from benchmark.core.errors import UserError
from benchmark.core.files import refuse_special
from benchmark.core.parameters import parameters_of
from benchmark.core.paths import user_path
from benchmark.core.plugin import PRESETS, Range
from benchmark.core.refusals import shown
from benchmark.core.registry import Registry
from benchmark.engine.request import data_root as data_root
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.records.store import ResultStore

Number = TypeVar("Number", int, float)

DEFAULT_RESULTS = Path("results")
PAGES = "leaderboard"
"""Name of the folder of pages in a folder of results."""
_PATTERN = re.compile(r"[*?\[]")


def matched(given: Path, noun: str) -> Path:
    """The one path that matches a pattern such as `saved/ttbar/*-bdt-*`; a path without a pattern as it is.

    Shells pass on a pattern that is quoted, or that matches nothing.

    Raises UserError when the pattern matches no path, or several.
    """
    path = user_path(given, noun, follow=False)
    if path.exists() or not _PATTERN.search(str(path)):
        return path
    found = [Path(name) for name in sorted(glob(str(path)))]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{given}: matches {len(found)} paths ({_first(found)}), expected one {noun}. Name it.")
    parts = path.absolute().parents
    folder = next(parent for parent in parts if not _PATTERN.search(str(parent)) and parent.is_dir())
    raise UserError(
        f"{given}: no path matches this pattern, expected one {noun}. In {folder} there is: "
        f"{_first(_visible(folder)) or 'nothing'}."
    )


def _first(paths: Sequence[Path]) -> str:
    return ", ".join(f"'{path.name}'" for path in paths[:3]) + (", ..." if len(paths) > 3 else "")


def file_to_write(given: Path, option: str) -> Path:
    """The path of a file to write, before the work for it begins. A link stands for the file that it leads to.

    Raises UserError when a folder, a device, a pipe or a socket has this name, or when there is no folder to put the
    file into.
    """
    path = user_path(given, option)
    named = user_path(given, option, follow=False)  # /dev/stdout has no path when links are followed
    if path.is_dir():
        raise UserError(f"{option} {named}: is a folder, expected a file to write. Name a file in it.")
    try:
        refuse_special(named)
    except UserError as error:
        raise UserError(f"{option} {error}") from error
    if not path.parent.is_dir():
        raise UserError(f"{option} {named}: there is no folder {path.parent}. Make it, or name another.")
    return path


Published = Annotated[
    bool,
    typer.Option(
        "--published/--no-published", help="Published results beside your own, on boards that have rows of yours."
    ),
]


def existing_results(
    given: Path, *, published: bool = False, option: str = "--results", needed: bool = False
) -> ResultStore:
    """The results in an existing folder; prints a note on standard error if there are none yet.

    published : with the published results beside them.
    option : by which it was given.
    needed : whether having no results is an error.

    Raises UserError when there is no such folder, or when it holds other files.
    """
    from benchmark.records.published import ACCEPTED, BesidePublished

    folder = user_path(given, option)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise UserError(
            f"{option} {folder}: {found}, expected a folder of results. "
            "Name another one, or make it: python -m benchmark run --task ttbar"
        )
    store = BesidePublished(folder, ACCEPTED if published else folder)
    if any("-seed" in path.name for path in store.paths()):
        return store
    other_files = [path for path in _visible(folder) if not _may_hold_results(path)]
    if other_files:
        raise UserError(
            f"{option} {folder}: holds no result (found: {_first(other_files)}), expected TASK/*.json. "
            "Name a folder of results."
        )
    words = f"no results in {folder} yet. First: python -m benchmark run --task ttbar"
    if needed:
        raise UserError(words)
    print(words, file=sys.stderr)
    return store


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _may_hold_results(path: Path) -> bool:
    """Whether it is the folder of a task whose run stopped before its first result, or a folder of pages."""
    from benchmark.records.store import PAGES_MARK

    if not path.is_dir():
        return False
    return (path / PAGES_MARK).exists() or all(child.suffix in (".npz", ".json") for child in _visible(path))


def whole(option: str, allowed: Range) -> Callable[[str], int]:
    """Reads an option that is a whole number. Raises UserError for anything else, in the words of `benchmark.run`."""
    return lambda text: _number(option, text, int, f"a whole number, {allowed}", allowed)


def seconds(option: str, allowed: Range) -> Callable[[str], float]:
    """Reads an option that is a number of seconds, as `whole` does."""
    return lambda text: _number(option, text, float, f"a number of seconds, {allowed}", allowed)


def _number(option: str, text: str, kind: Callable[[str], Number], expected: str, allowed: Range) -> Number:
    try:
        found = kind(text)
    except ValueError:
        raise UserError(f"option '{option}': {shown(text)}, expected {expected}.") from None
    if found not in allowed:
        raise UserError(f"option '{option}': {found}, expected {expected}.")
    return found


def completer(registry: Registry[Any]) -> Callable[[str], list[str]]:
    """Complete the last of comma-separated names, or the last parameter in its brackets, without importing plug-ins."""

    def complete(incomplete: str) -> list[str]:
        name, bracket, inside = incomplete.rpartition("[")
        if bracket and "]" not in inside:
            return [f"{name}[{more}" for more in _parameters(registry, name.rpartition(",")[2], inside)]
        before, comma, word = incomplete.rpartition(",")
        return [before + comma + name for name in ("all", *registry.names()) if name.startswith(word)]

    return complete


def _parameters(registry: Registry[Any], name: str, inside: str) -> list[str]:
    """Completions inside the brackets of a plug-in."""
    before, comma, word = inside.rpartition(",")
    given = {pair.partition("=")[0] for pair in before.split(",")}
    try:
        parameters = parameters_of(registry.find(name))
    except UserError:
        return []
    names = [parameter.name for parameter in parameters if parameter.name not in given]
    return [f"{before}{comma}{name}=" for name in names if name.startswith(word)]


def complete_any(*registries: Registry[Any]) -> Callable[[str], list[str]]:
    """Complete a name of any of these groups."""

    def complete(incomplete: str) -> list[str]:
        return [name for registry in registries for name in registry.names() if name.startswith(incomplete)]

    return complete


def complete_preset(incomplete: str) -> list[str]:
    """Complete a preset."""
    return [preset.name for preset in PRESETS if preset.name.startswith(incomplete)]


def complete_level(incomplete: str) -> list[str]:
    """Complete a level of realism."""
    from tasks.task import LEVELS

    return [level for level in LEVELS if level.startswith(incomplete)]


Results = Annotated[
    Path, typer.Option("--results", help="Folder of results. Default: results/.", metavar="DIR", show_default=False)
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder of event data. Default: BENCHMARK_DATA, or the user's cache folder.", metavar="DIR"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
TestEvents = Annotated[
    str | None,
    typer.Option(
        "--test-events",
        help="Generated test events of each class; fewer are the first of more, and none is made twice. "
        "Default: 100 (smoke), 800 (quick), 5000 (standard), 10000 (paper).",
        metavar="N",
    ),
]
TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code",
        help="Run code from files that the saved model names: its own plug-ins, if they have not changed since. "
        "Installed plug-ins, also those of other packages, need no trust.",
    ),
]

_MANY = "Repeatable, comma-separated, or 'all' (the default)."
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        help=f"Tasks, with parameters as 'ttbar[min_jets=2]'. {_MANY}",
        metavar="NAME",
        autocompletion=completer(TASKS),
        show_default=False,
    ),
]
Representations = Annotated[
    list[str] | None,
    typer.Option(
        "--representation",
        help=f"Representations. {_MANY}",
        metavar="NAME",
        autocompletion=completer(REPRESENTATIONS),
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help=f"Models, as 'cnn[depth=15,dropout=0.2]' (see: list cnn); path/to/mine.py:Mine for your own. {_MANY}",
        metavar="NAME",
        autocompletion=completer(MODELS),
        show_default=False,
    ),
]
