"""Example pictures of every class, as PNG files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

PER_CLASS = 3
"""Pictures shown of a class."""

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
