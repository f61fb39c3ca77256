"""Fewer events at once when a device runs out of memory, with a warning."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import torch

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def at_once(events: int, attempt: Callable[[int], T], what: str, others: str, advice: str) -> T:
    """The result of `attempt(events)`, if the number of events must not change.

    Parameters
    ----------
    what, others, advice : for the message: name of the work, what else uses the memory, and what to do.

    Raises
    ------
    UserError
        If memory is too small.
    """
    try:
        return attempt(events)
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{what}: {events} events at once are too many next to {others} ({_why(error)}). {advice}"
        ) from error


def halving(events: int, attempt: Callable[[int], T], what: str) -> tuple[T, int]:
    """The result of `attempt(events)`, with half as many events whenever the device runs out of memory.

    Parameters
    ----------
    what : name of the work, for the warning on standard error.

    Returns
    -------
    The result, and the number of events used.

    Raises
    ------
    UserError
        If memory is too small for a single event.
    """
    while True:
        try:
            return attempt(events), events
        except torch.OutOfMemoryError as error:
            reason = _why(error)
            if events == 1:
                raise UserError(
                    f"{what}: not even one event fits into the memory of the device ({reason}). Choose a smaller model."
                ) from error
        # outside the handler, because the traceback of the error holds the memory
        events //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        print(f"warning: {what}: {2 * events} events at once are too many ({reason}); now {events}", file=sys.stderr)


def _why(error: torch.OutOfMemoryError) -> str:
    return str(error).partition(". ")[0].splitlines()[0]
