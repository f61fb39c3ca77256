"""Example pictures of every class, as PNG files."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

PER_CLASS = 3
"""Pictures of a class on a page."""

ABOUT = {"kinds": "_kinds", "colours": "_colours", "span": "_span"}
"""Entries of the examples that describe the pictures: the kinds of objects (k,), the colour of each (k, 3) uint8 RGB,
and half the width of the canvas in eta and phi (2,)."""

_WHOLE = (3.0, math.pi)
_LARGEST = 1024
_PACKED = np.array([65536, 256, 1])


@dataclass(frozen=True)
class Picture:
    """The picture of one event: its path in the folder of pages, its size in pixels, and its bytes."""

    path: str
    width: int
    height: int
    png: bytes


def pictures(
    examples: Mapping[str, NDArray[np.uint8]], classes: Sequence[str], prefix: str
) -> list[tuple[str, list[Picture]]]:
    """The first pictures of each class, signal first. Arrays of a wrong shape are left out.

    Parameters
    ----------
    examples : by class, (events, rows, columns, 3) uint8 RGB, eta along columns and phi along rows.
    classes : in the order of the page.
    prefix : of the paths.
    """
    by_class = []
    for place, name in enumerate(classes):
        stack = examples.get(name)
        if stack is not None and _is_sound(stack):
            by_class.append(
                (name, [_picture(image, f"{prefix}-{place}-{k}.png") for k, image in enumerate(stack[:PER_CLASS])])
            )
    return by_class


def legend(examples: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> list[tuple[str, str]]:
    """Name and CSS colour of each kind of object whose colour occurs on the pictures of the page."""
    stacks = [examples[name][:PER_CLASS] for name in classes if name in examples and _is_sound(examples[name])]
    # as numbers, which sort faster than rows
    packed = {number for stack in stacks for number in np.unique(stack @ _PACKED).tolist()}
    kinds, colours = examples.get(ABOUT["kinds"]), examples.get(ABOUT["colours"])
    if kinds is None or colours is None or kinds.dtype.kind != "U" or kinds.ndim != 1:
        return []
    if colours.dtype != np.uint8 or colours.shape != (len(kinds), 3):
        return []
    known = [(name, (r, g, b)) for name, (r, g, b) in zip(kinds.tolist(), colours.tolist(), strict=True)]
    return [(name, f"rgb({r}, {g}, {b})") for name, (r, g, b) in known if r * 65536 + g * 256 + b in packed]


def ticks(examples: Mapping[str, NDArray[Any]]) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """The labels at start, middle and end of the axes: eta from left to right, phi from top to bottom."""
    span = examples.get(ABOUT["span"])
    if span is None or span.shape != (2,) or span.dtype.kind != "f" or not np.isfinite(span).all():
        span = np.array(_WHOLE)
    eta, phi = span.tolist()
    return _ends(f"{eta:.3g}"), _ends("π" if math.isclose(phi, math.pi, rel_tol=1e-6) else f"{phi:.3g}")


def _ends(end: str) -> tuple[str, str, str]:
    return f"−{end}", "0", end


def _is_sound(stack: NDArray[np.uint8]) -> bool:
    return (
        stack.dtype == np.uint8
        and stack.ndim == 4
        and stack.shape[3] == 3
        and 0 < max(stack.shape) <= _LARGEST
        and stack.size > 0
    )


def _picture(image: NDArray[np.uint8], path: str) -> Picture:
    from PIL import Image  # only pages with pictures need it

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, format="PNG", optimize=True)
    return Picture(path, width=image.shape[1], height=image.shape[0], png=stream.getvalue())
