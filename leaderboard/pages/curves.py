"""What more events and more preprocessing are worth: figures of rows of one cell that differ in one thing alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.metrics.learning_curve import PowerLaw, fit
from benchmark.metrics.metric import CONFIDENCE, Estimate
from leaderboard.formatting import write_estimate
from leaderboard.pages.drawing import Chart, Styles, layout_of, with_errors, without_tags
from leaderboard.ranking.names import canonical
from leaderboard.ranking.simultaneous import covariance_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row
    from leaderboard.ranking.scores import ScoreBook

FEATURES = ("raw", "standard", "kinematic", "high", "complete")
"""Contents of four-vectors, from the least preprocessing to the most; others follow."""

_PARTICLES = "fourvectors"


def learning_figure(board: Board, book: ScoreBook) -> Chart | None:
    """The headline against the number of training events, a line for each cell that was trained on several numbers."""
    cells = [cell for cell in _cells(board.rows, lambda row: row.train_events) if len(cell) > 1]
    if not cells:
        return None
    styles, header = Styles(row for cell in cells for row in cell), without_tags(board.headline_column.header)
    traces = [
        {
            **_lines(styles, cell, entry),
            "x": [row.train_events for row in cell],
            "hovertemplate": f"%{{text}}<br>%{{x:,}} training events<br>{header} %{{y:.4f}}<extra></extra>",
        }
        for cell, entry in zip(cells, styles.entries([cell[0] for cell in cells]), strict=True)
    ]
    sizes = sorted({row.train_events or 0 for cell in cells for row in cell})
    x: dict[str, Any] = {"title": {"text": "training events, all classes together"}, "type": "log"}
    x |= {"tickvals": sizes, "ticktext": [f"{size:,}" for size in sizes]}
    return Chart(
        name="learning",
        title="What more training events are worth",
        description=f"{header} against the number of training events, {len(cells)} cells.",
        caption="Each line is one cell, trained on the first events of the same training set. "
        f"Bars are {CONFIDENCE:.0%} intervals. {_laws(cells, board, book)}".strip(),
        spec={"data": traces, "layout": layout_of(x, {"title": {"text": header}})},
    )


def power_law(cell: Sequence[Row], book: ScoreBook) -> PowerLaw | None:
    """The power law through the headlines of a cell with several numbers of training events, if there is one."""
    points = [(row.train_events, row.score.value) for row in cell]
    known = [(size, value) for size, value in points if size is not None and value is not None]
    covariance = covariance_of(cell, book)
    if covariance is None or len(known) < len(points):
        return None
    return fit([size for size, _ in known], [value for _, value in known], covariance)


def _laws(cells: Sequence[Sequence[Row]], board: Board, book: ScoreBook) -> str:
    """How fast the distance to 1 falls in each cell, and the events that it takes to reach the best row."""
    best = board.best.score.value if board.best else None
    if board.headline_column.scale != "share" or best is None:
        return ""
    parts: list[str] = []
    for cell in cells:
        if (law := power_law(cell, book)) is None:
            continue
        needed = law.needed(best) if best < 1 else Estimate(None)
        words = "not more events alone"
        if needed.value is not None and needed.low is not None and needed.high is not None:
            low, value, high = (_rounded(number) for number in (needed.low, needed.value, needed.high))
            words = f"{value} events [{low}, {high}]"
        exponent = write_estimate(law.exponent)
        parts.append(f"{cell[0].representation} · {cell[0].model} falls with the power {exponent} ({words})")
    if not parts:
        return ""
    header = board.headline_column.header
    return (
        f"Power laws through 1 - {header}, and the training events that would reach the best row ({best:.3f}) if they "
        f"went on: {'; '.join(parts)}."
    )


def _rounded(events: float) -> str:
    """Two digits, as more would mean nothing; `more than 10^9` beyond."""
    return f"{float(f'{events:.2g}'):,.0f}" if events < 1e9 else "more than 10⁹"


def preprocessing_figure(board: Board) -> Chart | None:
    """The headline of one model on several contents of four-vectors side by side."""
    rows = [row for row in board.rows if row.plugins[0] == _PARTICLES and _features(row)]
    cells = [cell for cell in _cells(rows, _features_place, without="features") if len(cell) > 1]
    if not cells:
        return None
    styles, header = Styles(row for cell in cells for row in cell), without_tags(board.headline_column.header)
    names = sorted({_features(row) for cell in cells for row in cell}, key=_place_of)
    traces = [
        {
            **_lines(styles, cell, {**entry, "name": model, "legendgroup": model}),
            "x": [without_tags(_features(row)) for row in cell],
            "hovertemplate": f"%{{text}}<br>{header} %{{y:.4f}}<extra></extra>",
        }
        for cell, entry in zip(cells, styles.entries([cell[0] for cell in cells]), strict=True)
        for model in [without_tags(cell[0].model)]
    ]
    x = {"title": {"text": "columns of the four-vectors"}, "type": "category"}
    x |= {"categoryorder": "array", "categoryarray": [without_tags(name) for name in names]}
    return Chart(
        name="preprocessing",
        title="How much preprocessing helps",
        description=f"{header} of {len(cells)} models on four-vectors with other columns: {', '.join(names)}.",
        caption="Each line is one model on the same particles: as they are (raw), relative to the axis of their jet or "
        "event (standard), as engineered features of the task alone (high), and as both (complete). "
        f"Bars are {CONFIDENCE:.0%} intervals.",
        spec={"data": traces, "layout": layout_of(x, {"title": {"text": header}})},
    )


def _lines(styles: Styles, cell: Sequence[Row], entry: dict[str, Any]) -> dict[str, Any]:
    """A line with points and intervals through the rows of a cell."""
    first = cell[0]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        **entry,
        **with_errors([row.score for row in cell]),
        "text": [styles.name(row) for row in cell],
        "line": {"color": styles.colour(first), "dash": styles.dash(first), "width": 2},
        "marker": {"color": styles.colour(first), "symbol": styles.symbol(first), "size": 9},
    }


def _cells(rows: Iterable[Row], along: Callable[[Row], int | None], without: str = "") -> list[list[Row]]:
    """Rows that differ in one thing alone, in its order.

    Parameters
    ----------
    along : the place of a row; rows without one, or without a headline, are left out.
    without : the parameter of the representation that differs; by default the number of training events does.
    """
    cells: dict[str, dict[int, Row]] = {}
    for row in rows:
        place, first = along(row), row.results[0]
        if place is None or row.score.value is None:
            continue
        parameters = {name: value for name, value in first.representation_parameters.items() if name != without}
        same = [*row.plugins, parameters, first.parameters, row.device, row.test_events]
        cells.setdefault(canonical([*same, row.train_events] if without else same), {}).setdefault(place, row)
    return [[cell[place] for place in sorted(cell)] for cell in cells.values()]


def _features(row: Row) -> str:
    found = row.results[0].representation_parameters.get("features")
    return found if isinstance(found, str) else ""


def _features_place(row: Row) -> int:
    return FEATURES.index(_features(row)) if _features(row) in FEATURES else len(FEATURES)


def _place_of(name: str) -> tuple[int, str]:
    return (FEATURES.index(name) if name in FEATURES else len(FEATURES), name)
