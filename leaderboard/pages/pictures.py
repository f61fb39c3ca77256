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
"""Pictures shown of a class."""

KINDS = {
    "electron": ("electron", (0, 0, 255)),
    "muon": ("muon", (0, 160, 0)),
    "photon": ("photon", (255, 140, 0)),
    "jet": ("jet", (255, 120, 120)),
    "bjet": ("b jet", (139, 0, 0)),
    "met": ("missing energy", (0, 0, 0)),
    "charged_hadron": ("charged hadron", (255, 120, 120)),
    "neutral_hadron": ("neutral hadron", (139, 0, 0)),
}
"""What a reader calls each kind, and its colour on the canvas: that of `representations.circles.circles.COLOURS`, which
this package may not import (a test holds the two together)."""

ABOUT = {"kinds": "_kinds", "span": "_span"}
"""Where the examples say what they show: the kinds of objects, and half the width of the canvas in eta and phi."""

_OBJECTS = ("electron", "muon", "photon", "jet", "bjet", "met")
_WHOLE = (3.0, math.pi)
_LARGEST = 4096


@dataclass(frozen=True)
class Picture:
    """One event drawn: where the file lies beneath the site's folder, its size in pixels, and its bytes."""

    path: str
    width: int
    height: int
    png: bytes


def pictures(
    examples: Mapping[str, NDArray[np.uint8]], classes: Sequence[str], prefix: str
) -> list[tuple[str, list[Picture]]]:
    """By class, signal first, the first few pictures; a stranger's arrays of any other shape are left out.

    examples: class -> (events, rows, columns, 3) uint8 RGB, eta along columns and phi along rows.
    """
    found = []
    for place, name in enumerate(classes):
        stack = examples.get(name)
        if stack is not None and _is_sound(stack):
            found.append(
                (name, [_picture(image, f"{prefix}-{place}-{k}.png") for k, image in enumerate(stack[:PER_CLASS])])
            )
    return found


def legend(examples: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> list[tuple[str, str]]:
    """Name and CSS colour of each kind of object that is seen on the shown pictures.

    Examples of a time when they did not say what they show are of whole events, not of jets.
    """
    stacks = [examples[name][:PER_CLASS] for name in classes if name in examples and _is_sound(examples[name])]
    pixels = {tuple(colour) for stack in stacks for colour in np.unique(stack.reshape(-1, 3), axis=0).tolist()}
    told = examples.get(ABOUT["kinds"])
    kinds = _OBJECTS if told is None or told.dtype.kind != "U" or told.ndim != 1 else tuple(told.tolist())
    known = [KINDS[kind] for kind in kinds if kind in KINDS]
    return [(name, f"rgb({r}, {g}, {b})") for name, (r, g, b) in known if (r, g, b) in pixels]


def ticks(examples: Mapping[str, NDArray[Any]]) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """What stands at the beginning, middle and end of the axes: eta from left to right, phi from top to bottom."""
    told = examples.get(ABOUT["span"])
    sound = told is not None and told.shape == (2,) and told.dtype.kind == "f" and bool(np.isfinite(told).all())
    eta, phi = told.tolist() if told is not None and sound else _WHOLE
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
