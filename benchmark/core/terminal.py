"""What commands print: one console and one kind of table. Imports rich only when something is printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from benchmark.core.text import plain, plain_lines

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDTH = 200
"""Characters in a line where the output is no terminal."""


def console() -> Console:
    """Standard output. If it is not a terminal, lines are so long that tables have one line per row."""
    from benchmark.core.console import PlainConsole

    return PlainConsole(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Container[str] = (),
    whole: Container[str] = (),
    widths: Sequence[int] = (),
    rule: bool = False,
) -> Table:
    """A table without lines between its rows and columns.

    Parameters
    ----------
    headers : of the columns; all of them empty for a table without a header.
    rows : text as it is, without the markup of rich, or `Text` with a style.
    right : headers of columns that are aligned to the right, as numbers are.
    whole : headers of columns that are never folded.
    widths : of the columns in characters, by default as wide as needed.
    rule : whether there is a line below the headers.
    """
    from rich.box import Box
    from rich.table import Table
    from rich.text import Text

    lines = Box("    \n    \n ── \n" + "    \n" * 5) if rule else None
    padding = (0, 1, 0, 0) if rule else (0, 1)  # with lines there is one more space between columns
    made = Table(box=lines, pad_edge=False, show_edge=False, show_header=any(headers), padding=padding)
    given: Sequence[int | None] = widths or [None] * len(headers)
    for header, width in zip(headers, given, strict=True):
        justify: Literal["left", "right"] = "right" if header in right else "left"
        made.add_column(
            Text(plain(header)), justify=justify, vertical="top", overflow="fold", no_wrap=header in whole, width=width
        )
    for row in rows:
        made.add_row(*(Text(plain_lines(cell)) if isinstance(cell, str) else cell for cell in row))
    return made
