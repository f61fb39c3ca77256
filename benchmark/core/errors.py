"""The two ways in which something cannot be done: an error of the user, and a cell that is skipped."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from benchmark.core.text import short

if TYPE_CHECKING:
    from collections.abc import Iterable


class UserError(Exception):
    """A request that cannot be fulfilled: one line without a traceback, and exit code 2.

    The message says four things: the object, what was found, what was expected, and what to do.
    """


class PluginError(UserError):
    """An error in a plug-in: the cells that use it fail with this message, and the others go on."""


class Skip(Exception):  # noqa: N818 - not an error: boards show the reason
    """A cell that makes no sense, such as one with a single class. Its result is `skipped`, with this reason."""


MOST = 20
"""Largest number of known words that a message lists."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that suggests the most similar known word, or lists the known words if none is similar."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'?"
    more = f", and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"Known: {', '.join(names[:MOST])}{more}." if names else "None is known."


def spelled(name: object, most: int = 40) -> str:
    """A name or a value that a stranger chose, for messages: on one line, without control characters, and short."""
    return short(str(name).strip(), most)
