"""One file over HTTP, gone on with where it broke off: the downloader that pooch calls.

pooch's own downloader starts anew each time. Here the bytes lie in `NAME.part` until all are there and their checksum
is right; a drop of the line, Ctrl-C or a killed process costs what was on its way and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from tasks.sources.checksum import algorithm_of, digests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

    from tasks.sources.catalogue import SourceFile

CHUNK = 1 << 16
"""Bytes taken at once: what is on its way when a line drops is lost."""
PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Answers that may be better in a moment."""
LONGEST_WAIT_S = 60.0
SPARE = 50 * 1000 * 1000
"""Bytes of the disk that a download leaves free."""


class Watcher(Protocol):
    """Is told how a download goes on."""

    def moved(self, name: str, done: int, total: int | None) -> None:
        """So many bytes are there; total is None when the server does not say."""

    def said(self, text: str) -> None:
        """A line for a person."""


@dataclass(frozen=True)
class Settings:
    """How patient a download is. `tries` that bring no byte end it; the pause doubles from one to the next."""

    tries: int = 4
    pause_s: float = 1.0
    timeout_s: tuple[float, float] = (10.0, 60.0)  # for a connection; for the next bytes
    sleep: Callable[[float], None] = time.sleep


class Unavailable(Exception):  # noqa: N818 - the next mirror may have it
    """This address does not give the file; the message says why. `answered`: a server was there."""

    def __init__(self, message: str, *, answered: bool = True) -> None:
        super().__init__(message)
        self.answered = answered


class Stuck(Exception):  # noqa: N818
    """No address would help: the disk is full or can't be written."""


