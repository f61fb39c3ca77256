"""Text of strangers, written so that it has no effect where it is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_LINE = 2000
"""Characters of a message. A path has up to 4,096, but no more than its beginning helps."""
_SPACE = "\N{NO-BREAK SPACE}"
_BETWEEN = re.compile(r"[^\n\t]+")


def plain(text: str) -> str:
    """The text with each character that has no picture written as in Python, such as `\\x1b`.

    Names, reasons and paths may come from strangers. A terminal obeys control characters, and characters that turn the
    direction of writing, or break the line, make a reader see another text than there is.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == _SPACE else character.encode("unicode_escape").decode()
        for character in text
    )


def plain_lines(text: str) -> str:
    """Text of several lines, which stay, as tabs do; everything else as `plain` has it."""
    return text if text.isprintable() else _BETWEEN.sub(lambda found: plain(found[0]), text)


def short(text: str, most: int, write: Callable[[str], str] = plain) -> str:
    """The text as `plain` or `plain_lines` has it, in at most `most` characters; ` ...` stands for the rest."""
    written = write(text[: most + 1])
    return written if len(written) <= most else f"{written[: most - 4]} ..."


def one_line(text: str) -> str:
    """A message in one line, as `plain` has it, and cut if it repeats what is long."""
    return short(" ".join(part.strip() for part in text.splitlines()), LONGEST_LINE)
