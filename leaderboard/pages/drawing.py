"""What all figures share: plotly descriptions in plain dictionaries, the style of each row, and safe text."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.metrics.metric import Estimate
    from leaderboard.ranking.row import Row

PALETTE = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that colour-blind readers can distinguish: M. A. Petroff, arXiv:2107.02270."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "2px,6px", "12px,3px,2px,3px,2px,3px")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Chart:
    """A plotly figure with title, caption and a description for screen readers."""

    name: str
    title: str
    description: str
    caption: str
    spec: dict[str, Any]


class Styles:
    """The styles of rows in all figures of a board: colour by representation, dashes and symbols by model.

    Rows that differ only in parameters, device or training events share a style and an entry in the legend, since there
    may be more of them than colours. The text at the pointer names them in full.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = [row for row in rows if row.done]
        self._representations = sorted({row.plugins[0] for row in rows})
        self._models = sorted({row.plugins[1] for row in rows})
        self._several_devices = len({row.device for row in rows}) > 1
        self._several_sizes = len({row.train_events for row in rows if row.train_events}) > 1

    def name(self, row: Row) -> str:
        """The text at the pointer: everything that distinguishes rows of the board."""
        parts = [row.representation, row.model]
        if self._several_devices:
            parts.append(row.device)
        if self._several_sizes and row.train_events:
            parts.append(f"{row.train_events:,} events")
        return without_tags(" · ".join(parts))

    def entries(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Name and legend of the trace of each row. The first row with a style has the entry in the legend."""
        styles = [without_tags(" · ".join(row.plugins)) for row in rows]
        return [
            {"name": style, "legendgroup": style, "showlegend": style not in styles[:place], "text": self.name(row)}
            for place, (style, row) in enumerate(zip(styles, rows, strict=True))
        ]

    def colour(self, row: Row) -> str:
        """A colour of the palette."""
        return PALETTE[self._representations.index(row.plugins[0]) % len(PALETTE)]

    def dash(self, row: Row) -> str:
        """A line pattern."""
        return DASHES[self._models.index(row.plugins[1]) % len(DASHES)]

    def symbol(self, row: Row) -> str:
        """A marker."""
        return _SYMBOLS[self._models.index(row.plugins[1]) % len(_SYMBOLS)]


def layout_of(x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    """The layout of a figure with these axes."""
    axis = {"showline": True, "ticks": "outside", "zeroline": False}
    return {
        "xaxis": {**axis, **x},
        "yaxis": {**axis, **y},
        "showlegend": True,
        "hovermode": "closest",
        "margin": {"l": 76, "r": 16, "t": 16, "b": 60},
    }


def with_errors(estimates: Sequence[Estimate]) -> dict[str, Any]:
    """Values and their intervals along the y axis."""

    def distance(value: float | None, bound: float | None) -> float:
        return 0.0 if value is None or bound is None else rounded(abs(bound - value))

    return {
        "y": [None if e.value is None else rounded(e.value) for e in estimates],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [distance(e.value, e.high) for e in estimates],
            "arrayminus": [distance(e.value, e.low) for e in estimates],
            "thickness": 1.2,
        },
    }


def without_tags(text: str) -> str:
    """Text for plotly, which would read tags and entities as markup."""
    short = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
    return html.escape(plain(short), quote=False)


def rounded(value: float) -> float:
    """Six digits, which make the page three times smaller."""
    return float(f"{value:.6g}")
