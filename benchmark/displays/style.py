"""The style of figures: mplhep's, with sizes for several panels, distinct colours, and lines of text above."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from benchmark.core.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

COLOURS = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#a96b59", "#717581")
"""Distinct for every kind of colour vision, and in print (M. Petroff, arXiv:2107.02270); CMS uses them."""
SIZES: dict[str, Any] = {
    "font.size": 13,
    "axes.labelsize": 14,
    "axes.titlesize": 13,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 10.5,
    "xtick.major.size": 7,
    "xtick.minor.size": 3.5,
    "ytick.major.size": 7,
    "ytick.minor.size": 3.5,
    "lines.linewidth": 1.6,
    "axes.formatter.limits": (-6, 5),
    "axes.formatter.use_mathtext": True,
}
"""Font and tick sizes: mplhep's are for a single panel that fills a slide."""
SMALL: dict[str, Any] = {
    "axes.labelsize": 11,
    "axes.titlesize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 3.5,
    "ytick.major.size": 3.5,
    "axes.linewidth": 0.8,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
}
"""Sizes for panels of one event each."""
HEADER = 0.75
"""Inches above the panels."""
DPI = 110
SMALLEST_FONT = 6
BAR = "colour bar"
"""Label of axes that hold a colour bar."""


@contextmanager
def styled(**changes: Any) -> Iterator[None]:
    """Apply mplhep's style while a figure is drawn."""
    import mplhep

    changed: Any = {**mplhep.style.CMS, **SIZES, **changes}
    with mpl.rc_context(changed):
        yield


def rgb(colour: Sequence[int]) -> tuple[float, float, float]:
    """Red, green and blue from 0 to 255 as matplotlib takes them, up to 1."""
    red, green, blue = colour
    return red / 255, green / 255, blue / 255


def header(canvas: Canvas, title: str, label: str, note: str = "") -> None:
    """Write the title, the label (task, level, events) and the note above all panels."""
    width, height = canvas.get_size_inches()
    lines = [
        canvas.text(0.15 / width, 1 - 0.10 / height, title, weight="bold", size=15, va="top"),
        canvas.text(0.15 / width, 1 - 0.42 / height, label, size=12, style="italic", va="top"),
    ]
    if note:
        lines.append(canvas.text(0.15 / width, 1 - 0.66 / height, note, size=10.5, va="top"))
    for line in lines:  # smaller if it is too long for the canvas
        size = float(line.get_fontsize())
        while line.get_window_extent().width > (width - 0.3) * canvas.dpi and size > SMALLEST_FONT:
            size -= 0.5
            line.set_fontsize(size)


def save(canvas: Canvas, path: Path) -> None:
    """Write a PNG atomically; the same figure gives the same bytes."""
    write_atomically(path, lambda file: canvas.savefig(file, format="png", metadata={"Software": None}))


@dataclass(frozen=True)
class PanelGrid:
    """Equal panels in rows and columns on a canvas, laid out in inches so that pictures keep their proportions.

    panel : width and height of a panel. left, below, gap : margins, and gaps across and down.
    """

    canvas: Canvas
    rows: int
    columns: int
    panel: tuple[float, float]
    left: ClassVar[float] = 1.3
    below: ClassVar[float] = 0.75
    gap: ClassVar[tuple[float, float]] = (0.22, 0.26)

    @classmethod
    def of(
        cls, rows: int, columns: int, panel: tuple[float, float], *, right: float = 1.2, dpi: int = DPI
    ) -> PanelGrid:
        """An empty grid, wide enough for the header; the right margin holds colour bars or a legend."""
        width = cls.left + columns * panel[0] + (columns - 1) * cls.gap[0] + right
        height = HEADER + 0.45 + rows * panel[1] + (rows - 1) * cls.gap[1] + cls.below
        canvas = Canvas(figsize=(max(width, 8.0), height), dpi=dpi)
        FigureCanvasAgg(canvas)
        return cls(canvas, rows, columns, panel)

    def at(self, row: int, column: int) -> Axes:
        """The axes of a new panel; rows count from the top."""
        return self._axes(self.left + column * (self.panel[0] + self.gap[0]), self._bottom(row), *self.panel)

    def bar(self, row: int, rows: int = 1) -> Axes:
        """Axes for a colour bar to the right of some rows, with the label `BAR`."""
        left = self.left + self.columns * (self.panel[0] + self.gap[0])
        bottom = self._bottom(row + rows - 1)
        axes = self._axes(left, bottom, 0.13, self._bottom(row) + self.panel[1] - bottom)
        axes.set_label(BAR)
        return axes

    def say(self, row: int, text: str, colour: str = "black") -> None:
        """Write the name of a row at its left, upright."""
        width, height = self.canvas.get_size_inches()
        middle = (self._bottom(row) + self.panel[1] / 2) / height
        self.canvas.text(
            0.32 / width, middle, text, rotation=90, ha="center", va="center", size=11, weight="bold", color=colour
        )

    def legend(self, handles: Sequence[Any], title: str = "") -> None:
        """Draw the legend to the right of the first row."""
        width, height = self.canvas.get_size_inches()
        left = self.left + self.columns * (self.panel[0] + self.gap[0])
        top = self._bottom(0) + self.panel[1]
        self.canvas.legend(
            handles=handles, title=title or None, loc="upper left", bbox_to_anchor=(left / width, top / height),
            frameon=False, fontsize=10, title_fontsize=10, borderaxespad=0, handletextpad=0.6, labelspacing=0.7,
        )  # fmt: skip

    def _bottom(self, row: int) -> float:
        return self.below + (self.rows - 1 - row) * (self.panel[1] + self.gap[1])

    def _axes(self, left: float, bottom: float, wide: float, high: float) -> Axes:
        width, height = self.canvas.get_size_inches()
        return self.canvas.add_axes((left / width, bottom / height, wide / width, high / height))
