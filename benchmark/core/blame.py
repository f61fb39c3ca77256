"""Where an error comes from: the line of a plug-in that raised it."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.core.errors import PluginError, Skip, UserError
from benchmark.core.source_text import PACKAGES, PLUGIN
from benchmark.core.text import short

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = ("tasks", "representations", "models", "metrics")
REASON_LENGTH = 300
MESSAGE_LENGTH = 2000
UNKNOWN = traceback.FrameSummary("unknown", 0, "")


def reason_of(error: BaseException) -> str:
    """An error in a line: its type, the first line of its text, and the line of code that is responsible for it."""
    text = _text_of(error)
    if isinstance(error, UserError | Skip):
        return short(" ".join(text.split()), MESSAGE_LENGTH)
    first = f"{type(error).__name__}: {text}".removesuffix(": ").splitlines()[0]
    return f"{short(first, REASON_LENGTH)} ({_place_of(error)})"


def complaint(error: BaseException) -> str:
    """An error in a line, with the function of a plug-in of the user's own that raised it, if one did."""
    frames = [] if isinstance(error, UserError | Skip) else _foreign_frames(error)
    return f"{frames[-1][2]} raised {reason_of(error)}. Correct this file." if frames else reason_of(error)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as problem:  # of a plug-in's own error
        return f"its __str__ raises {type(problem).__name__}"


@contextmanager
def blamed() -> Iterator[None]:
    """Turn an error in a plug-in of the user's own into a PluginError of one line; every other error passes.

    Wrap all calls of plug-ins: the command line as a whole, and the work of a process whose errors are sent to
    another one, since these lose their traceback.
    """
    try:
        yield
    except (UserError, Skip, KeyboardInterrupt):
        raise
    except BaseException as error:
        if not _foreign_frames(error):
            raise
        raise PluginError(complaint(error)) from error


def _place_of(error: BaseException) -> str:
    """File and line: the last of the user's plug-in; else the last of this program, not of a library that it calls."""
    if foreign := _foreign_frames(error):
        file, line, _ = foreign[-1]
        return f"{file}, line {line}"
    frames = traceback.extract_tb(error.__traceback__)
    # if this program is installed as a library, all files may be in libraries
    last = ([frame for frame in frames if "site-packages" not in frame.filename] or frames or [UNKNOWN])[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


def _foreign_frames(error: BaseException) -> list[tuple[str, int, str]]:
    """File, line and function of each frame in a loose plug-in, or in a package with entry points, outermost first."""
    groups = (entry_points(group=f"benchmark.{group}") for group in GROUPS)
    announced = {point.value.partition(":")[0].partition(".")[0] for group in groups for point in group}
    found = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if top.startswith(PLUGIN) or top in announced.difference(PACKAGES):
            found.append((Path(frame.f_code.co_filename).name, line, frame.f_code.co_qualname))
    return found
