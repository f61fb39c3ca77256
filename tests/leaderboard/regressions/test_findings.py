"""What got worse: scores with their errors, counted costs exactly, and times beyond what is worth a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.metrics.turns import Ratio
from benchmark.records.result import Throughput
from benchmark.records.store import ResultStore
from leaderboard import comparisons
from leaderboard.regressions.findings import Finding, of_counts, of_scores, of_times
from tests.leaderboard.factory import make_result, scores_of
from tests.leaderboard.ranking.test_protocol import stored

if TYPE_CHECKING:
    from pathlib import Path

    from leaderboard.comparisons import Pair


def compared(folder: Path, a: dict[int, float], b: dict[int, float], **of_b: object) -> list[Pair]:
    """Two folders with a cell; of each seed, the strength of its scores."""
    for name, strengths in (("a", a), ("b", b)):
        for seed, strength in strengths.items():
            more = of_b if name == "b" else {}
            stored(ResultStore(folder / name), scores_of(2, strength, seed=seed), seed=seed, **more)
    boards, book = comparisons.ranked(comparisons.both_folders(ResultStore(folder / "a"), ResultStore(folder / "b")))
    return comparisons.compared(comparisons.of_folders(boards), book, versions=True)


def kinds(findings: object) -> list[tuple[str, bool]]:
    return [(each.kind, each.worse) for each in findings]  # type: ignore[attr-defined]


def test_equal_scores_are_no_finding(tmp_path: Path):
    pairs = compared(tmp_path, {0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0})
    assert [pair.difference.value for pair in pairs if pair.difference] == [0.0]
    assert list(of_scores(pairs)) == []


@pytest.mark.parametrize(("strength", "worse"), [(0.8, True), (1.3, False)])
def test_scores_that_differ(tmp_path: Path, strength: float, worse: bool):
    pairs = compared(tmp_path, {0: 1.0, 1: 1.0, 2: 1.0}, dict.fromkeys(range(3), strength))
    (found,) = of_scores(pairs)
    assert (found.kind, found.what, found.worse) == ("score", "wprime circles/cnn", worse)
    assert found.words.startswith("auc -0.0" if worse else "auc +0.0")


def test_a_seed_of_b_that_failed(tmp_path: Path):
    store = ResultStore(tmp_path / "b")
    store.add(
        make_result(task="wprime", seed=1, status="failed", reason="broken", events={"train": 4000, "test": 1500})
    )
    pairs = compared(tmp_path, {0: 1.0, 1: 1.0}, {0: 1.0})
    assert kinds(of_scores(pairs)) == [("failure", True)]


def test_counted_costs(tmp_path: Path):
    costs = {"parameters_count": 100, "throughput": Throughput(predict_flops=2e6, train_step_flops=1e9)}
    pairs = compared(tmp_path, {0: 1.0}, {0: 1.0}, **costs)
    assert list(of_counts(pairs)) == [], "what only one side has is not compared"
    pairs = compared(tmp_path / "more", {0: 1.0}, {0: 1.0})
    a, b = pairs[0].a.done[0], pairs[0].b.done[0]
    for result, factor in ((a, 1.0), (b, 1.5)):
        result.parameters_count = 100
        result.throughput = Throughput(predict_flops=2e6 * factor, train_step_flops=1e9)
    assert list(of_counts(pairs)) == [
        Finding("cost", "wprime circles/cnn", "operations of a prediction: 2,000,000 to 3,000,000", worse=True)
    ]


def test_times_beyond_what_is_worth_a_search():
    ratios = {
        "slower": Ratio(1.10, 1.05, 1.15, 0.001, 0.01),
        "a little slower": Ratio(1.03, 1.02, 1.04, 0.001, 0.01),
        "by chance": Ratio(1.2, 0.9, 1.6, 0.2, 1.0),
        "faster": Ratio(0.5, 0.4, 0.6, 0.001, 0.01),
    }
    found = list(of_times(ratios))
    assert [(each.what, each.worse) for each in found] == [("slower", True), ("faster", False)]
    assert found[0].words == "1.10 times as long [1.05, 1.15]"
    assert [each.what for each in of_times(ratios, slower_by=0.02)] == ["slower", "a little slower", "faster"]
    assert found[0].record() == {"kind": "time", "what": "slower", "words": found[0].words, "worse": True}
