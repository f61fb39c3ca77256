"""Rows of pictures that share their axes; each row has one colour bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.ticker import LogLocator, MaxNLocator

from benchmark.displays.style import DPI, PanelGrid, header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from benchmark.displays.frame import Frame

DECADES = 1e4
"""The largest ratio on a logarithmic colour scale: more values cannot be distinguished."""
RARE = 99.9
"""Percentile of abs(difference) at the end of the colour scale."""
SHARPEST = 220
"""Dots per inch at most, for pictures with more pixels than a panel has at `DPI`."""
WIDE, SQUARE, LARGEST = 2.5, 2.1, 3.6
"""Width of a panel in inches: of one that is wider than high, of others, and if there are few in a row."""


@dataclass(frozen=True)
class Scale:
    """The colours of values, and the text of the colour bar. extend : at which ends values lie beyond the scale."""

    norm: Normalize
    colours: Any
    text: str
    extend: str = "neither"


@dataclass(frozen=True)
class PictureRow:
    """Pictures in a row: (rows, columns) with a scale, or (rows, columns, 3) RGB; None leaves a gap."""

    text: str
    panels: Sequence[NDArray[Any] | None]
    titles: Sequence[str]
    scale: Scale | None = None


def grid(
    frame: Frame, rows: Sequence[PictureRow], title: str, label: str, note: str = "", right: float = 1.2
) -> PanelGrid:
    """A grid of all rows, with the labels of the axes at the lower and left edge."""
    across = max(len(row.panels) for row in rows)
    size = next(frame.upright(panel).shape for row in rows for panel in row.panels if panel is not None)
    wide = min(WIDE if size[1] > size[0] else SQUARE, LARGEST) if across > 3 else LARGEST * 0.8
    page = PanelGrid.of(
        len(rows), across, (wide, wide * size[0] / size[1]), right=right,
        dpi=min(max(DPI, math.ceil(size[1] / wide)), SHARPEST),
    )  # fmt: skip
    header(page.canvas, title, label, note)
    lowest = {place: max(number for number, row in enumerate(rows) if _there(row, place)) for place in range(across)}
    for number, row in enumerate(rows):
        page.say(number, row.text)
        first, image = True, None
        for place in range(across):
            if not _there(row, place):
                continue
            axes = page.at(number, place)
            image = _show(axes, frame, row.panels[place], row.scale)
            axes.set_title(row.titles[place], pad=3)
            frame.label(axes, left=first, bottom=number == lowest[place])
            first = False
        if row.scale is not None and image is not None:
            _bar(page.bar(number), image, row.scale)
    return page


def enlarged(values: NDArray[Any], side: int) -> NDArray[Any]:
    """Pictures (..., rows, columns) with each lit pixel `side` (odd) pixels wide and high.

    The larger value wins where two overlap. Columns are phi of the full circle and continue on the other side.
    """
    reach = side // 2
    wide = np.maximum.reduce([np.roll(values, shift, axis=-1) for shift in range(-reach, reach + 1)])
    rows = values.shape[-2]
    high = np.pad(wide, [(0, 0)] * (values.ndim - 2) + [(reach, reach), (0, 0)])
    return np.asarray(np.maximum.reduce([high[..., shift : shift + rows, :] for shift in range(side)]))


def summed(values: NDArray[Any], side: int) -> NDArray[Any]:
    """Pictures (..., rows, columns) with `side` x `side` pixels summed to one."""
    *others, rows, columns = values.shape
    return np.asarray(values.reshape(*others, rows // side, side, columns // side, side).sum(axis=(-3, -1)))


def scale_of(values: NDArray[Any], text: str, *, log: bool = False, signed: bool = False) -> Scale:
    """A scale from 0 (white) to the largest value, with `log` over four decades at most; `signed`: as `differences`."""
    if signed:
        return differences(values, text)
    some = values[np.isfinite(values) & (values > 0)]
    high = float(some.max()) if len(some) else 1.0
    if not log:
        return Scale(Normalize(0.0, high), _hot("#ffffff"), text)
    low = max(float(some.min()) if len(some) else high / 10, high / DECADES)
    low = low if low < high else high / 10
    return Scale(LogNorm(low, high), _hot(), text, "min" if len(some) and some.min() < low else "neither")


def differences(values: NDArray[Any], text: str) -> Scale:
    """Red above 0 and blue below; the largest few share the last colour."""
    some = np.abs(values[np.isfinite(values) & (values != 0)])
    reach = float(np.percentile(some, RARE)) if len(some) else 1.0
    return Scale(Normalize(-reach, reach), "RdBu_r", text, "both" if len(some) and some.max() > reach else "neither")


def _there(row: PictureRow, place: int) -> bool:
    return place < len(row.panels) and row.panels[place] is not None


def _show(axes: Axes, frame: Frame, panel: Any, scale: Scale | None) -> Any:
    options: dict[str, Any] = {"interpolation": "antialiased"}
    if scale is not None:
        # values below a logarithmic scale get its first colour
        shown = np.where(panel > 0, np.maximum(panel, scale.norm.vmin or 0.0), np.nan)
        panel = shown if isinstance(scale.norm, LogNorm) else panel
        options = {"norm": scale.norm, "cmap": scale.colours, "interpolation": "nearest"}
    return axes.imshow(frame.upright(panel), origin="lower", extent=frame.extent, aspect="auto", **options)


def _bar(axes: Axes, image: Any, scale: Scale) -> None:
    figure: Any = axes.figure
    bar = figure.colorbar(image, cax=axes, extend=scale.extend)
    bar.set_label(scale.text, size=9.5)
    bar.ax.tick_params(labelsize=9)
    bar.locator = LogLocator(numticks=5) if isinstance(scale.norm, LogNorm) else MaxNLocator(5)
    bar.update_ticks()
    bar.ax.minorticks_off()


def _hot(*first: str) -> LinearSegmentedColormap:
    """From a blue that is visible on white to red; `first` comes before."""
    return LinearSegmentedColormap.from_list("hits", [*first, "#b9d3f0", "#3f90da", "#5b2a86", "#bd1f01"])
