"""Circles drawn by a slow and simple reference, and the dense pictures of `Circles`."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from representations.circles.colours import COLOURS
from tasks.events import KINDS
from tests.representations.collisions import SLOTS, events_of

if TYPE_CHECKING:
    from representations.circles.circles import Circles

SUB = 1024
PI = math.pi


def reference(circles: Circles, collision: list, span: tuple[float, float] = (3.0, PI)) -> np.ndarray:
    """One event (channels, rows, columns) uint8: every pixel asks every circle for its distance."""
    n = circles.size
    kinds = list(SLOTS) if circles.channels == "kind" else list(KINDS)
    inks = np.eye(len(SLOTS)) * 255 if circles.channels == "kind" else 255 - np.array([COLOURS[k] for k in KINDS])
    column, row = np.meshgrid(np.arange(n) + 0.5, np.arange(n) + 0.5)
    ink, light = np.zeros((inks.shape[1], n, n)), np.ones((inks.shape[1], n, n))
    for kind, pt, eta, phi in sorted(collision, key=lambda o: kinds.index(o[0])):
        eta, phi, pt = (float(np.float32(v)) for v in (0 if kind == "met" else eta, phi, pt))
        if abs(eta) > span[0]:
            continue
        x = round((eta / (2 * span[0]) + 0.5) * n * SUB) / SUB
        y = round(((phi + PI) % (2 * PI)) / (2 * PI) * n * SUB) / SUB % n
        energy = pt * math.cosh(eta) if circles.magnitude == "energy" else pt
        r = (
            round(
                max(1.0, (10.5 if circles.scale == "task" else circles.scale) * n / 224 * math.log(max(energy, 1.0)))
                * SUB
            )
            / SUB
        )
        turns = range(-40, 41) if circles.wrap else (0,)
        lit = np.zeros((n, n), bool)
        for turn in turns:
            distance2 = (column - x) ** 2 + (row - y - turn * n) ** 2
            if circles.fill:
                lit |= distance2 <= r**2
            else:
                half = round(circles.line_width * SUB / 2) / SUB
                lit |= (distance2 >= max(r - half, 0) ** 2) & (distance2 <= (r + half) ** 2)
        value = inks[kinds.index(kind)][:, None, None] * lit
        ink = np.maximum(ink, value)
        light *= 1 - circles.opacity * value / 255
    return (np.floor(255 * (1 - light) + 0.5) if circles.fill else ink).astype(np.uint8)


def dense(circles: Circles, *collisions: list) -> np.ndarray:
    images = circles.represent(events_of(collisions))
    for index, offset in pairwise(images.pixels.offsets.tolist()):
        pixels = images.pixels.values[index:offset]
        assert len(torch.unique(pixels)) == len(pixels)
    assert images.values.values.all()
    return images.dense().mul(255).round().to(torch.uint8).numpy()


DEGENERATE = {
    "empty": [],
    "one": [("muon", 45.0, 0.7, 1.1)],
    "on the seam": [("electron", 60.0, -1.0, PI), ("muon", 60.0, 1.0, -PI), ("jet", 50.0, 0.0, 3.1415925)],
    "at the edges": [
        ("jet", 40.0, 3.0, 0.0),
        ("bjet", 40.0, -3.0, 0.5),
        ("muon", 9.0, 3.0, PI),
        ("jet", 3.0, -3.0, -PI),
    ],
    "beyond": [("jet", 40.0, 3.01, 0.0), ("jet", 40.0, -5.0, 0.0)],
    "larger than the canvas": [("jet", 1e30, 0.3, 0.2), ("met", 3.4e38, 0.0, -2.0)],
    "zero pt": [("met", 0.0, 0.0, 0.4), ("met", 1.0, 0.0, 2.4), ("muon", 1e-40, 1.0, 1.0)],
    "identical": [("jet", 40.0, 0.5, 0.5)] * 5 + [("bjet", 40.0, 0.5, 0.5)],
    "on pixel centres": [("muon", math.exp(1 / 10.5), 3 / 56, PI / 56), ("jet", 1.0, 0.0, 0.0)],
    "phi outside": [("muon", 30.0, 0.5, 7.0), ("jet", 30.0, 0.5, -9.0)],
}
