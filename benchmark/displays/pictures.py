"""Displays of pictures: a few of each class, the averages of the classes, and how these differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from benchmark.displays import kinds
from benchmark.displays.frame import picture_frame
from benchmark.displays.grid import Row, differences, enlarged, grid, scale_of, summed
from benchmark.displays.quantity import quantities
from benchmark.displays.style import SMALL, save, styled
from benchmark.displays.tally import Averages
from representations.circles.circles import Circles
from representations.samples import Images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmark.displays.frame import Frame
    from benchmark.displays.look import Look
    from benchmark.displays.style import Sheet

ACROSS = 6
"""Examples in a row."""
COLOURS = ("red", "green", "blue")
"""Names of the channels of a picture in true colours, stored as ink: 1 - colour."""

ENLARGED = (
    "lit pixels are drawn {0} × {0}; a tower's energy is spread evenly over its pixels, {0} × {0} or two times that"
)
SUMMED = "pixels are sums of {0} × {0}: a tower of one column"


def draw(look: Look, title: str, label: str, stem: Path) -> list[Path]:
    """Write STEM-examples.png and STEM-average.png under a title and a label; returns where they are."""
    found = [stem.with_name(f"{stem.name}-{what}.png") for what in ("examples", "average")]
    with styled(**SMALL):
        save(examples(look, f"{title}: examples", label).canvas, found[0])
        first = look.info.classes[0]
        more = f", and {first} minus each other class" if len(look.info.classes) > 1 else ""
        save(averages(look, f"{title}: average of each class{more}", label).canvas, found[1])
    return found


def examples(look: Look, title: str, label: str) -> Sheet:
    """A row of pictures a class, in true colours where the representation has them; else a row a channel and class."""
    images: dict[str, Any] = look.examples
    frame = picture_frame(look.representation, look.info, next(iter(images.values())))
    coloured = [look.representation.picture(part) for part in images.values()]
    pictures = [part for part in coloured if part is not None]
    if len(pictures) < len(coloured):
        return grid(frame, _channels(look, images), title, label, _note(look, frame, ENLARGED))
    rows = [
        Row(name, list(stack[start : start + ACROSS]), _ids(images[name][start : start + ACROSS]))
        for name, stack in zip(images, pictures, strict=True)
        for start in range(0, len(stack), ACROSS)
    ]
    page = grid(frame, rows, title, label, frame.note, right=2.0)
    if isinstance(look.representation, Circles):
        _legend(page, kinds.in_order(look.kinds))
    return page


def _channels(look: Look, images: dict[str, Images]) -> list[Row]:
    """Each channel of each class in a row, in colours that are the same for all classes."""
    known = quantities(look.representation, look.info, next(iter(images.values())))
    dense = {name: part.dense().numpy() for name, part in images.items()}
    rows = {
        (name, number): enlarged(stack[:, number] * quantity.factor, quantity.coarse)
        for name, stack in dense.items()
        for number, quantity in enumerate(known)
    }
    scales = [
        scale_of(np.concatenate([rows[name, number].ravel() for name in images]), quantity.text,
                 log=quantity.log, signed=quantity.signed)
        for number, quantity in enumerate(known)
    ]  # fmt: skip
    return [
        Row(
            f"{name}\n{quantity.name}",
            list(rows[name, number][start : start + ACROSS]),
            _ids(part[start : start + ACROSS]) if number == 0 else [""] * ACROSS,
            scales[number],
        )
        for name, part in images.items()
        for start in range(0, len(part), ACROSS)
        for number, quantity in enumerate(known)
    ]


def _note(look: Look, frame: Frame, coarse: str) -> str:
    """How the sheet is to be read: where angles count from, and what became of pixels too small to be seen."""
    side = max(quantity.coarse for quantity in quantities(look.representation, look.info, _some(look)))
    return "; ".join(filter(None, (frame.note, coarse.format(side) if side > 1 else "")))


def _some(look: Look) -> Images:
    found = next(iter(look.examples.values()))
    assert isinstance(found, Images)
    return found


def _ids(images: Images) -> list[str]:
    return [f"event {number}" for number in images.event_ids.tolist()]


def _legend(page: Sheet, names: list[str]) -> None:
    ring: dict[str, Any] = {"marker": "o", "linestyle": "none", "markerfacecolor": "none", "markersize": 10}
    handles = [Line2D([], [], markeredgecolor=kinds.colour(kind), label=kinds.words(kind), **ring) for kind in names]
    page.legend(handles)


def averages(look: Look, title: str, label: str) -> Sheet:
    """The average of every class, and below each the first class's less it; for each channel, or in true colours."""
    some = _some(look)
    frame = picture_frame(look.representation, look.info, some)
    if some.channel_names == COLOURS:
        return grid(frame, list(_in_colour(look)), title, label, frame.note)
    rows = list(_by_channel(look, some))
    return grid(frame, rows, title, label, _note(look, frame, SUMMED))


def _in_colour(look: Look) -> Iterator[Row]:
    """The mean ink as a picture, strengthened until the darkest pixel is full, and differences of all ink."""
    tally = _tally(look)
    means = [tally.mean(code) for code in range(len(look.info.classes))]
    strength = 1 / max(float(np.nanmax(means, initial=0.0)), 1e-9)
    shown = [np.moveaxis(1 - strength * np.nan_to_num(mean), 0, -1).clip(0, 1) for mean in means]
    yield Row(f"mean ink\n× {strength:.3g}", shown, _titles(look))
    yield from _differences(look, [mean.mean(axis=0) for mean in means], "mean ink", "difference")


def _by_channel(look: Look, images: Images) -> Iterator[Row]:
    tally = _tally(look)
    for number, quantity in enumerate(quantities(look.representation, look.info, images)):
        means = [
            summed(tally.mean(code)[number] * quantity.factor, quantity.coarse) for code in range(len(tally.events))
        ]
        scale = scale_of(np.stack(means), f"mean {quantity.text}", log=quantity.log, signed=quantity.signed)
        yield Row(f"{quantity.name}\naverage", means, _titles(look), scale)
        yield from _differences(look, means, quantity.text, f"{quantity.name}\ndifference")


def _differences(look: Look, means: list[NDArray[np.float64]], what: str, text: str) -> Iterator[Row]:
    first, *others = look.info.classes
    found = [means[0] - mean for mean in means[1:]]
    if found:
        titles = ["", *(f"{first} − {other}" for other in others)]
        yield Row(text, [None, *found], titles, differences(np.stack(found), f"$\\Delta$ {what}"))


def _titles(look: Look) -> list[str]:
    return [
        f"{name} ({count:,} events)" for name, count in zip(look.info.classes, look.tally.events.tolist(), strict=True)
    ]


def _tally(look: Look) -> Averages:
    assert isinstance(look.tally, Averages)
    return look.tally
