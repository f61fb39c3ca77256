"""Standard output and standard error of the command line: what they print is harmless, and what fails is said once."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.text import plain_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

OUTPUT, ERRORS = 1, 2
"""The numbers of standard output and standard error."""


class ReaderGone(Exception):  # noqa: N818 - no error: `| head` has read what it wants
    """The reader of standard output has closed the pipe."""


class OutputStream:
    """A standard stream whose text is escaped as `plain_lines` does.

    Parameters
    ----------
    stream : the stream to write to.
    failed : called when writing fails, after which the stream discards everything.
    escape : rich writes to a stream that does not escape, since its control characters are its own.
    """

    def __init__(self, stream: TextIO, failed: Callable[[OSError], None], *, escape: bool = True) -> None:
        self._stream, self._failed, self._escape = stream, failed, escape
        self.rich_proxied_file = OutputStream(stream, failed, escape=False) if escape else self

    def write(self, text: str) -> int:
        """Write a text. Returns its length."""
        if not isinstance(text, str):
            raise TypeError(f"a text stream can't write a {type(text).__name__}")
        if text:  # Typer writes nothing to every stream to try it, and an error would be lost
            self._try(self._stream.write, plain_lines(text) if self._escape else text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand all that was written to the operating system."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, act: Callable[..., object], *arguments: str) -> None:
        try:
            act(*arguments)
        except OSError as error:
            with open(os.devnull, "wb") as nowhere:  # or the next write, and Python's last flush, would fail again
                os.dup2(nowhere.fileno(), self._stream.fileno())
            self._failed(error)


def guard_streams() -> None:
    """Put `OutputStream` in place of standard output and standard error, until the process ends.

    When writing to standard output fails, UserError is raised, or ReaderGone. Without standard error nothing can be
    said, so that it is ignored. A stream that was closed before the process started counts as one that fails: its
    number must not go to the next file that is opened, or messages would be written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is this one. Writing to a file that is open for reading fails
            os.open(os.devnull, os.O_WRONLY if number == ERRORS else os.O_RDONLY)
    for number, name, failed in ((OUTPUT, "stdout", _output_failed), (ERRORS, "stderr", _ignore)):
        stream = getattr(sys, name) or open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open
        with suppress(AttributeError):  # another object in its place
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, OutputStream(stream, failed))


def _output_failed(error: OSError) -> None:
    if isinstance(error, BrokenPipeError):
        raise ReaderGone from error
    raise UserError(
        f"standard output: can't be written ({error.strerror}), expected a terminal, file or pipe. "
        "Free space, or send it elsewhere."
    ) from error


def _ignore(error: OSError) -> None:
    pass
