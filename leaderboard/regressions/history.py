"""The numbers of accepted revisions, kept in git: a file of JSON lines for each, so that branches merge.

history/20261130T211500.000000Z-0a1b2c3d4e.jsonl     a line for each series: a score, a counted cost, or a time
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from benchmark.core.bounded_json import parse_object
from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, write_atomically
from benchmark.core.stored import MB, StoredFile
from benchmark.records import fields
from leaderboard.comparisons import cell_of
from leaderboard.ranking.seeds import seed_estimate
from leaderboard.regressions.findings import COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row

FILE = StoredFile("a history of results", 5 * MB, "Take it from git again, or delete it.")
MOST_POINTS = 5000
"""Lines of a file."""


class Point(BaseModel):
    """A number of one revision.

    Parameters
    ----------
    series : what it is of, such as "ttbar (quick, detector) fourvectors/ffnn, 7,680 events on cpu".
    number : which one, such as "auc".
    kind : a score, a cost that is counted, or a time of this machine.
    better : the direction in which it gets better.
    values : of each seed; of a time, of each turn.
    events : fingerprint of the test events; a series has one.
    revision, created : the commit that was run, and when.
    machine : processor that ran it.
    begins : whether the series begins anew here, after a change that was accepted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    series: fields.Reason
    number: fields.Reason
    kind: Literal["score", "cost", "time"]
    better: Literal["higher", "lower"]
    values: Annotated[tuple[fields.Number, ...], Field(min_length=1, max_length=1000)]
    events: fields.FileName = ""
    revision: fields.Name
    created: fields.Name
    machine: fields.Reason = ""
    begins: bool = False

    @property
    def mean(self) -> float:
        """Over seeds."""
        return sum(self.values) / len(self.values)


class Stamp(BaseModel):
    """What all points of one revision share."""

    model_config = ConfigDict(frozen=True)

    revision: str
    created: str
    machine: str
    begins: bool = False


Series = tuple[str, str, str]
"""Series, number and test events."""


def points_of(boards: Iterable[Board], stamp: Stamp) -> Iterator[Point]:
    """The headline and the counted costs of each row that has numbers."""
    for board in boards:
        for row in board.rows:
            if row.done and not row.problems:
                yield from _points(board, row, stamp)


def _points(board: Board, row: Row, stamp: Stamp) -> Iterator[Point]:
    events = "" if row.train_events is None else f", {row.train_events:,} events"
    series = f"{board.name} ({board.preset}, {board.level}) {cell_of(row)}{events} on {row.device}"
    make = partial(Point, series=series, events=row.done[0].fingerprint, **stamp.model_dump())
    scores = [seed_estimate(result, row.headline).value for result in row.done]
    if known := tuple(score for score in scores if score is not None):
        yield make(number=row.headline, kind="score", better=row.headline_column.better or "higher", values=known)
    for name, count in COUNTS.items():
        counts = [count(result) for result in row.done]
        if numbers := tuple(float(number) for number in counts if number is not None):
            yield make(number=name, kind="cost", better="lower", values=numbers)


def points_of_times(times: Mapping[str, Sequence[float]], stamp: Stamp) -> Iterator[Point]:
    """Median seconds of benchmarks, of each turn."""
    for name, seconds in times.items():
        yield Point(
            series=name, number="seconds", kind="time", better="lower", values=tuple(seconds), **stamp.model_dump()
        )


def write(folder: Path, points: Sequence[Point]) -> Path:
    """Write the points of a revision into a new file. Returns its path."""
    make_folder(folder)
    stamp = points[0]
    moment = datetime.fromisoformat(stamp.created).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"{moment}-{stamp.revision[:10]}.jsonl"
    text = "".join(f"{point.model_dump_json(exclude_defaults=True)}\n" for point in points)
    write_atomically(path, lambda file: file.write(text.encode()))
    return path


def read(folder: Path) -> list[Point]:
    """All points in a folder, in the order of time. Raises UserError for a file that is none of a history."""
    found = [point for path in sorted(folder.glob("*.jsonl")) for point in FILE.parse(path, _parse)]
    return sorted(found, key=lambda point: point.created)


def _parse(content: bytes) -> list[Point]:
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) > MOST_POINTS:
        raise UserError(f"{len(lines):,} lines, expected at most {MOST_POINTS:,}")
    return [Point.model_validate(parse_object(line)) for line in lines]


def by_series(points: Iterable[Point], kind: str = "score") -> dict[Series, list[Point]]:
    """The points of each series since it last began anew, in the order of time."""
    found: dict[Series, list[Point]] = defaultdict(list)
    for point in points:
        if point.kind == kind:
            series = found[point.series, point.number, point.events]
            if point.begins:
                series.clear()
            series.append(point)
    return dict(found)
