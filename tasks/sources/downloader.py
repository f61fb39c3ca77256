"""Download one file over HTTP: retries, bounds on size and waiting."""

from __future__ import annotations

import errno
import re
import shutil
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import requests

PAUSES_S = (1.0, 2.0, 4.0)
"""Pauses between the tries."""
LONGEST_PAUSE_S = 60.0
"""Longest pause that a server may ask for."""
TIMEOUT_S = (10.0, 60.0)
"""Longest wait for a connection, and for the next bytes."""
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

        # Compressed content could not be counted.
        headers = {"Accept-Encoding": "identity", "User-Agent": "collision-benchmark"}
        answered, done, total = False, 0, None
        try:
            with (
                requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response,
                path.open("wb") as output,
            ):
                answered = True
                total = self._announced(response, path.parent)
                for chunk in response.iter_content(CHUNK):
                    done += len(chunk)
                    if done > (total or LARGEST):
                        raise Unavailable(f"sent more than {total or LARGEST:,} bytes")
                    output.write(chunk)
                    self.progress.downloaded(self.name, done, total)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            problem = f"the connection broke after {done:,} bytes" if answered else f"no answer ({_reason(error)})"
            raise Unavailable(problem, answered=answered, again=True) from error
        except requests.RequestException as error:
            raise Unavailable(_reason(error)) from error
        if done < (total or 0):
            raise Unavailable(f"the connection ended after {done:,} of {total:,} bytes", again=True)

    def _announced(self, response: requests.Response, folder: Path) -> int | None:
        """Number of bytes to come, None if unknown. Raises Unavailable unless the server sends the file."""
        status = response.status_code
        if status != HTTPStatus.OK:
            wait = response.headers.get("Retry-After", "")
            wait_s = min(float(wait), LONGEST_PAUSE_S) if wait.isdigit() else 0.0
            answer = f"the server answered {status} {response.reason}".strip()
            raise Unavailable(answer, again=status in RETRIED, wait_s=wait_s)
        if "html" in response.headers.get("Content-Type", "").lower():
            raise Unavailable("the server sent a web page, not the file")
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() and "Content-Encoding" not in response.headers else self.size
        if self.size is not None and total != self.size:
            raise Unavailable(f"has {total:,} bytes, expected {self.size:,}")
        require_space(folder, total or 0)
        return total


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
    return re.sub(r"<[^>]*>:? ?|^[\w.]+\([^)]*\): ?", "", text).strip()[:120] or type(error).__name__
