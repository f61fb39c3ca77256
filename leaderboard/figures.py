"""The figures of a board, as plotly descriptions in plain dictionaries.

Plotly's Python package is not imported: it only writes such dictionaries, and takes long to load. The tests hold
them against its schema. Colours of text and grid come from the page (static/plots.js), for light and dark.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.metrics.metric import CONFIDENCE
from leaderboard.curves import one_vs_one_curve, one_vs_rest_curve, signal_curve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmark.metrics.metric import Estimate
    from leaderboard.curves import Points
    from leaderboard.ranking import Board
    from leaderboard.rows import Row
    from leaderboard.scores import ScoreBook, Sheet

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

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
_LONGEST_NAME = 48
_SHOWN_AT_FIRST = 8
"""Curves drawn at once; the others wait in the legend for a click."""


@dataclass(frozen=True)
class Figure:
    """A plotly figure, with the words for those who can't see it."""

    name: str
    title: str
    description: str
    caption: str
    spec: dict[str, Any]


def figures(board: Board, book: ScoreBook) -> list[Figure]:
    """All figures that the results of a board allow, in reading order."""
    made = [
        class_figure(board) if board.macro else roc_figure(board, book),
        best_figure(board, book),
        tradeoff_figure(board, "predict_events_per_s", "prediction"),
        tradeoff_figure(board, "train_events_per_s", "training"),
    ]
    return [figure for figure in made if figure is not None]


def roc_figure(board: Board, book: ScoreBook) -> Figure | None:
    """Background rejection against signal efficiency, a curve a row."""
    styles = Styles(board.rows)
    drawn = [(row, points) for row in board.rows if (points := _points(row, book, signal_curve))]
    traces = [
        _curve(styles.name(row), points, styles.colour(row), styles.dash(row), hidden=place >= _SHOWN_AT_FIRST)
        for place, (row, points) in enumerate(drawn)
    ]
    if not traces:
        return None
    signal = board.classes[0]
    more = (
        f" The first {_SHOWN_AT_FIRST} are shown; click the legend for others." if len(traces) > _SHOWN_AT_FIRST else ""
    )
    return Figure(
        name="roc",
        title=f"ROC curves: {signal} against the rest",
        description=f"Background rejection against efficiency for {signal}, {len(traces)} curves. Higher is better.",
        caption=f"Higher is better. Where a row has several seeds, the one with the median AUC is drawn.{more} {_FEW}",
        spec={"data": [*traces, _chance()], "layout": _roc_layout(signal)},
    )


def best_figure(board: Board, book: ScoreBook) -> Figure | None:
    """One row of three classes or more taken apart: signal against each background, or each class against the rest."""
    if len(board.classes) < 3:
        return None
    row = next((row for row in board.rows if row.shown and book.get(row.shown)), None)
    if row is None:
        return None
    curves: list[tuple[str, Callable[[Sheet], Points | None]]]
    if board.macro:
        curves = [(name, lambda s, k=k: one_vs_rest_curve(s, k)) for k, name in enumerate(board.classes)]  # type: ignore[misc]
    else:
        curves = [
            (f"against {name}", lambda s, k=k: one_vs_one_curve(s, k))  # type: ignore[misc]
            for k, name in enumerate(board.classes)
            if k > 0
        ]
    drawn = [(name, points) for name, curve in curves if (points := _points(row, book, curve))]
    traces = [
        _curve(_plain(name), points, PALETTE[place % len(PALETTE)], _DASHES[place % len(_DASHES)])
        for place, (name, points) in enumerate(drawn)
    ]
    cell = f"{row.representation} with {row.model}"
    what = "Each class against the rest" if board.macro else "Signal against each background"
    return Figure(
        name="classes",
        title=f"{what}: {cell}",
        description=f"Background rejection against signal efficiency, for {cell}. {what}.",
        caption=f"The {'best row' if row.rank else 'first row with scores'}, taken apart. {_FEW}",
        spec={"data": [*traces, _chance()], "layout": _roc_layout("the class" if board.macro else board.classes[0])},
    )


def class_figure(board: Board) -> Figure | None:
    """AUC of each class against the rest, a series a row: for tasks where no class is the signal."""
    styles = Styles(board.rows)
    rows = [row for row in board.rows if any(row.estimate(f"auc_{name}").value is not None for name in board.classes)]
    if not rows:
        return None
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": styles.name(row),
            "x": [_plain(name) for name in board.classes],
            **_with_errors([row.estimate(f"auc_{name}") for name in board.classes]),
            "marker": {"color": styles.colour(row), "symbol": styles.symbol(row), "size": 9},
        }
        for row in rows
    ]
    layout = _layout(
        {"title": {"text": "class"}, "type": "category", "automargin": True},
        {"title": {"text": "AUC against the rest"}, "range": _span(rows, board.classes)},
    )
    layout["scattermode"] = "group"  # side by side, as the intervals of one class would cover each other
    return Figure(
        name="class-auc",
        title="AUC of each class against the rest",
        description=f"AUC of {', '.join(board.classes)} against the rest, for {len(rows)} rows.",
        caption=f"Bars are {CONFIDENCE:.0%} intervals.",
        spec={"data": traces, "layout": layout},
    )


