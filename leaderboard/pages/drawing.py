"""What all figures share: plotly descriptions in plain dictionaries, one look for each row, text that stays text."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.metrics.metric import Estimate
    from leaderboard.ranking.rows import Row

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
"""Ten colours that stay apart for the colour-blind: M. A. Petroff, arXiv:2107.02270."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "2px,6px", "12px,3px,2px,3px,2px,3px")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Figure:
    """A plotly figure, with the words for those who can't see it."""

    name: str
    title: str
    description: str
    caption: str
    spec: dict[str, Any]


class Styles:
    """One look for each representation and model, in all figures of a board: colour by the first, dashes and symbols by
    the second. Rows that differ in parameters, device or training events share it, and their entry in the legend: there
    may be more of them than colours. The table tells them apart, and so does the pointer over a curve or point.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = [row for row in rows if row.done]
        self._representations = sorted({_plugins(row)[0] for row in rows})
        self._models = sorted({_plugins(row)[1] for row in rows})
        self._several_devices = len({row.device for row in rows}) > 1
        self._several_sizes = len({row.train_events for row in rows if row.train_events}) > 1

    def name(self, row: Row) -> str:
        """What is said where one points: all that tells rows of the board apart."""
        parts = [row.representation, row.model]
        if self._several_devices:
            parts.append(row.device)
        if self._several_sizes and row.train_events:
            parts.append(f"{row.train_events:,} events")
        return plain(" · ".join(parts))

    def entries(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Of the trace of each row: its name, and its entry in the legend, which is that of the first of its look."""
        looks = [plain(" · ".join(_plugins(row))) for row in rows]
        return [
            {"name": look, "legendgroup": look, "showlegend": look not in looks[:place], "text": self.name(row)}
            for place, (look, row) in enumerate(zip(looks, rows, strict=True))
        ]

    def colour(self, row: Row) -> str:
        """A colour of the palette."""
        return PALETTE[self._representations.index(_plugins(row)[0]) % len(PALETTE)]

    def dash(self, row: Row) -> str:
        """A line pattern."""
        return DASHES[self._models.index(_plugins(row)[1]) % len(DASHES)]

    def symbol(self, row: Row) -> str:
        """A marker."""
        return _SYMBOLS[self._models.index(_plugins(row)[1]) % len(_SYMBOLS)]


def _plugins(row: Row) -> tuple[str, str]:
    """The names of representation and model, without parameters."""
    return row.results[0].representation, row.results[0].model


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
    """Values and their intervals, upwards."""

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


def plain(text: str) -> str:
    """Text that plotly shows as it is: it would read a stranger's tags and entities as markup."""
    short = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
    return html.escape(short, quote=False)


def rounded(value: float) -> float:
    """Six digits: exact for every eye, at a third of the size."""
    return float(f"{value:.6g}")
