"""Text files in pieces, with lines of a bounded length: a parser of tables holds a whole line in memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

BLOCK = 1 << 16
"""Bytes read at a time. Each block has the end of a line, so that no line is longer than two of them."""


class TextLines(io.RawIOBase):
    """The content of a text file. Reading raises ValueError for bytes that a table of text can't have.

    These are zero bytes, lines of more than `BLOCK` bytes, and quoted cells of more than one line.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rest = b""
        self._quotes = 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Read the next bytes."""
        block = self._rest or self._checked(self._file.read(BLOCK))
        size = min(len(buffer), len(block))
        buffer[:size] = block[:size]
        self._rest = block[size:]
        return size

    def _checked(self, block: bytes) -> bytes:
        if b"\0" in block:
            raise ValueError("it has zero bytes")
        if len(block) == BLOCK and b"\n" not in block and b"\r" not in block:
            raise ValueError(f"a line has over {BLOCK:,} characters")
        if self._quotes or b'"' in block:
            self._count_quotes(block)
        return block

    def _count_quotes(self, block: bytes) -> None:
        """Count the quotes of each line, of which the first may have begun in the last block."""
        lines = block.replace(b"\r", b"\n").split(b"\n")
        for line in lines[:-1]:
            self._end_line(self._quotes + line.count(b'"'))
        self._quotes = (self._quotes if len(lines) == 1 else 0) + lines[-1].count(b'"')
        if len(block) < BLOCK:
            self._end_line(self._quotes)

    def _end_line(self, quotes: int) -> None:
        if quotes % 2:
            raise ValueError("a quote is not closed in its line")
        self._quotes = 0
