"""What a user sees when something can't be done: an error, or a cell skipped for a reason."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class UserError(Exception):
    """A request that can't be met. Printed as one line, without a traceback, with exit code 2.

    The message says four things: the object, what was found, what was expected, what to do.
    """


class Skip(Exception):  # noqa: N818 - it is no error: the reason is shown on the board
    """A cell that makes no sense here, such as one class alone; its result is `skipped` with this reason."""


MOST = 20
"""Known words that an error names: columns of tables are hundreds."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known word, or all of them (the first twenty) when none is near."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'?"
    more = f", and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"Known: {', '.join(names[:MOST])}{more}." if names else "None is known."