class _Again(Exception):  # noqa: N818
    """Worth another try, after `wait_s` seconds if the server named a time."""

    def __init__(self, message: str, *, answered: bool = True, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.answered = answered
        self.wait_s = wait_s


class Resuming:
    """Downloads to `part` and hands over the whole, checked file. pooch calls it with an address and a name."""

    def __init__(self, file: SourceFile, part: Path, settings: Settings, watcher: Watcher) -> None:
        self.file = file
        self.part = part
        self.note = part.with_name(f".{part.name}.json")  # where the part came from
        self.settings = settings
        self.watcher = watcher
        self.went_on = False
        self.sha256 = ""  # of the file that was handed over

    def __call__(self, url: str, output_file: str, pooch: object) -> None:  # noqa: ARG002 - pooch's signature
        """Raises Unavailable when this address does not give the file, Stuck when no address would help."""
        self.went_on = False
        self._download(url)
        wrong = self._wrong()
        if wrong and self.went_on:
            # Perhaps the bytes of an earlier day or of a mirror did not belong to these.
            self.watcher.said(f"{self.file.name}: the parts do not fit together; starting anew")
            self._drop()
            self._download(url)
            wrong = self._wrong()
        if wrong:
            self._drop()
            raise Unavailable(f"gave {wrong}")
        os.replace(self.part, output_file)
        self._drop()

    def _wrong(self) -> str | None:
        """What is found against what is expected, if that is not the same; notes the SHA-256."""
        size, expected = self.file.size, self.file.checksum
        if size is not None and self._have() != size:
            return f"{self._have():,} bytes, expected {size:,}"
        algorithm = algorithm_of(expected or "sha256")
        found = digests(self.part, *{algorithm, "sha256"})
        self.sha256 = found["sha256"]
        if expected is None or f"{algorithm}:{found[algorithm]}" == expected:
            return None
        return f"{algorithm}:{found[algorithm]}, expected {expected}"

    # --- the file that is there so far -------------------------------------------------------------------------------

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _drop(self) -> None:
        for path in (self.part, self.note):
            path.unlink(missing_ok=True)

    def _origin(self) -> tuple[str | None, str | None]:
        """The address that the part came from, and what its server called that version of the file."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            return str(note["url"]), note.get("version")
        except (OSError, ValueError, KeyError, TypeError):
            return None, None

    def _kept(self, url: str) -> tuple[int, str | None]:
        """Bytes to go on from, and the version they are of; drops a part that can't belong to this file."""
        have = self._have()
        origin, version = self._origin()
        # Without a checksum nothing would show that bytes of two servers or two versions were put together.
        foreign = self.file.checksum is None and (origin != url or version is None)
        if have and (foreign or (self.file.size is not None and have > self.file.size)):
            self._drop()
            return 0, None
        return have, version if origin == url else None

    # --- the line ----------------------------------------------------------------------------------------------------

    def _download(self, url: str) -> None:
        fruitless, furthest = 0, self._have()
        while True:
            try:
                self._attempt(url)
                return
            except _Again as problem:
                fruitless = 0 if self._have() > furthest else fruitless + 1
                furthest = max(furthest, self._have())
                if fruitless >= self.settings.tries:
                    raise Unavailable(str(problem), answered=problem.answered) from problem
                wait = max(self.settings.pause_s * 2 ** max(fruitless - 1, 0), problem.wait_s)
                self.watcher.said(f"{self.file.name}: {problem}; trying again in {wait:.0f} s")
                self.settings.sleep(wait)

    def _attempt(self, url: str) -> None:
        import requests

        have, version = self._kept(url)
        if have and have == self.file.size:
            self.went_on = True
            return
        # Compressed on the way, bytes could be neither counted nor gone on with.
        headers = {"Accept-Encoding": "identity", "User-Agent": "collision-benchmark"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if version:
                headers["If-Range"] = version
        answered = False
        try:
            with requests.get(url, headers=headers, stream=True, timeout=self.settings.timeout_s) as response:
                answered = True
                self._receive(response, url, have)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            problem = f"the line broke after {self._have():,} bytes" if answered else f"no answer ({_short(error)})"
            raise _Again(problem, answered=answered) from error
        except requests.RequestException as error:
            raise Unavailable(_short(error)) from error

    def _receive(self, response: requests.Response, url: str, have: int) -> None:
        start, total = self._answer(response, have)
        if start == total and start:
            return
        if self.file.size is not None and total is not None and total != self.file.size:
            raise Unavailable(f"has {total:,} bytes, expected {self.file.size:,}")
        if total is not None:
            require_space(self.part.parent, total - start)
        self.went_on = self.went_on or start > 0
        self._write(response, url, start, total)
        ending = self.file.size if total is None else total
        if ending is not None and self._have() < ending:
            raise _Again(f"the server ended after {self._have():,} of {ending:,} bytes")

    def _answer(self, response: requests.Response, have: int) -> tuple[int, int | None]:
        """The byte that the content starts at, and how many there are in all. Raises when there is no content."""
        status = response.status_code
        start, total = _content_range(response)
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            if have == total:
                self.went_on = True
                return have, total
            self._drop()
            raise _Again("the server has fewer bytes than the part; starting anew")
        if status in PASSING:
            raise _Again(f"the server answered {status}", wait_s=_retry_after(response))
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise Unavailable(f"the server answered {status} {response.reason}")
        if "html" in response.headers.get("Content-Type", "").lower():
            raise Unavailable("the server sent a web page, not the file")
        if status == HTTPStatus.OK:  # all of it, whether or not it was asked to go on
            length = response.headers.get("Content-Length", "")
            return 0, int(length) if length.isdigit() and "Content-Encoding" not in response.headers else None
        if start != have:
            self._drop()
            raise _Again("the server went on at another byte; starting anew")
        return have, total

    def _write(self, response: requests.Response, url: str, start: int, total: int | None) -> None:
        import requests

        done = start
        try:
            if start == 0:
                self.note.write_text(json.dumps({"url": url, "version": _version(response)}), encoding="utf-8")
            with self.part.open("ab" if start else "wb") as file:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    done += len(chunk)
                    self.watcher.moved(self.file.name, done, total or self.file.size)
        except requests.RequestException:  # an OSError too, but of the line and not of the disk
            raise
        except OSError as error:
            raise Stuck(f"{self.part} can't be written ({error.strerror})") from error


def require_space(folder: Path, needed: int) -> None:
    """Raise Stuck when the disk has no room for so many bytes more."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise Stuck(f"{folder} has {free / 1e9:.1f} GB free, {(needed + SPARE) / 1e9:.1f} GB needed")


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte and number of all bytes, of `bytes 5-9/10` or `bytes */10`; None for what it does not say."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", response.headers.get("Content-Range", "").strip())
    start, total = match.groups() if match else (None, None)
    return (int(start) if start else None), (int(total) if total else None)


def _version(response: requests.Response) -> str | None:
    """What If-Range takes: a strong ETag, or else the date."""
    tag: str | None = response.headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def _retry_after(response: requests.Response) -> float:
    seconds = response.headers.get("Retry-After", "")
    return min(float(seconds), LONGEST_WAIT_S) if seconds.isdigit() else 0.0


def _short(error: Exception) -> str:
    """The innermost words of an error of requests, whose own text repeats the address."""
    reason: object = error
    for inner in getattr(error, "args", ())[:1] or (error,):
        reason = getattr(inner, "reason", inner)
    text = " ".join(str(reason).split())
    return re.sub(r"<[^>]*>:? ?|^[\w.]+\([^)]*\): ?", "", text).strip()[:120] or type(error).__name__
