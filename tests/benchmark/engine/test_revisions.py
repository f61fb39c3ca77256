"""Two revisions in turn, with a program of a few lines in place of this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.core.errors import UserError
from benchmark.core.repository import span
from benchmark.engine.revisions import Turns, Workload, _named, in_turn
from tests.benchmark.repositories import prepare, program

if TYPE_CHECKING:
    from pathlib import Path

CELLS = (("wprime", "graph", "cnn"), ("ttbar", "graph", "cnn"))
EARLIER = "1999-01-01T00:00:00+00:00"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program(tmp_path, monkeypatch)
    return tmp_path


def run(folder: Path, *seeds: int) -> Turns:
    return in_turn(*span("old..HEAD"), Workload(CELLS, "smoke", seeds, folder / "data"), folder / "results")


def test_turns_and_their_times(clone: Path):
    prepare(clone, "a", seeds=2)
    prepare(clone, "b", seeds=2, speed=0.8)
    found = run(clone, 0, 1)
    calls = [line.split() for line in (clone / "calls.txt").read_text().splitlines()]
    assert [(words[0], words[words.index("--seeds") + 1]) for words in calls] == [
        *(("a", "0,"), ("b", "0,"), ("a", "1,"), ("b", "1,"))
    ]
    assert calls[0][1:6] == ["run", "--task", "wprime", "--task", "ttbar"]
    cell = "wprime fourvectors/ffnn"
    training, prediction = (found.times[f"{stage}: {cell}"] for stage in ("training", "prediction"))
    assert training == [pytest.approx(turn, rel=2e-3) for turn in ((1 / 1000, 1 / 800), (1 / 1500, 1 / 1200))]
    assert prediction == [pytest.approx((a / 10, b / 10)) for a, b in training]
    assert [len(list(store.all())) for store in (found.a, found.b)] == [2, 2]
    left = [path.name for path in (clone / "results").iterdir()]
    assert sorted(left) == sorted(each.commit[:10] for each in span("old..HEAD"))


def test_times_of_kept_results_are_left_out(clone: Path):
    prepare(clone, "a", created=EARLIER)
    prepare(clone, "b")
    assert run(clone, 0).times == {}


def test_a_variant_and_other_parameters_are_other_cells():
    assert _named("ttbar", {"min_jets": 2, "leptons": "all"}, ("min_jets",)) == "ttbar[min_jets=2]"
    assert _named("ffnn", {"units": 3, "layers": 2}, ("units", "layers")) == "ffnn[layers=2,units=3]"
    assert _named("ffnn", {"units": 3}, ()) == "ffnn"


def test_a_program_that_refuses_is_named(clone: Path):
    prepare(clone, "a")
    with pytest.raises(UserError, match="ended with exit code 2, expected 0 or 1"):
        run(clone, 0)
    assert not [path for path in (clone / "results").iterdir() if path.name.startswith(".")]


def test_benchmarks_that_are_not_there(clone: Path):
    prepare(clone, "a")
    prepare(clone, "b")
    with pytest.raises(
        UserError, match=r"^old \(.*\): `pytest tests/performance -k 'circles'` there ended with exit code 4"
    ):
        in_turn(*span("old..HEAD"), Workload(CELLS, "smoke", (0,), clone / "data"), clone / "results", "circles")
