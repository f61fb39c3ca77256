"""A guard around the code of plug-ins that runs in the user's own process: when they are imported and built."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from benchmark.core.blame import reason_of
from benchmark.core.errors import Skip, UserError
from benchmark.core.process import is_worker, leave_if_forked, silenced
from benchmark.core.watch import announced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
"""What numpy does about floating-point errors by default."""


@contextmanager
def guarded(subject: str, advice: str = "Correct this file.") -> Iterator[None]:
    """Run code of a plug-in: discard what it prints, and undo its changes of the state of this process.

    A worker process keeps the changes, since it has no other work than this plug-in's.

    Parameters
    ----------
    subject : what the code does, such as "mine.py: importing it".

    Raises
    ------
    UserError
        When the code raises anything but UserError and Skip, also SystemExit or a KeyboardInterrupt that is not the
        user's.
    """
    process = os.getpid()
    with ExitStack() as stack:
        pressed = stack.enter_context(_ctrl_c())
        stack.enter_context(silenced(errors=True))
        if not is_worker():
            stack.enter_context(announced(subject))
            stack.enter_context(_unchanged())
        try:
            yield
        except (UserError, Skip):
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and pressed():
                raise
            raise UserError(f"{subject} raised {reason_of(error)}. {advice}") from error
        finally:
            leave_if_forked()
            if os.getpid() != process:  # it forked; only one of the two goes on
                os._exit(0)


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """A function that says whether Ctrl-C was pressed in the block; a plug-in can raise KeyboardInterrupt by itself."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield lambda: False
        return
    pressed = False

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        before(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _unchanged() -> Iterator[None]:
    """Restore environment, folder, file modes, signal handlers, filters of warnings, and the modes of numpy and torch.

    What was put into the path of imports goes to its end, where it hides nothing.
    """
    environment, folder, path = dict(os.environ), os.getcwd(), list(sys.path)
    umask = os.umask(0o077)
    os.umask(umask)
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    modes = numpy.geterr() if (numpy := sys.modules.get("numpy")) else NUMPY
    kind = torch.get_default_dtype() if (torch := sys.modules.get("torch")) else None
    with warnings.catch_warnings():
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(environment)
            os.umask(umask)
            with suppress(OSError):  # it may be gone
                os.chdir(folder)
            sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
            for number, handler in handlers.items():
                if handler is not None and signal.getsignal(number) is not handler:
                    with suppress(ValueError, OSError):  # not the main thread
                        signal.signal(number, handler)
            if numpy := sys.modules.get("numpy"):
                numpy.seterr(**modes)
            if torch := sys.modules.get("torch"):
                torch.set_default_dtype(kind or torch.float32)
