"""Worker processes under supervision: those of cells, those that generate events, and those that try a plug-in.

A plug-in may fork, leave its process, or write to any file descriptor. So each worker has a session of its own, which
is ended as a whole. Objects go to a worker as pickles; what comes back are lines of JSON, which are data and never
code. A worker is dead when its process has ended, even if a child that it forked still holds the pipe.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import threading
import time
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, resource_tracker
from typing import TYPE_CHECKING, Any

from benchmark.core.blame import complaint
from benchmark.core.errors import PluginError
from benchmark.core.process import MARK, become_worker, leave_if_forked, members, spawn_without_main

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

MESSAGE_BYTES = 2**24
"""Size of the largest message."""
READ_BYTES = 2**16
LOOK_EVERY_S = 0.5
"""How often to look whether a process has ended whose pipe is still open: a child of it may hold the pipe."""
DYING_S = 5.0
"""Time in which a process whose pipe has closed may end, so that its exit code is known."""


class GarbledError(Exception):
    """A message that no worker of ours has sent."""


class Supervised:
    """A worker process. It runs `work(parent, *arguments)`; the arguments must not need a plug-in to be unpickled."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        context = get_context("spawn")
        self.pipe, child = context.Pipe()
        self._mark = secrets.token_hex(8)
        self._unread = b""
        self._closed = self._over = False
        self._code: int | None = None
        self.process = context.Process(target=_begin, args=(work, child, *arguments))
        resource_tracker.ensure_running()  # first, since it must not have the mark: all workers share it
        with spawn_without_main(), _marked(self._mark):
            self.process.start()
        child.close()

    def send(self, item: object) -> bool:
        """Send an object. Returns whether it was sent: False when the process has ended, as `receive` will say too."""
        with suppress(OSError):
            self.pipe.send(item)
            return True
        return False

    def receive(self) -> tuple[list[dict[str, Any]], bool]:
        """The messages that have come, without waiting, and whether there will be no more.

        Raises GarbledError for bytes that are no message.
        """
        over = self._closed or self.process.exitcode is not None
        if over and not self._over:
            self.process.join(DYING_S)  # a pipe closes a little before its process ends
            self._over, self._code = True, self.process.exitcode
            self._end_children()  # first, so that no one can write any more
        lines = self._lines(0 if over else MESSAGE_BYTES)
        return [_parsed(line) for line in lines], over

    def stop(self) -> int | None:
        """End process and children. Returns the exit code if it ended by itself."""
        code = self._code if self._over else self.process.exitcode
        self._end_children()
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return code

    def _lines(self, most: int) -> list[bytes]:
        """Whole lines from the pipe; after `most` bytes (0: never) the rest waits for the next call."""
        read = 0
        with suppress(OSError):  # the process has ended with unread messages of ours
            while not self._closed and self.pipe.poll() and (not most or read < most):
                more = os.read(self.pipe.fileno(), READ_BYTES)
                self._closed = not more
                self._unread += more
                read += len(more)
        *lines, self._unread = self._unread.split(b"\n")
        if len(self._unread) > MESSAGE_BYTES:
            raise GarbledError(f"more than {MESSAGE_BYTES:,} bytes without a line break")
        return lines

    def _end_children(self) -> None:
        """Kill the session of the process and all that descend from it, those with sessions of their own too."""
        with suppress(OSError):  # it has no session yet, or there is no one left
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        for number in members(self._mark):
            if number != self.process.pid:
                with suppress(OSError):
                    os.kill(number, signal.SIGKILL)


class ParentPipe:
    """The other end: what the worker process receives and sends."""

    def __init__(self, pipe: connection.Connection) -> None:
        self._pipe, self._lock = pipe, threading.Lock()

    def receive(self) -> Any:
        """The next object. Raises EOFError when there will be none."""
        return self._pipe.recv()

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message. A process that a plug-in has forked off ends here: it must not speak for the worker."""
        leave_if_forked()
        line = json.dumps({"kind": kind, **fields}).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._pipe.fileno(), line) :]


def wait(workers: Collection[Supervised], seconds: float) -> None:
    """Wait until one of the processes has sent something or ended; at most these seconds, or LOOK_EVERY_S."""
    connection.wait([worker.pipe for worker in workers], max(0.0, min(seconds, LOOK_EVERY_S)))


def how_it_died(code: int | None) -> str:
    """What the exit code of a process says whose messages are over, as the end of a sentence; None: it went on."""
    if code is None:
        return "was ended, since its pipe had closed; does a plug-in close files?"
    if code is not None and code < 0:
        name = _name_of(-code)
        hint = "; killed by the system, perhaps because memory ran out" if name == "SIGKILL" else ""
        return f"died of {name}{hint}"
    return f"ended with exit code {code}"


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"


def apart(subject: str, function: Callable[..., Any], *arguments: Any, limit: float | None = None) -> Any:
    """The value of a function, as JSON has it, from a process of its own.

    Parameters
    ----------
    subject : what the process does, for messages.
    limit : seconds that it may take; None for no limit.

    Raises
    ------
    PluginError
        When the function raises any error, when its process ends, or when it takes longer.
    """
    worker = Supervised(_answer)
    deadline = time.monotonic() + limit if limit else float("inf")
    try:
        worker.send((function, arguments))
        while True:
            wait([worker], deadline - time.monotonic())
            messages, over = worker.receive()
            for message in messages:
                match message:
                    case {"kind": "value", "value": value}:
                        return value
                    case {"kind": "error", "text": str(text)}:
                        raise PluginError(text)
                raise GarbledError("an unknown message")
            if over:
                raise PluginError(f"{subject}: its process {how_it_died(worker.stop())}. Correct this file.")
            if time.monotonic() > deadline:
                raise PluginError(f"{subject}: took longer than {limit:g} s. Correct this file.")
    except GarbledError as error:
        raise PluginError(f"{subject}: its process sent {error}, expected nothing. Correct this file.") from error
    finally:
        worker.stop()


def _answer(parent: ParentPipe) -> None:
    """The life of a process that runs one function."""
    try:
        function, arguments = parent.receive()
        parent.send("value", value=function(*arguments))
    except BaseException as error:
        parent.send("error", text=complaint(error))


def _begin(work: Callable[..., None], pipe: connection.Connection, *arguments: Any) -> None:
    become_worker()
    with suppress(EOFError, BrokenPipeError):  # the parent has ended
        work(ParentPipe(pipe), *arguments)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise GarbledError(f"{len(line):,} bytes that are no message") from error
    if not isinstance(message, dict):
        raise GarbledError(f"{len(line):,} bytes that are no message")
    return message


@contextmanager
def _marked(mark: str) -> Iterator[None]:
    """Give processes that are started in the block a mark, which all that descend from them inherit."""
    before = os.environ.get(MARK)
    os.environ[MARK] = mark
    try:
        yield
    finally:
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before
