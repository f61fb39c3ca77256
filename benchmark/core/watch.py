"""A command that names a file with plug-ins goes on in a child process, which this process watches.

Such a file is imported in the process of the command, after a trial in another one (`benchmark.core.trial`). But it may
do something else the second time: end the process, also later from a thread or by a timer, or never return. The child
says when code of a plug-in begins and ends, and at last with which exit code its command ends. The process that watches
imports nothing. It passes signals on, limits the time of such code, and takes no other exit code for the command's.
"""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError
from benchmark.core.supervisor import LOOK_EVERY_S, how_it_died
from benchmark.core.text import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BYTES = 2**16
SUBJECT_LENGTH = 1000
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_pipe: tuple[int, bytes] | None = None
"""In the child: its pipe to the process that watches, and the word that begins its messages."""


def names_code(words: Sequence[str]) -> list[str]:
    """The words of a command line that name a file with plug-ins, or allow one."""
    return [word for word in words if ".py" in word or word == "--trust-code"]


def go_on_watched(named: Sequence[str], limit_s: float) -> int | None:
    """Go on in a child process, where this returns None; in this process it returns the exit code of the command.

    It returns None without a child where the system can't wait for signals (macOS), or start a process.

    Parameters
    ----------
    named : the words that name files, for messages.
    limit_s : seconds that code of a plug-in may take in the process of the command.

    Raises
    ------
    UserError
        When the process ends without saying that its command has ended, or when code of a plug-in takes longer.
    """
    global _pipe
    if not hasattr(signal, "sigtimedwait"):
        return None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, signal.SIGCHLD))
    (reports, report), (lifeline, held) = os.pipe(), os.pipe()
    word = secrets.token_hex(8).encode()
    try:
        child = os.fork()
    except OSError:
        child = 0
        for number in (reports, report, lifeline, held):
            os.close(number)
    else:
        if child:
            os.close(report)
            os.close(lifeline)
            return _Watch(child, reports, word, named, limit_s).wait()
        os.close(reports)
        os.close(held)
        threading.Thread(target=_end_with_watcher, args=(lifeline,), daemon=True).start()
        _pipe = report, word
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return None


def is_watched() -> bool:
    """Whether this process is such a child."""
    return _pipe is not None


@contextmanager
def announced(subject: str) -> Iterator[None]:
    """Say to the process that watches, if there is one, that code of a plug-in runs in the block."""
    _say("begin", subject)
    try:
        yield
    finally:
        _say("end", subject)


def say_exit(code: int) -> None:
    """Say with which exit code the command ends; then nothing is left to do."""
    _say("exit", str(code))


def _say(kind: str, text: str) -> None:
    if _pipe is not None:
        number, word = _pipe
        with suppress(OSError):  # a plug-in has closed it, which is noticed at the end
            os.write(number, b"%s %s %s\n" % (word, kind.encode(), short(text, SUBJECT_LENGTH).encode()))


def _end_with_watcher(lifeline: int) -> None:
    """End this process when the one that watches was killed, whose end of the pipe closes then."""
    with suppress(OSError):
        if not os.read(lifeline, 1):
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class _Watch:
    """What is known of the child: the code of plug-ins that it runs, innermost last, and since when."""

    child: int
    reports: int
    word: bytes
    named: Sequence[str]
    limit_s: float
    unread: bytes = b""
    running: list[str] = field(default_factory=list)
    since: float = 0.0
    code: int | None = None
    heard: set[int] = field(default_factory=set)

    def wait(self) -> int:
        """The exit code of the command. Raises UserError as `go_on_watched` does."""
        os.set_blocking(self.reports, False)
        while True:
            self._pass_on(signal.sigtimedwait((*SIGNALS, signal.SIGCHLD), LOOK_EVERY_S))
            ended, status = os.waitpid(self.child, os.WNOHANG)  # first, so that all its messages are there
            self._read()
            if self.code is not None or ended:
                break
            if self.running and time.monotonic() - self.since > self.limit_s:
                self._kill()
                raise UserError(
                    f"{self.running[0]}: took longer than {self.limit_s:g} s in the process of this command, but not "
                    "when it was tried before. Correct this file."
                )
        if not ended:
            self._kill()
        if self.code is not None:
            return self.code
        died = os.waitstatus_to_exitcode(status)
        if -died in self.heard or died == -signal.SIGKILL:  # of a signal for this process, or as memory ran out
            with suppress(OSError):
                signal.signal(-died, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            os.kill(os.getpid(), -died)
        when = f"in {self.running[0]}" if self.running else "after it had loaded plug-ins"
        raise UserError(
            f"{', '.join(self.named)}: the process of this command {how_it_died(died)}, {when}, before the command had "
            "ended. Does the file end its process, or start what does? Correct it."
        )

    def _pass_on(self, info: signal.struct_siginfo | None) -> None:
        """Pass a signal on that another process has sent; one of the terminal, such as Ctrl-C, is sent to both."""
        if info is not None and info.si_signo != signal.SIGCHLD:
            self.heard.add(info.si_signo)
            if info.si_code <= 0:
                with suppress(ProcessLookupError):
                    os.kill(self.child, info.si_signo)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while more := os.read(self.reports, BYTES):
                self.unread += more
                *lines, self.unread = self.unread.split(b"\n")
                self.unread = self.unread[-BYTES:]
                for line in lines:
                    self._hear(line.partition(self.word)[2].decode(errors="replace"))

    def _hear(self, message: str) -> None:
        kind, _, text = message.strip().partition(" ")
        match kind:
            case "begin":
                self.since = self.since if self.running else time.monotonic()
                self.running.append(text)
            case "end" if self.running:
                self.running.pop()
            case "exit" if text.isascii() and text.isdigit():
                self.code = int(text)

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
