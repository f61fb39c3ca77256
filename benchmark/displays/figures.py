"""Validation figures as PNG files, in the style of mplhep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from benchmark.displays.style import COLOURS, DPI, HEADER, header, save, styled
from tasks.validation.figure import Curve, Map, Spectrum

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis

    from tasks.validation.figure import Figure, Panel

STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
INCHES = (4.9, 4.1)
"""Width and height of a panel."""
MARK = "mark"
LEGEND_ROW, LEGEND_REST = 0.062, 0.05
"""Share of a panel's height for a row of its legend, and for the gap below it, so that no curve is behind it."""


def draw(figure: Figure, label: str, path: Path) -> None:
    """Write a figure as PNG, atomically. Raises UserError if that is not possible.

    label : a line below the title, such as "ttbar, level detector, fast simulation".
    """
    with styled():
        columns = _columns(len(figure.panels))
        rows = math.ceil(len(figure.panels) / columns)
        width, height = INCHES[0] * max(columns, 2), INCHES[1] * rows + HEADER
        layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - HEADER / height), w_pad=0.08, h_pad=0.08)
        canvas = Canvas(figsize=(width, height), dpi=DPI, layout=layout)
        FigureCanvasAgg(canvas)
        header(canvas, figure.title, label)
        for number, panel in enumerate(figure.panels, 1):
            _panel(canvas.add_subplot(rows, columns, number), panel, legend_columns=4 if columns == 1 else 2)
        save(canvas, path)


def _columns(panels: int) -> int:
    return panels if panels <= 3 else 2 if panels == 4 else 3 if panels <= 9 else 4


def _panel(axes: Axes, panel: Panel, legend_columns: int) -> None:
    if panel.title and panel.title != panel.x.quantity:
        axes.set_title(panel.title, loc="left")
    axes.set_xlabel(panel.x.text)
    if isinstance(panel, Spectrum):
        _spectrum(axes, panel)
        _legend(axes, tuple(panel.counts), legend_columns)
    elif isinstance(panel, Curve):
        _curve(axes, panel)
        _legend(axes, tuple(panel.points), legend_columns)
    else:
        _map(axes, panel)


def _spectrum(axes: Axes, panel: Spectrum) -> None:
    import mplhep

    drawn = {label: panel.heights(label) for label in panel.counts}
    log = panel.log_y and any((heights > 0).any() for heights, _ in drawn.values())
    for (label, (heights, errors)), colour, style in zip(drawn.items(), COLOURS, STYLES, strict=False):
        # empty bins are gaps on a logarithmic axis: lines down to 0 would hide the others
        shown = np.where(heights > 0, heights, np.nan) if log else heights
        name = _named(panel, label)
        mplhep.histplot(
            shown, panel.edges, yerr=errors, ax=axes, label=name, color=colour, linestyle=style, edges=not log
        )
    for (name, (x, y)), style in zip(panel.overlay.items(), STYLES[1:], strict=False):
        axes.plot(x, y, color="black", linestyle=style, label=name)
    _marks(axes, panel.lines)
    if panel.x.log:
        axes.set_xscale("log")
        _log_axis(axes.xaxis, float(panel.edges[0]), float(panel.edges[-1]))
    elif _whole(panel):
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlim(panel.edges[0], panel.edges[-1])
    axes.set_ylabel(_height_text(panel), loc="top")
    highest = max((float((heights + errors).max()) for heights, errors in drawn.values()), default=1.0) or 1.0
    if log:
        lowest = min(float(heights[heights > 0].min()) for heights, _ in drawn.values() if (heights > 0).any())
        axes.set_yscale("log")
        axes.set_ylim(lowest / 2, highest * 1.2)
    else:
        axes.set_ylim(0, highest * 1.02)
        axes.yaxis.set_major_locator(MaxNLocator(5))


def _whole(panel: Spectrum) -> bool:
    """Whether each bin holds one whole number."""
    return bool(np.all(np.diff(panel.edges) == 1.0)) and panel.edges[0] % 1.0 == 0.5


