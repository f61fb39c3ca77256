"""What to do when a device has too little memory for so many events at once: half as many, and say so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import torch

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def at_once(events: int, attempt: Callable[[int], T], what: str, beside: str, advice: str) -> T:
    """What `attempt(events)` gives, where half as many won't do. Raises UserError where memory is too small for that.

    what : is done with the events. beside : what else there is. advice : what to do.
    """
    try:
        return attempt(events)
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{what}: {events} events at once are too many beside {beside} ({_why(error)}). {advice}"
        ) from error


def halving(events: int, attempt: Callable[[int], T], what: str) -> tuple[T, int]:
    """What `attempt(events)` gives, with half as many events as long as the device runs out of memory; how many it was.

    what : is done with the events, for the line on standard error. Raises UserError when a single one is too many.
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
        # only here, since the traceback of the error held on to what filled the memory
        events //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        print(f"warning: {what}: {2 * events} events at once are too many ({reason}); now {events}", file=sys.stderr)


def _why(error: torch.OutOfMemoryError) -> str:
    return str(error).partition(". ")[0].splitlines()[0]