def _span(rows: Sequence[Row], classes: Sequence[str]) -> list[float]:
    """The range of all intervals with a margin: plotly would begin at 0 with grouped points."""
    estimates = [row.estimate(f"auc_{name}") for row in rows for name in classes]
    ends = [end for e in estimates for end in (e.value, e.low, e.high) if end is not None]
    margin = 0.05 * (max(ends) - min(ends)) or 0.01
    return [_rounded(min(ends) - margin), _rounded(max(ends) + margin)]


def tradeoff_figure(board: Board, field: str, what: str) -> Figure | None:
    """AUC against speed, a point a row."""
    styles = Styles(board.rows)
    rows = [row for row in board.rows if row.auc.value is not None and (row.throughput(field) or 0) > 0]
    if not rows:
        return None
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": styles.name(row),
            "x": [_rounded(row.throughput(field) or 0)],
            **_with_errors([row.auc]),
            "marker": {"color": styles.colour(row), "symbol": styles.symbol(row), "size": 11},
            "hovertemplate": "%{x:,.4~g} events/s<br>AUC %{y:.4f}",
        }
        for row in rows
    ]
    x = {"title": {"text": f"{what} speed [events/s]"}, "type": "log", "exponentformat": "SI"}
    return Figure(
        name=f"tradeoff-{what}",
        title=f"Quality against {what} speed",
        description=f"AUC against {what} speed in events a second, {len(rows)} rows. Up and to the right is better.",
        caption=f"Up and to the right is better. Bars are {CONFIDENCE:.0%} intervals; speeds depend on the device.",
        spec={"data": traces, "layout": _layout(x, {"title": {"text": "AUC"}})},
    )


class Styles:
    """One look for each row in all figures of a board: colour by model, dashes and symbols by representation."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = [row for row in rows if row.done]
        self._models = sorted({(row.model, row.device, row.train_events or 0) for row in rows})
        self._representations = sorted({row.representation for row in rows})
        self._several_devices = len({row.device for row in rows}) > 1
        self._several_sizes = len({row.train_events for row in rows if row.train_events}) > 1

    def name(self, row: Row) -> str:
        """What the legend says: only what tells rows of the board apart."""
        parts = [row.representation, row.model]
        if self._several_devices:
            parts.append(row.device)
        if self._several_sizes and row.train_events:
            parts.append(f"{row.train_events:,} events")
        return _plain(" · ".join(parts))

    def colour(self, row: Row) -> str:
        """A colour of the palette."""
        place = self._models.index((row.model, row.device, row.train_events or 0))
        return PALETTE[place % len(PALETTE)]

    def dash(self, row: Row) -> str:
        """A line pattern."""
        return _DASHES[self._representations.index(row.representation) % len(_DASHES)]

    def symbol(self, row: Row) -> str:
        """A marker."""
        return _SYMBOLS[self._representations.index(row.representation) % len(_SYMBOLS)]


_FEW = "The left end of a curve rests on few background events."


def _points(row: Row, book: ScoreBook, curve: Callable[[Sheet], Points | None]) -> Points | None:
    sheet = book.get(row.shown) if row.shown else None
    return curve(sheet) if sheet else None


def _curve(name: str, points: Points, colour: str, dash: str, *, hidden: bool = False) -> dict[str, Any]:
    x, y = points
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [_rounded(value) for value in x],
        "y": [_rounded(value) for value in y],
        "line": {"color": colour, "dash": dash, "width": 2},
        "hovertemplate": "ε<sub>S</sub> = %{x:.3f}<br>1/ε<sub>B</sub> = %{y:,.4~g}",
        "visible": "legendonly" if hidden else True,
    }


def _chance() -> dict[str, Any]:
    x = [place / 100 for place in range(1, 101)]
    line = {"color": "#888888", "dash": "dot", "width": 1}
    y = [_rounded(1 / value) for value in x]
    return {"type": "scatter", "mode": "lines", "name": "guessing", "x": x, "y": y, "line": line, "hoverinfo": "skip"}


def _roc_layout(signal: str) -> dict[str, Any]:
    x = {"title": {"text": f"signal efficiency ε<sub>S</sub> ({_plain(signal)})"}, "range": [0, 1], "dtick": 0.2}
    y = {
        "title": {"text": "background rejection 1/ε<sub>B</sub>"},
        "type": "log",
        "exponentformat": "power",
        "dtick": 1,
    }
    return _layout(x, y)


def _layout(x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    axis = {"showline": True, "ticks": "outside", "zeroline": False}
    return {
        "xaxis": {**axis, **x},
        "yaxis": {**axis, **y},
        "showlegend": True,
        "hovermode": "closest",
        "margin": {"l": 76, "r": 16, "t": 16, "b": 60},
    }


def _with_errors(estimates: Sequence[Estimate]) -> dict[str, Any]:
    def distance(value: float | None, bound: float | None) -> float:
        return 0.0 if value is None or bound is None else _rounded(abs(bound - value))

    return {
        "y": [None if e.value is None else _rounded(e.value) for e in estimates],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [distance(e.value, e.high) for e in estimates],
            "arrayminus": [distance(e.value, e.low) for e in estimates],
            "thickness": 1.2,
        },
    }


def _plain(text: str) -> str:
    """Text that plotly shows as it is: it would read a stranger's tags and entities as markup."""
    short = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
    return html.escape(short, quote=False)


def _rounded(value: float) -> float:
    """Six digits: exact for every eye, at a third of the size."""
    return float(f"{value:.6g}")
