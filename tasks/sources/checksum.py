"""Checksums of downloaded files, and the SHA-256 that is stored next to each of them."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from benchmark.core.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.sources.catalogue import SourceFile

BLOCK = 1 << 20
"""Bytes read at once."""
SHA256_DIGITS = 64


def digests(path: Path, *algorithms: str) -> dict[str, str]:
    """Digests of a file by algorithm, in one pass: lower-case hexadecimal."""
    # Hosts publish MD5 and SHA-1. They detect broken downloads here, not forgery.
    hashers = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms if name != "adler32"}
    adler32 = 1
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            adler32 = zlib.adler32(block, adler32)
            for hasher in hashers.values():
                hasher.update(block)
    found = {name: hasher.hexdigest() for name, hasher in hashers.items()}
    return {name: found.get(name, f"{adler32:08x}") for name in algorithms}


def algorithm_of(checksum: str) -> str:
    """'md5' of 'md5:0123...'."""
    return checksum.partition(":")[0]


def verify(file: SourceFile, path: Path) -> tuple[str | None, str]:
    """The problem of the content, None if there is none; and its SHA-256."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size:,} bytes, expected {file.size:,}", ""
    algorithm = algorithm_of(file.checksum or "sha256")
    found = digests(path, *{algorithm, "sha256"})
    wrong = file.checksum is not None and f"{algorithm}:{found[algorithm]}" != file.checksum
    return (f"{algorithm}:{found[algorithm]}, expected {file.checksum}" if wrong else None), found["sha256"]


def recorded(path: Path) -> str | None:
    """The SHA-256 stored when the file was downloaded; None if there is none."""
    try:
        words = note(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    return words[0] if words and len(words[0]) == SHA256_DIGITS else None


def record(path: Path, sha256: str) -> None:
    """Store the SHA-256 of a file, in the format of sha256sum. Raises UserError if that is not possible."""
    if recorded(path) != sha256:
        write_atomically(note(path), lambda file: file.write(f"{sha256}  {path.name}\n".encode()))


def note(path: Path) -> Path:
    """Where the SHA-256 of a file is stored. Hidden: a data set consists of the visible files of its folder."""
    return path.with_name(f".{path.name}.sha256")
