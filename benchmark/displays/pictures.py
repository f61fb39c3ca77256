"""Displays of images: a few of each class, the averages of the classes, and their differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from benchmark.displays.frame import picture_frame
from benchmark.displays.grid import PictureRow, differences, enlarged, grid, scale_of, summed
from benchmark.displays.statistics import ImageStatistics
from benchmark.displays.style import SMALL, rgb, save, styled
from representations.circles.colours import in_order, name_of
from representations.samples import Images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmark.displays.overview import Overview
    from benchmark.displays.style import PanelGrid
    from representations.samples import Panel

ACROSS = 6
"""Examples in a row."""

ENLARGED = (
    "lit pixels are enlarged to {0} × {0}; a tower covers {0} × {0} or {0} × 2·{0} pixels, its energy spread evenly"
)
SUMMED = "pixels are summed in blocks of {0} × {0}, one narrow HCAL tower"


def draw(overview: Overview, title: str, label: str, stem: Path) -> list[Path]:
    """Write STEM-examples.png and STEM-average.png; returns their paths."""
    found = [*draw_examples(overview, f"{title}: examples", label, stem), stem.with_name(f"{stem.name}-average.png")]
    with styled(**SMALL):
        first = overview.info.classes[0]
        more = f", and {first} minus each other class" if len(overview.info.classes) > 1 else ""
        save(averages(overview, f"{title}: average of each class{more}", label).canvas, found[1])
    return found


def draw_examples(overview: Overview, title: str, label: str, stem: Path) -> list[Path]:
    """Write STEM-examples.png; returns its path."""
    path = stem.with_name(f"{stem.name}-examples.png")
    with styled(**SMALL):
        save(examples(overview, title, label).canvas, path)
    return [path]


def examples(overview: Overview, title: str, label: str) -> PanelGrid:
    """Rows of pictures of each class: in colour if the representation has them, else one row per channel."""
    images = _images(overview)
    panel = _panel(overview)
    frame = picture_frame(panel)
    coloured = [overview.representation.picture(part) for part in images.values()]
    pictures = [part for part in coloured if part is not None]
    if len(pictures) < len(coloured):
        return grid(frame, _channels(panel, images), title, label, _note(panel, ENLARGED))
    rows = [
        PictureRow(name, list(stack[start : start + ACROSS]), _ids(images[name][start : start + ACROSS]))
        for name, stack in zip(images, pictures, strict=True)
        for start in range(0, len(stack), ACROSS)
    ]
    page = grid(frame, rows, title, label, panel.note, right=2.0)
    if colours := overview.representation.legend(overview.info):
        ring: dict[str, Any] = {"marker": "o", "linestyle": "none", "markerfacecolor": "none", "markersize": 10}
        there = in_order(overview.kinds & colours.keys() or colours.keys())
        page.legend(
            [
                Line2D([], [], markeredgecolor=rgb(colours[kind]), label=name_of(kind), **ring)
                for kind in in_order(there)
            ]
        )
    return page


def averages(overview: Overview, title: str, label: str) -> PanelGrid:
    """The average of every class, and below it the first class minus this class; for each channel, or in colour."""
    panel = _panel(overview)
    frame = picture_frame(panel)
    if panel.in_colour:
        return grid(frame, list(_in_colour(overview)), title, label, panel.note)
    return grid(frame, list(_by_channel(overview, panel)), title, label, _note(panel, SUMMED))


def _channels(panel: Panel, images: dict[str, Images]) -> list[PictureRow]:
    """A row for each channel of each class; a channel has the same colour scale for all classes."""
    known = panel.channels
    dense = {name: part.dense().numpy() for name, part in images.items()}
    rows = {
        (name, number): enlarged(stack[:, number] * quantity.factor, quantity.block)
        for name, stack in dense.items()
        for number, quantity in enumerate(known)
    }
    scales = [
        scale_of(np.concatenate([rows[name, number].ravel() for name in images]), quantity.label,
                 log=quantity.log, signed=quantity.signed)
        for number, quantity in enumerate(known)
    ]  # fmt: skip
    return [
        PictureRow(
            f"{name}\n{quantity.name}",
            list(rows[name, number][start : start + ACROSS]),
            _ids(part[start : start + ACROSS]) if number == 0 else [""] * ACROSS,
            scales[number],
        )
        for name, part in images.items()
        for start in range(0, len(part), ACROSS)
        for number, quantity in enumerate(known)
    ]


def _note(panel: Panel, blocks: str) -> str:
    """The panel's note, and what became of pixels that are too small to see."""
    side = max(quantity.block for quantity in panel.channels)
    return "; ".join(filter(None, (panel.note, blocks.format(side) if side > 1 else "")))


def _ids(images: Images) -> list[str]:
    return [f"event {number}" for number in images.event_ids.tolist()]


def _in_colour(overview: Overview) -> Iterator[PictureRow]:
    """The mean ink, strengthened until the darkest pixel is full, and differences of the mean over channels."""
    statistics = _statistics(overview)
    means = [statistics.mean(code) for code in range(len(overview.info.classes))]
    strength = 1 / max(float(np.nanmax(means, initial=0.0)), 1e-9)
    shown = [np.moveaxis(1 - strength * np.nan_to_num(mean), 0, -1).clip(0, 1) for mean in means]
    yield PictureRow(f"mean ink\n× {strength:.3g}", shown, _titles(overview))
    yield from _differences(overview, [mean.mean(axis=0) for mean in means], "mean ink", "difference")


def _by_channel(overview: Overview, panel: Panel) -> Iterator[PictureRow]:
    statistics = _statistics(overview)
    for number, quantity in enumerate(panel.channels):
        means = [
            summed(statistics.mean(code)[number] * quantity.factor, quantity.block)
            for code in range(len(statistics.events))
        ]
        scale = scale_of(np.stack(means), f"mean {quantity.label}", log=quantity.log, signed=quantity.signed)
        yield PictureRow(f"{quantity.name}\naverage", means, _titles(overview), scale)
        yield from _differences(overview, means, quantity.label, f"{quantity.name}\ndifference")


def _differences(overview: Overview, means: list[NDArray[np.float64]], what: str, text: str) -> Iterator[PictureRow]:
    first, *others = overview.info.classes
    found = [means[0] - mean for mean in means[1:]]
    if found:
        titles = ["", *(f"{first} − {other}" for other in others)]
        yield PictureRow(text, [None, *found], titles, differences(np.stack(found), f"$\\Delta$ {what}"))


def _titles(overview: Overview) -> list[str]:
    events = overview.statistics.events.tolist()
    return [f"{name} ({count:,} events)" for name, count in zip(overview.info.classes, events, strict=True)]


def _images(overview: Overview) -> dict[str, Images]:
    return {name: part for name, part in overview.examples.items() if isinstance(part, Images)}


def _panel(overview: Overview) -> Panel:
    (panel,) = next(iter(_images(overview).values())).panels
    return panel


def _statistics(overview: Overview) -> ImageStatistics:
    if not isinstance(overview.statistics, ImageStatistics):
        raise TypeError(f"statistics of {overview.representation.name} are not of images")
    return overview.statistics
