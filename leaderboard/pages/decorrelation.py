"""The figure of the headline against the dependence of the score on the mass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from benchmark.metrics.metric import CONFIDENCE
from leaderboard.pages.drawing import Chart, Styles, layout_of, rounded, with_errors, without_tags
from leaderboard.ranking.names import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.metrics.metric import Estimate
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row

TICKS = [digit * 10.0**power for power in range(-6, 0) for digit in (1, 2, 5)]
"""Plotly would label ticks between powers of ten with the digit alone."""
STRENGTH = "decorrelation"
"""The parameter of models along which lines are drawn: the weight of the mass dependence in the loss."""


def mass_figure(board: Board) -> Chart | None:
    """The headline against CVM, one point for each row, with the bound.

    Lines join rows that differ only in `decorrelation`.
    """
    rows = [row for row in board.rows if row.score.value is not None and (row.estimate("cvm").value or 0) > 0]
    if not rows:
        return None
    styles, header = Styles(board.rows), without_tags(board.headline_column.header)
    points = [
        {
            "type": "scatter",
            "mode": "markers",
            **entry,
            "x": [rounded(row.estimate("cvm").value or 0)],
            "error_x": _along(row.estimate("cvm")),
            **with_errors([row.score]),
            "marker": {"color": styles.colour(row), "symbol": styles.symbol(row), "size": 11},
            "hovertemplate": f"%{{text}}<br>CVM %{{x:.4f}}<br>{header} %{{y:.4f}}<extra></extra>",
        }
        for row, entry in zip(rows, styles.entries(rows), strict=True)
    ]
    bound, chance = board.bounds.get("cvm"), rows[0].estimate("cvm_independent").value
    marks = [
        _mark(where, text, dash, side)
        for where, text, dash, side in ((bound, "bound", "solid", "left"), (chance, "independent", "dot", "right"))
        if where and where > 0
    ]
    x = {"title": {"text": "dependence on the mass, CVM"}, "type": "log", "range": _span(rows, (bound, chance))}
    layout = layout_of(
        {**x, "tickvals": TICKS, "ticktext": [f"{tick:g}" for tick in TICKS]}, {"title": {"text": header}}
    )
    layout["shapes"] = [shape for shape, _ in marks]
    layout["annotations"] = [words for _, words in marks]
    within = f" Rows to the left of the bound ({bound:g}) are ranked." if bound else ""
    return Chart(
        name="mass",
        title=f"{header} against dependence on the mass",
        description=f"{header} against CVM, {len(rows)} rows. Up and to the left is better.{within}",
        caption=f"Up and to the left is better.{within} Lines join rows that differ only in decorrelation. The dotted "
        f"line is the average for a score that does not depend on the mass. Bars are {CONFIDENCE:.0%} intervals.",
        spec={"data": [*_lines(rows), *points], "layout": layout},
    )


def _lines(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A thin line through the rows of each cell, in the order of decorrelation."""
    cells: dict[str, list[tuple[float, Row]]] = {}
    for row in rows:
        first = row.results[0]
        strength = first.parameters.get(STRENGTH)
        if isinstance(strength, int | float):
            others = {name: value for name, value in first.parameters.items() if name != STRENGTH}
            same = (*row.plugins, first.representation_parameters, others, row.device, row.train_events)
            cells.setdefault(canonical(same), []).append((strength, row))
    joined = (sorted(cell, key=lambda entry: entry[0]) for cell in cells.values() if len(cell) > 1)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [rounded(row.estimate("cvm").value or 0) for _, row in cell],
            "y": [rounded(row.score.value or 0) for _, row in cell],
            "line": {"color": "#888888", "width": 1},
            "showlegend": False,
            "hoverinfo": "skip",
        }
        for cell in joined
    ]


def _along(estimate: Estimate) -> dict[str, Any]:
    """Error bars along a logarithmic axis. Bars down to 0 end outside the figure."""
    value = estimate.value or 0.0
    low = value if estimate.low is None else max(estimate.low, 1e-3 * value)
    high = value if estimate.high is None else estimate.high
    distances = {"array": [rounded(high - value)], "arrayminus": [rounded(value - low)]}
    return {"type": "data", "symmetric": False, **distances, "thickness": 1.2}


def _span(rows: Sequence[Row], marks: Sequence[float | None]) -> list[float]:
    """The decades of all values and marks, with a margin at both ends."""
    values = [row.estimate("cvm").value for row in rows]
    known = [math.log10(value) for value in (*values, *marks) if value and value > 0]
    return [rounded(min(known) - 0.2), rounded(max(known) + 0.2)]


def _mark(where: float, text: str, dash: str, side: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A vertical line over the whole height, with its name at the top; `side` of the name touches the line."""
    at = {"xref": "x", "yref": "paper"}
    line = {"type": "line", "x0": where, "x1": where, "y0": 0, "y1": 1, "line": {"color": "#888888", "dash": dash}}
    # on a logarithmic axis, plotly takes positions of lines as values but those of text as exponents
    words = {
        "x": rounded(math.log10(where)),
        "y": 1,
        "text": text,
        "showarrow": False,
        "xanchor": side,
        "textangle": -90,
    }
    return {**at, **line}, {**at, **words, "yanchor": "top"}
