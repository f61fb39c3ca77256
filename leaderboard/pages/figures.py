"""The figures of a board, as plotly descriptions in plain dictionaries.

Plotly's Python package is not imported, because it is slow to load and only writes such dictionaries. The tests check
them with its schema. Colours of text and grid come from the page (static/plots.js), for light and dark.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from benchmark.metrics.metric import CONFIDENCE
from leaderboard.pages.curves import learning_figure, preprocessing_figure
from leaderboard.pages.decorrelation import mass_figure
from leaderboard.pages.drawing import DASHES, PALETTE, Chart, Styles, layout_of, rounded, with_errors, without_tags
from leaderboard.pages.roc_points import one_vs_one_curve, one_vs_rest_curve, signal_curve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmark.metrics.metric import Scored
    from leaderboard.pages.roc_points import Points
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row
    from leaderboard.ranking.scores import ScoreBook

_VISIBLE = 8
"""Curves that are visible at first; a click in the legend shows others."""


def figures(board: Board, book: ScoreBook) -> list[Chart]:
    """All figures of a board for which there are results, in the order of the page."""
    made = [
        class_figure(board) if board.macro else roc_figure(board, book),
        best_figure(board, book),
        learning_figure(board, book),
        preprocessing_figure(board),
        mass_figure(board),
        tradeoff_figure(board, "predict_events_per_s", "prediction"),
        tradeoff_figure(board, "train_events_per_s", "training"),
    ]
    return [figure for figure in made if figure is not None]


def roc_figure(board: Board, book: ScoreBook) -> Chart | None:
    """Background rejection against signal efficiency, one curve for each row."""
    styles = Styles(board.rows)
    drawn = [(row, points) for row in board.rows if (points := _points(row, book, signal_curve))]
    entries = styles.entries([row for row, _ in drawn])
    traces = [
        _curve(entry, points, styles.colour(row), styles.dash(row), hidden=place >= _VISIBLE)
        for place, ((row, points), entry) in enumerate(zip(drawn, entries, strict=True))
    ]
    if not traces:
        return None
    signal = board.classes[0]
    more = (
        f" The first {_VISIBLE} are visible; click an entry of the legend to show or hide its curves."
        if len(traces) > _VISIBLE
        else ""
    )
    return Chart(
        name="roc",
        title=f"ROC curves: {signal} against the rest",
        description=f"Background rejection against efficiency for {signal}, {len(traces)} curves. Higher is better.",
        caption=f"Higher is better. A row with several seeds has the curve of the median seed.{more} {_FEW}",
        spec={"data": [*traces, _chance()], "layout": _roc_layout(signal)},
    )


def best_figure(board: Board, book: ScoreBook) -> Chart | None:
    """One row of three classes or more: signal against each background, or each class against the rest."""
    if len(board.classes) < 3:
        return None
    row = next((row for row in board.rows if row.median and book.get(row.median)), None)
    if row is None:
        return None
    curves: list[tuple[str, Callable[[Scored], Points | None]]]
    if board.macro:
        curves = [(name, partial(one_vs_rest_curve, label=k)) for k, name in enumerate(board.classes)]
    else:
        against = enumerate(board.classes[1:], start=1)
        curves = [(f"against {name}", partial(one_vs_one_curve, background=k)) for k, name in against]
    drawn = [(name, points) for name, curve in curves if (points := _points(row, book, curve))]
    traces = [
        _curve({"name": name, "text": name}, points, PALETTE[place % len(PALETTE)], DASHES[place % len(DASHES)])
        for place, (name, points) in enumerate((without_tags(name), points) for name, points in drawn)
    ]
    cell = f"{row.representation} with {row.model}"
    what = "Each class against the rest" if board.macro else "Signal against each background"
    return Chart(
        name="classes",
        title=f"{what}: {cell}",
        description=f"Background rejection against signal efficiency, for {cell}. {what}.",
        caption=f"For the {'best row' if row.rank else 'first row with scores'}. {_FEW}",
        spec={"data": [*traces, _chance()], "layout": _roc_layout("the class" if board.macro else board.classes[0])},
    )


def class_figure(board: Board) -> Chart | None:
    """AUC of each class against the rest, one series for each row, for tasks without a signal class."""
    styles = Styles(board.rows)
    rows = [row for row in board.rows if any(row.estimate(f"auc_{name}").value is not None for name in board.classes)]
    if not rows:
        return None
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            **entry,
            "x": [without_tags(name) for name in board.classes],
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
    layout["scattermode"] = "group"  # side by side, so that the intervals of one class do not overlap
    return Chart(
        name="class-auc",
        title="AUC of each class against the rest",
        description=f"AUC of {', '.join(board.classes)} against the rest, for {len(rows)} rows.",
        caption=f"Bars are {CONFIDENCE:.0%} intervals.",
        spec={"data": traces, "layout": layout},
    )


def _span(rows: Sequence[Row], classes: Sequence[str]) -> list[float]:
    """The range of all intervals with a margin. For grouped points, plotly would start at 0."""
    estimates = [row.estimate(f"auc_{name}") for row in rows for name in classes]
    ends = [end for e in estimates for end in (e.value, e.low, e.high) if end is not None]
    margin = 0.05 * (max(ends) - min(ends)) or 0.01
    return [rounded(min(ends) - margin), rounded(max(ends) + margin)]


def tradeoff_figure(board: Board, field: str, what: str) -> Chart | None:
    """The headline against speed, one point for each row."""
    header = without_tags(board.headline_column.header)
    styles = Styles(board.rows)
    rows = [row for row in board.rows if row.score.value is not None and (row.throughput(field) or 0) > 0]
    if not rows:
        return None
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            **entry,
            "x": [rounded(row.throughput(field) or 0)],
            **with_errors([row.score]),
            "marker": {"color": styles.colour(row), "symbol": styles.symbol(row), "size": 11},
            "hovertemplate": f"%{{text}}<br>%{{x:,.4~g}} events/s<br>{header} %{{y:.4f}}<extra></extra>",
        }
        for row, entry in zip(rows, styles.entries(rows), strict=True)
    ]
    x = {"title": {"text": f"{what} speed [events/s]"}, "type": "log", "exponentformat": "SI"}
    return Chart(
        name=f"tradeoff-{what}",
        title=f"{header} against {what} speed",
        description=f"{header} against {what} speed in events/s, {len(rows)} rows. Up and to the right is better.",
        caption=f"Up and to the right is better. Bars are {CONFIDENCE:.0%} intervals; speeds depend on the device.",
        spec={"data": traces, "layout": layout_of(x, {"title": {"text": header}})},
    )


_FEW = "The left end of a curve is based on few background events."


def _points(row: Row, book: ScoreBook, curve: Callable[[Scored], Points | None]) -> Points | None:
    scores = book.get(row.median) if row.median else None
    return curve(scores) if scores else None


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
    x = {"title": {"text": f"signal efficiency ε<sub>S</sub> ({without_tags(signal)})"}, "range": [0, 1], "dtick": 0.2}
    y = {
        "title": {"text": "background rejection 1/ε<sub>B</sub>"},
        "type": "log",
        "exponentformat": "power",
        "dtick": 1,
    }
    return layout_of(x, y)
