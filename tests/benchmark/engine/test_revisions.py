"""Two revisions in turn, with a program of a few lines in place of this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmark.core import repository
from benchmark.core.errors import UserError
from benchmark.core.repository import span
from benchmark.engine.revisions import Turns, Workload, in_turn
from benchmark.records.result import Throughput
from benchmark.records.store import ResultStore
from tests.benchmark.repositories import two_versions
from tests.leaderboard.factory import scores_of
from tests.leaderboard.ranking.test_protocol import stored

if TYPE_CHECKING:
    from pathlib import Path

CELLS = (("wprime", "graph", "cnn"), ("ttbar", "graph", "cnn"))
LATER, EARLIER = "2999-01-01T00:00:00+00:00", "1999-01-01T00:00:00+00:00"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    two_versions(tmp_path / "clone")
    monkeypatch.setattr(repository, "ROOT", tmp_path / "clone")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls.txt"))
    monkeypatch.setenv("PREPARED", str(tmp_path / "prepared"))
    return tmp_path


def prepare(folder: Path, version: str, seed: int, speed: float, **changes: Any) -> None:
    store = ResultStore(folder / "prepared" / f"{version}{seed}")
    costs = Throughput(train_events_per_s=speed, predict_events_per_s=10 * speed)
    changes = {"created": LATER, **changes}
    stored(store, scores_of(2, 1.0, seed=seed), seed=seed, throughput=costs, **changes)


def run(folder: Path, *seeds: int, **more: Any) -> Turns:
    return in_turn(*span("old..HEAD"), Workload(CELLS, "smoke", seeds, **more), folder / "results")


def test_turns_and_their_times(clone: Path):
    for seed in (0, 1):
        prepare(clone, "a", seed, speed=100)
        prepare(clone, "b", seed, speed=80 + seed)
    found = run(clone, 0, 1)
    calls = [line.split() for line in (clone / "calls.txt").read_text().splitlines()]
    assert [(words[0], words[words.index("--seeds") + 1]) for words in calls] == [
        *(("a", "0,"), ("b", "0,"), ("a", "1,"), ("b", "1,"))
    ]
    assert calls[0][1:6] == ["run", "--task", "wprime", "--task", "ttbar"]
    cell = "wprime circles/cnn"
    assert found.times[f"training: {cell}"] == [(1 / 100, 1 / 80), (1 / 100, 1 / 81)]
    assert found.times[f"prediction: {cell}"] == [(1 / 1000, 1 / 800), (1 / 1000, 1 / 810)]
    assert [len(list(store.all())) for store in (found.a, found.b)] == [2, 2]
    left = [path.name for path in (clone / "results").iterdir()]
    assert sorted(left) == sorted(each.commit[:10] for each in span("old..HEAD"))


def test_times_of_kept_results_are_left_out(clone: Path):
    prepare(clone, "a", 0, speed=100, created=EARLIER)
    prepare(clone, "b", 0, speed=80)
    assert run(clone, 0).times == {}


def test_a_program_that_refuses_is_named(clone: Path):
    prepare(clone, "a", 0, speed=100)
    with pytest.raises(UserError, match="ended with exit code 2, expected 0 or 1"):
        run(clone, 0)
    assert not [path for path in (clone / "results").iterdir() if path.name.startswith(".")]


def test_benchmarks_that_are_not_there(clone: Path):
    prepare(clone, "a", 0, speed=100)
    prepare(clone, "b", 0, speed=100)
    with pytest.raises(
        UserError, match=r"^old \(.*\): `pytest tests/performance -k 'circles'` there ended with exit code 4"
    ):
        in_turn(*span("old..HEAD"), Workload(CELLS, "smoke", (0,)), clone / "results", "circles")
