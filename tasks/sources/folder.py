"""The files of a source: regular ones only, of a folder and its own sub-folders, and not more than there may be."""

from __future__ import annotations

import os
import stat
from itertools import islice
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError
from benchmark.core.files import warn_once
from benchmark.core.paths import special
from benchmark.core.stored import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EVENT_FILE = StoredFile("an event file", 2**50, "Give another one with --source.")
MOST_ENTRIES = 100_000
"""Files and folders in a source, at most."""


def files_of(source: Path) -> list[Path]:
    """The files of a source, as `visible_files`, with their full paths."""
    try:
        path = source.resolve()
    except (OSError, RuntimeError) as error:  # a link to itself
        raise UserError(f"{source}: can't be followed ({error}), expected a file or a folder. Correct it.") from error
    return visible_files(path, deep=True)


def visible_files(source: Path, *, deep: bool, wanted: Callable[[Path], bool] = lambda _: True) -> list[Path]:
    """The file itself; or the visible files of a folder that are `wanted`, sorted by path.

    `deep` : include the visible files of its visible sub-folders.

    What is no regular file, such as a pipe or a device, is never opened: it is left out with a warning. Raises
    UserError for a source that is neither a file nor a folder or can't be read, and for too many files.
    """
    if not source.is_dir():
        EVENT_FILE.open(source).close()
        return [source]
    entries = _entries(source)
    if deep:
        inner = (child for folder in entries if folder.is_dir() for child in _entries(folder))
        entries = [*entries, *islice(inner, MOST_ENTRIES)]
    if len(entries) > MOST_ENTRIES:
        raise UserError(f"{source}: has over {MOST_ENTRIES:,} files, expected fewer. Name a folder of event files.")
    return sorted(path for path in entries if wanted(path) and _is_readable(path))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(islice(_visible(folder), MOST_ENTRIES + 1))
    except OSError as error:
        raise UserError(f"{folder}: can't be read ({error.strerror}), expected a folder. Check permissions.") from error


def _visible(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as found:
        yield from (folder / entry.name for entry in found if not entry.name.startswith("."))


def _is_readable(path: Path) -> bool:
    """Whether it is a regular file of a disk. Raises UserError for one that may not be read."""
    try:
        status = os.stat(path)
    except OSError as error:  # a link to nothing, or to itself
        warn_once(f"{path}: left out, since it can't be followed ({error.strerror})")
        return False
    if found := special(status):
        if not stat.S_ISDIR(status.st_mode):
            warn_once(f"{path}: left out, since it is {found}")
        return False
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: can't be read (permission denied), expected an event file. Check permissions.")
    return True
