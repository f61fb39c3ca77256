"""What commands print: one console and one kind of table. Imports rich only when something is printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDTH = 200
"""Characters in a line where the output is no terminal."""


def console() -> Console:
    """Standard output. Where it is no terminal, lines are long enough for tables to keep one line for each row."""
    from rich.console import Console

    return Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Container[str] = (),
    whole: Container[str] = (),
) -> Table:
    """A table without lines between its cells.

    Parameters
    ----------
    headers : of the columns; all of them empty for a table without a header.
    rows : text as it is, without the markup of rich, or `Text` with a style.
    right : headers of columns that are aligned to the right, as numbers are.
    whole : headers of columns that are never folded.
    """
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, show_header=any(headers))
    for header in headers:
        justify: Literal["left", "right"] = "right" if header in right else "left"
        made.add_column(header, justify=justify, overflow="fold", no_wrap=header in whole)
    for row in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made
