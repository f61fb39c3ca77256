"""The figures of a board, as plotly descriptions in plain dictionaries.

Plotly's Python package is not imported: it only writes such dictionaries, and takes long to load. The tests hold
them against its schema. Colours of text and grid come from the page (static/plots.js), for light and dark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.metrics.metric import CONFIDENCE
from leaderboard.pages.curves import one_vs_one_curve, one_vs_rest_curve, signal_curve
from leaderboard.pages.decorrelation import mass_figure
from leaderboard.pages.drawing import DASHES, PALETTE, Figure, Styles, layout_of, plain, rounded, with_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leaderboard.pages.curves import Points
    from leaderboard.ranking.boards import Board
    from leaderboard.ranking.rows import Row
    from leaderboard.ranking.scores import ScoreBook, Sheet

_SHOWN_AT_FIRST = 8
"""Curves drawn at once; the others wait in the legend for a click."""


def figures(board: Board, book: ScoreBook) -> list[Figure]:
    """All figures that the results of a board allow, in reading order."""
    made = [
        class_figure(board) if board.macro else roc_figure(board, book),
        best_figure(board, book),
        mass_figure(board),
        tradeoff_figure(board, "predict_events_per_s", "prediction"),
        tradeoff_figure(board, "train_events_per_s", "training"),
    ]
    return [figure for figure in made if figure is not None]


def roc_figure(board: Board, book: ScoreBook) -> Figure | None:
    """Background rejection against signal efficiency, a curve a row."""
    styles = Styles(board.rows)
    drawn = [(row, points) for row in board.rows if (points := _points(row, book, signal_curve))]
    entries = styles.entries([row for row, _ in drawn])
    traces = [
        _curve(entry, points, styles.colour(row), styles.dash(row), hidden=place >= _SHOWN_AT_FIRST)
        for place, ((row, points), entry) in enumerate(zip(drawn, entries, strict=True))
    ]
    if not traces:
        return None
    signal = board.classes[0]
    more = (
        f" The first {_SHOWN_AT_FIRST} are shown; click an entry for others, off and on for its further rows."
        if len(traces) > _SHOWN_AT_FIRST
        else ""
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
        _curve({"name": name, "text": name}, points, PALETTE[place % len(PALETTE)], DASHES[place % len(DASHES)])
        for place, (name, points) in enumerate((plain(name), points) for name, points in drawn)
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
            **entry,
            "x": [plain(name) for name in board.classes],
            **with_errors([row.estimate(f"auc_{name}") for name in board.classes]),
            "marker": {"color": styles.colour(row), "symbol": styles.symbol(row), "size": 9},
            "hovertemplate": "%{text}<br>%{x}: AUC %{y:.4f}<extra></extra>",
        }
        for row, entry in zip(rows, styles.entries(rows), strict=True)
    ]
    layout = layout_of(
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
    return [rounded(min(ends) - margin), rounded(max(ends) + margin)]


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
            **entry,
            "x": [rounded(row.throughput(field) or 0)],
            **with_errors([row.auc]),
            "marker": {"color": styles.colour(row), "symbol": styles.symbol(row), "size": 11},
            "hovertemplate": "%{text}<br>%{x:,.4~g} events/s<br>AUC %{y:.4f}<extra></extra>",
        }
        for row, entry in zip(rows, styles.entries(rows), strict=True)
    ]
    x = {"title": {"text": f"{what} speed [events/s]"}, "type": "log", "exponentformat": "SI"}
    return Figure(
        name=f"tradeoff-{what}",
        title=f"Quality against {what} speed",
        description=f"AUC against {what} speed in events a second, {len(rows)} rows. Up and to the right is better.",
        caption=f"Up and to the right is better. Bars are {CONFIDENCE:.0%} intervals; speeds depend on the device.",
        spec={"data": traces, "layout": layout_of(x, {"title": {"text": "AUC"}})},
    )


_FEW = "The left end of a curve rests on few background events."


def _points(row: Row, book: ScoreBook, curve: Callable[[Sheet], Points | None]) -> Points | None:
    sheet = book.get(row.shown) if row.shown else None
    return curve(sheet) if sheet else None


def _curve(entry: dict[str, Any], points: Points, colour: str, dash: str, *, hidden: bool = False) -> dict[str, Any]:
    x, y = points
    return {
        "type": "scatter",
        "mode": "lines",
        **entry,
        "x": [rounded(value) for value in x],
        "y": [rounded(value) for value in y],
        "line": {"color": colour, "dash": dash, "width": 2},
        "hovertemplate": "%{text}<br>ε<sub>S</sub> = %{x:.3f}<br>1/ε<sub>B</sub> = %{y:,.4~g}<extra></extra>",
        "visible": "legendonly" if hidden else True,
    }


def _chance() -> dict[str, Any]:
    x = [place / 100 for place in range(1, 101)]
    line = {"color": "#888888", "dash": "dot", "width": 1}
    y = [rounded(1 / value) for value in x]
    return {"type": "scatter", "mode": "lines", "name": "guessing", "x": x, "y": y, "line": line, "hoverinfo": "skip"}


def _roc_layout(signal: str) -> dict[str, Any]:
    x = {"title": {"text": f"signal efficiency ε<sub>S</sub> ({plain(signal)})"}, "range": [0, 1], "dtick": 0.2}
    y = {
        "title": {"text": "background rejection 1/ε<sub>B</sub>"},
        "type": "log",
        "exponentformat": "power",
        "dtick": 1,
    }
    return layout_of(x, y)