def _legend(axes: Axes, first: tuple[str, ...], columns: int) -> None:
    """Draw the legend, classes first, above all curves: the y axis is extended by its height."""
    handles, names = axes.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda place: not names[place].startswith(first))
    columns = min(columns, len(names)) or 1
    room = LEGEND_REST + LEGEND_ROW * math.ceil(len(names) / columns)
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        axes.set_ylim(low, low * (high / low) ** (1 / (1 - room)))
    else:
        axes.set_ylim(low, low + (high - low) / (1 - room))
    for line in axes.lines:
        if line.get_gid() == MARK:
            line.set_ydata([0.0, 1.0 - room])
    axes.legend(
        [handles[place] for place in order],
        [names[place] for place in order],
        loc="upper right",
        ncols=columns,
        frameon=False,
        handlelength=1.8,
        labelspacing=0.25,
        columnspacing=1.0,
    )


def _log_axis(axis: XAxis, low: float, high: float) -> None:
    """Plain numbers at powers of ten, and in between if there are few of them."""
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axis.set_major_formatter(plain)
    if high / low < 30.0:
        axis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        axis.set_minor_formatter(plain)
    else:
        axis.set_minor_formatter(NullFormatter())


def _height_text(panel: Spectrum) -> str:
    if panel.scale == "density":
        return f"events / {panel.x.unit or 'unit'}"
    steps = np.diff(panel.edges)
    even = bool(np.allclose(steps, steps[0], rtol=1e-6))
    width = f" / {steps[0]:.3g} {panel.x.unit}".rstrip() if even else " / bin"
    return ("fraction of entries" if panel.scale == "fraction" else "events") + ("" if _whole(panel) else width)


def _named(panel: Spectrum, label: str) -> str:
    """The label, with the share beyond the axis if that is at least 1%."""
    beyond = panel.beyond[label]
    share = beyond / max(float(panel.counts[label].sum()) + beyond, 1.0)
    return f"{label} ({share:.0%} beyond)" if share >= 0.01 and panel.scale == "fraction" else label


def _marks(axes: Axes, lines: Any) -> None:
    for (name, x), style in zip(lines.items(), ("--", ":", "-.", (0, (5, 1)), (0, (1, 3))), strict=False):
        axes.axvline(x, color="0.35", linestyle=style, linewidth=1.1, label=f"{name}: {x:.5g}", gid=MARK)


def _curve(axes: Axes, panel: Curve) -> None:
    for (label, points), colour, marker in zip(panel.points.items(), COLOURS, MARKERS, strict=False):
        errors = np.maximum([points.y - points.low, points.high - points.y], 0.0)
        axes.errorbar(points.x, points.y, errors, fmt=marker, color=colour, label=label, markersize=5, linewidth=1.2)
    for (name, y), style in zip(panel.lines.items(), STYLES[1:], strict=False):
        axes.axhline(y, color="0.35", linestyle=style, linewidth=1.1, label=name)
    if panel.y.log:
        axes.set_yscale("log")
    axes.set_ylabel(panel.y.text, loc="top")
    if panel.y_from is not None:
        axes.set_ylim(bottom=panel.y_from)


def _map(axes: Axes, panel: Map) -> None:
    shown = np.ma.masked_invalid(panel.values)
    reach = float(np.abs(shown).max()) if shown.count() else 0.0
    norm: Normalize
    if reach == 0.0:
        norm, colours = Normalize(0.0, 1.0), "viridis"
    elif panel.diverging:
        norm, colours = Normalize(-reach, reach), "RdBu_r"
    elif panel.z.log:
        shown = np.ma.masked_less_equal(shown, 0.0)
        # no colour scale can distinguish more than six orders of magnitude
        norm, colours = LogNorm(max(float(shown.min()), reach / 1e6), reach), "viridis"
    else:
        norm, colours = Normalize(float(shown.min()), reach), "viridis"
    extent = (*panel.x_range, *panel.y_range)
    image = axes.imshow(shown, origin="lower", extent=extent, aspect="auto", norm=norm, cmap=colours)
    axes.set_ylabel(panel.y.text, loc="top")
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label(panel.z.text)
