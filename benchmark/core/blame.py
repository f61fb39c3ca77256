"""Where an error comes from: the line of a plug-in that raised it."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.core.errors import Skip, UserError
from benchmark.core.source_text import PACKAGES, PLUGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = ("tasks", "representations", "models", "metrics")
REASON_LENGTH = 300


def reason_of(error: Exception) -> str:
    """An error in a line: its type, the first line of its text, and the line of code that is responsible for it."""
    if isinstance(error, UserError):
        return str(error)
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    return f"{text if len(text) <= REASON_LENGTH else text[:REASON_LENGTH] + ' ...'} ({_place_of(error)})"


@contextmanager
def blamed() -> Iterator[None]:
    """Turn an error in a plug-in of the user's own into a UserError of one line; every other error passes.

    Wrap all calls of plug-ins: the command line as a whole, and the work of a process whose errors are sent to
    another one, since these lose their traceback.
    """
    try:
        yield
    except (UserError, Skip):
        raise
    except Exception as error:
        frames = _foreign_frames(error)
        if not frames:
            raise
        *_, function = frames[-1]
        raise UserError(f"{function} raised {reason_of(error)}. Correct this file.") from error


def _place_of(error: Exception) -> str:
    """File and line: the last of the user's plug-in; else the last of this program, not of a library that it calls."""
    if foreign := _foreign_frames(error):
        file, line, _ = foreign[-1]
        return f"{file}, line {line}"
    frames = traceback.extract_tb(error.__traceback__)
    # if this program is installed as a library, all files may be in libraries
    last = ([frame for frame in frames if "site-packages" not in frame.filename] or frames)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


def _foreign_frames(error: Exception) -> list[tuple[str, int, str]]:
    """File, line and function of each frame in a loose plug-in, or in a package with entry points, outermost first."""
    groups = (entry_points(group=f"benchmark.{group}") for group in GROUPS)
    announced = {point.value.partition(":")[0].partition(".")[0] for group in groups for point in group}
    found = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        top = frame.f_globals.get("__name__", "").partition(".")[0]
        if top.startswith(PLUGIN) or top in announced.difference(PACKAGES):
            found.append((Path(frame.f_code.co_filename).name, line, frame.f_code.co_qualname))
    return found
