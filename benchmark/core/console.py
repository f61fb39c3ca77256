"""A console of rich that prints no control characters but its own."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

from benchmark.core.text import plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType


class PlainConsole(Console):
    """A console whose texts, tables and bars are escaped as `plain_lines` does. Colours and cursor are rich's own.

    Parameters
    ----------
    stderr : whether it is standard error, rather than standard output.
    file : another stream.
    """

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None, **options: Any) -> None:
        stream = file or (sys.stderr if stderr else sys.stdout)
        # what rich writes to: a stream that escapes would also escape its colours
        super().__init__(file=getattr(stream, "rich_proxied_file", stream), stderr=stderr, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of text to print, with their styles."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(plain_lines(text), style)
