"""What processes do in the tests of the supervisor; this file imports little, since each process imports it."""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from benchmark.core.supervisor import ParentPipe


def is_alive(process: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def has_ended(process: int) -> bool:
    """Whether a process has ended, or does within half a minute: on a busy machine a killed one takes a moment."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


def echo(channel: ParentPipe) -> None:
    """Send back what comes, or do what it says."""
    while True:
        word = channel.receive()
        if word == "fork":
            if (child := os.fork()) == 0:
                os.setsid()
                signal.pause()
            channel.send("forked", child=child)
        elif word == "die":
            channel.send("last")
            os._exit(3)
        elif word == "double":
            child = os.fork()
            channel.send("echo", word=word)
        elif isinstance(word, bytes):
            os.write(channel._pipe.fileno(), word)
        else:
            channel.send("echo", word=word)


def double(number: int) -> int:
    return 2 * number


def refuse() -> None:
    raise UserError("not today")


def leave() -> None:
    os._exit(0)


def never_end() -> None:
    time.sleep(3600)


def no_json() -> object:
    return object()
