"""Download one file over HTTP: retries, bounds on size and waiting."""

from __future__ import annotations

import errno
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Protocol

from benchmark.core.errors import spelled

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

PAUSES_S = (1.0, 2.0, 4.0)
"""Pauses between the tries."""
LONGEST_PAUSE_S = 60.0
"""Longest pause that a server may ask for."""
TIMEOUT_S = (10.0, 60.0)
"""Longest wait for a connection, and for the next bytes."""
ANSWER_S = 120.0
"""Longest wait for the whole header of an answer, with its redirects, which a server may send byte by byte."""
SLOWEST = 10_000
"""Bytes per second that a server has to send, on average over `WINDOW_S`."""
WINDOW_S = 60.0
CHUNK = 1 << 16
LARGEST = 20_000_000_000
"""Bytes accepted for a file whose size is not published."""
SPARE = 50_000_000
"""Bytes of the disk that downloads leave free."""
RETRIED = {408, 425, 429, 500, 502, 503, 504}
"""HTTP answers that may change in a moment."""


class DownloadListener(Protocol):
    """Receives the progress of downloads."""

    def downloaded(self, name: str, done: int, total: int | None) -> None:
        """Report the bytes downloaded so far; `total` is None if the server does not announce it."""

    def message(self, text: str) -> None:
        """Report a line for the user."""


class Unavailable(Exception):  # noqa: N818 - it is handled: the next address may have the file
    """An address does not give the file.

    `answered` : its server answers · `again` : another try may succeed, after `wait_s` seconds if the server says so.
    """

    def __init__(self, message: str, *, answered: bool = True, again: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.answered = answered
        self.again = again
        self.wait_s = wait_s


@dataclass
class Downloader:
    """Downloads a file of this name and size in bytes; pooch calls it with an address and a temporary file."""

    name: str
    size: int | None
    progress: DownloadListener

    def __call__(self, url: str, output_file: str, pooch: object) -> None:  # noqa: ARG002 - pooch's signature
        """Raises Unavailable if this address does not give the file, OSError if the disk can't be written."""
        for pause in (*PAUSES_S, None):
            try:
                self._receive(url, Path(output_file))
                return
            except Unavailable as error:
                if not error.again or pause is None:
                    raise
                wait = max(pause, error.wait_s)
                self.progress.message(f"{self.name}: {error}; trying again in {wait:.0f} s")
                sleep(wait)

    def _receive(self, url: str, path: Path) -> None:
        import requests
        import urllib3

        answered, done, total = False, 0, None
        try:
            # compressed content could not be counted
            headers = {"Accept-Encoding": "identity", "User-Agent": "collision-benchmark"}
            ask = partial(requests.get, url, headers=headers, stream=True, timeout=TIMEOUT_S)
            with _answer(ask) as response, path.open("wb") as output:
                answered = True
                total = self._announced(response, path.parent)
                most, pace = (LARGEST if total is None else total), _Pace()
                # `read1` returns what has come, while `iter_content` waits until a chunk is full
                while chunk := response.raw.read1(CHUNK, decode_content=True):
                    if done == 0 and _is_page(chunk):
                        raise Unavailable("the server sent a web page, not the file")
                    done += len(chunk)
                    if done > most:
                        raise Unavailable(f"sent more than {most:,} bytes")
                    pace.check(done)
                    output.write(chunk)
                    self.progress.downloaded(self.name, done, total)
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
            problem = f"the connection broke after {done:,} bytes" if answered else f"no answer ({_reason(error)})"
            raise Unavailable(problem, answered=answered, again=True) from error
        except requests.RequestException as error:
            raise Unavailable(_reason(error)) from error
        if done < (total or 0):
            raise Unavailable(f"the connection ended after {done:,} of {total:,} bytes", again=True)
        if done == 0:
            raise Unavailable("the server sent an empty file")

    def _announced(self, response: requests.Response, folder: Path) -> int | None:
        """Number of bytes to come, None if unknown. Raises Unavailable unless the server sends the file."""
        status = response.status_code
        if status != HTTPStatus.OK:
            wait_s = min(float(_whole(response.headers.get("Retry-After", "")) or 0), LONGEST_PAUSE_S)
            answer = f"the server answered {status} {spelled(response.reason)}".strip()
            raise Unavailable(answer, again=status in RETRIED, wait_s=wait_s)
        if "html" in response.headers.get("Content-Type", "").lower():
            raise Unavailable("the server sent a web page, not the file")
        compressed = "Content-Encoding" in response.headers
        announced = None if compressed else _whole(response.headers.get("Content-Length", ""))
        total = self.size if announced is None else announced
        if self.size is not None and total != self.size:
            raise Unavailable(f"has {total:,} bytes, expected {self.size:,}")
        if (total or 0) > max(LARGEST, self.size or 0):
            raise Unavailable(f"has {total:,} bytes, expected at most {LARGEST:,}")
        require_space(folder, total or 0)
        return total


def _answer(ask: Callable[[], requests.Response]) -> requests.Response:
    """The answer of a server that `ask` asks, of which the header has come.

    Raises Unavailable if that takes longer than `ANSWER_S`, and errors of requests. The limits of requests are for each
    piece that comes, so a thread asks, which is left alone if it does not end; it does not keep the process.
    """
    answers: SimpleQueue[requests.Response | BaseException] = SimpleQueue()
    left = Event()

    def wait() -> None:
        try:
            answers.put(ask())
        except BaseException as error:  # raised where it is waited for
            answers.put(error)
        if left.is_set():
            with suppress(Empty):
                found = answers.get_nowait()
                if not isinstance(found, BaseException):
                    found.close()

    Thread(target=wait, daemon=True).start()
    try:
        found = answers.get(timeout=ANSWER_S)
    except BaseException as error:
        left.set()
        if not isinstance(error, Empty):
            raise  # Ctrl-C
        raise Unavailable(f"sent no whole header in {ANSWER_S:.0f} s", answered=False) from error
    if isinstance(found, BaseException):
        raise found
    return found


class _Pace:
    """How fast bytes come. A server that sends a byte now and then would otherwise never end."""

    def __init__(self) -> None:
        self._since, self._before = monotonic(), 0

    def check(self, done: int) -> None:
        """Raise Unavailable if fewer bytes than `SLOWEST` per second have come in the last `WINDOW_S`."""
        seconds = monotonic() - self._since
        if seconds < WINDOW_S:
            return
        rate = (done - self._before) / seconds
        if rate < SLOWEST:
            raise Unavailable(f"sends {rate:,.0f} bytes a second, expected at least {SLOWEST:,}")
        self._since, self._before = monotonic(), done


def _whole(text: str) -> int | None:
    """The number that a header gives, None if it gives none."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text.strip()) else None


def _is_page(beginning: bytes) -> bool:
    """Whether a file begins as a web page does."""
    return beginning.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))


def require_space(folder: Path, needed: int) -> None:
    """Raise OSError if the disk has no space for so many more bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise OSError(errno.ENOSPC, f"{free / 1e9:.1f} GB free, {(needed + SPARE) / 1e9:.1f} GB needed")


def _reason(error: Exception) -> str:
    """The innermost reason of an error of requests, whose own text repeats the address."""
    reason: object = error
    for inner in error.args[:1]:
        reason = getattr(inner, "reason", inner)
    text = " ".join(str(reason).split())
    return spelled(re.sub(r"<[^>]*>:? ?|^[\w.]+\([^)]*\): ?", "", text), 120) or type(error).__name__
