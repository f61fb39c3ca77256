"""Digests of files, and the note of our own that is kept beside a file."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Protocol

from benchmark.core.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 1 << 20
"""Bytes read at once."""


class Hasher(Protocol):
    """What hashlib's objects are."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """The digest of what was taken in so far."""


class Adler32:
    """Adler-32, which CERN Open Data publishes and hashlib lacks."""

    def __init__(self) -> None:
        self.value = 1

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        self.value = zlib.adler32(data, self.value)

    def hexdigest(self) -> str:
        """Eight hexadecimal digits, as CERN writes them."""
        return f"{self.value:08x}"


def digests(path: Path, *algorithms: str) -> dict[str, str]:
    """Digests of a file by algorithm, in one reading; hexadecimal, small letters."""
    hashers = {name: _new(name) for name in algorithms}
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            for hasher in hashers.values():
                hasher.update(block)
    return {name: hasher.hexdigest() for name, hasher in hashers.items()}


def algorithm_of(checksum: str) -> str:
    """'md5' of 'md5:0123...'."""
    return checksum.partition(":")[0]


def _new(algorithm: str) -> Hasher:
    # MD5 and SHA-1 are what hosts publish: they stand against broken downloads here, not against forgery.
    return Adler32() if algorithm == "adler32" else hashlib.new(algorithm, usedforsecurity=False)


def recorded(path: Path) -> str | None:
    """The SHA-256 that was noted beside the file when it came; None without a note."""
    try:
        words = note(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    return words[0] if words and len(words[0]) == hashlib.sha256().digest_size * 2 else None


def record(path: Path, sha256: str) -> None:
    """Note the SHA-256 beside the file, as sha256sum writes and checks it. Raises UserError when it can't."""
    if recorded(path) != sha256:
        write_atomically(note(path), lambda file: file.write(f"{sha256}  {path.name}\n".encode()))


def note(path: Path) -> Path:
    """Where the SHA-256 of a file is noted. Hidden: a data set is known by the visible files of its folder."""
    return path.with_name(f".{path.name}.sha256")
