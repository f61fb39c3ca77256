"""Common parts of the tests of downloads: a file, its progress, and a good outcome."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from tasks.sources import checksum
from tasks.sources.catalogue import SourceFile

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.sources.download import Outcome

CONTENT = random.Random(1).randbytes(300_000)
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = bytes(len(CONTENT))


class Recorder:
    """Records all reports; raises `error` when the first bytes arrive."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seen: list[tuple[str, int, int | None]] = []
        self.error: BaseException | None = None

    def downloaded(self, name: str, done: int, total: int | None) -> None:
        self.seen.append((name, done, total))
        if self.error:
            raise self.error

    def message(self, text: str) -> None:
        self.lines.append(text)


def wanted(*urls: str, name: str = "events.csv", size: int | None = len(CONTENT), sums: str | None = MD5) -> SourceFile:
    return SourceFile(name, urls, "https://example.org/record/1", size, sums)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def assert_right(outcome: Outcome, folder: Path) -> None:
    assert (outcome.status, outcome.reason, outcome.sha256) == ("downloaded", None, SHA256)
    assert outcome.path.read_bytes() == CONTENT
    assert visible(folder) == [outcome.file.name]
    assert checksum.recorded(outcome.path) == SHA256
    assert not (folder / ".partial").exists()
