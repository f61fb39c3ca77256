"""Histories: what is written is read, in the order of time; what is none is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmark.core.errors import UserError
from leaderboard import comparisons
from leaderboard.regressions.history import Point, Stamp, by_series, points_of, points_of_times, read, write
from tests.leaderboard.factory import scores_of
from tests.leaderboard.ranking.test_protocol import stored

if TYPE_CHECKING:
    from pathlib import Path

STAMP = Stamp(revision="0123456789abcdef", created="2026-11-30T21:15:00+00:00", machine="a processor")


def point(day: int, values: tuple[float, ...], **changes: Any) -> Point:
    fields = {"series": "x", "number": "auc", "kind": "score", "better": "higher", "events": "e", **changes}
    return Point(values=values, revision=f"{day:040d}", created=f"2026-11-{day:02d}T00:00:00+00:00", **fields)


def test_the_points_of_boards(tmp_path: Path, store: Any):
    for seed in range(2):
        stored(store, scores_of(2, 1.0, seed=seed), seed=seed, parameters_count=10)
    boards, _ = comparisons.ranked(store)
    score, cost = points_of(boards, STAMP)
    assert score.series == cost.series == "wprime (quick, detector) circles/cnn, 4,000 events on cpu"
    assert (score.number, score.kind, score.better, len(score.values)) == ("auc", "score", "higher", 2)
    assert (cost.number, cost.kind, cost.better, cost.values) == ("parameters", "cost", "lower", (10.0, 10.0))
    assert (score.revision, score.machine) == (STAMP.revision, STAMP.machine)
    (time,) = points_of_times({"circles": [0.1, 0.2]}, STAMP)
    assert (time.kind, time.values) == ("time", (0.1, 0.2))
    path = write(tmp_path / "history", [score, cost, time])
    assert path.name == "20261130T211500.000000Z-0123456789.jsonl"
    assert path.read_text().count("\n") == 3
    assert read(tmp_path / "history") == [score, cost, time]


def test_two_records_of_one_second_are_both_kept_in_their_order(tmp_path: Path):
    for begin in (False, True):
        moment = f"2026-11-30T21:15:00.{200 - 100 * begin:06d}+00:00"
        write(tmp_path, [point(1, (0.5,), begins=begin).model_copy(update={"created": moment})])
    assert [each.begins for each in read(tmp_path)] == [True, False]


def test_files_are_read_in_the_order_of_time(tmp_path: Path):
    for day in (3, 1, 2):
        write(tmp_path, [point(day, (0.5,))])
    assert [each.created[8:10] for each in read(tmp_path)] == ["01", "02", "03"]
    assert read(tmp_path / "none") == []


def test_a_series_has_one_number_and_one_set_of_events_and_may_begin_anew():
    points = [point(1, (0.5,)), point(2, (0.6,)), point(2, (0.7,), events="f"), point(2, (3.0,), kind="cost")]
    assert [len(each) for each in by_series(points).values()] == [2, 1]
    assert [len(each) for each in by_series(points, "cost").values()] == [1]
    points.append(point(3, (0.4,), begins=True))
    assert [each.values for each in by_series(points)["x", "auc", "e"]] == [(0.4,)]


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"series": "x"}', point(1, (0.5,)).model_dump_json().replace("0.5", "1e999"), "\x00"],
    ids=["cut", "a list", "fields missing", "infinite", "no text"],
)
def test_files_that_are_no_history(tmp_path: Path, text: str):
    (tmp_path / "20260101T000000Z-0.jsonl").write_text(text)
    with pytest.raises(UserError, match=r"20260101T000000Z-0\.jsonl.*Take it from git again"):
        read(tmp_path)
