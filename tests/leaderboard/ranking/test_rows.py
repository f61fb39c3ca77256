from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from leaderboard.ranking.comparison import pooled_spread
from leaderboard.ranking.rows import make_rows
from tests.leaderboard.factory import make_result


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_record_refuses_numbers_that_are_not_finite(bad: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        make_result(auc=bad)


def test_seeds_share_a_row_and_failures_are_counted() -> None:
    results = [
        make_result(seed=0, auc=0.8),
        make_result(seed=1, status="failed", reason="out of memory"),
        make_result(seed=2, auc=0.6),
    ]
    (row,) = make_rows(results)
    assert [r.seed for r in row.results] == [0, 1, 2]
    assert (len(row.done), row.status, row.reason) == (2, "done", "failed: out of memory")
    assert row.score.value == pytest.approx(0.7)  # the low seed counts
    spread = pooled_spread([row])
    assert spread is not None
    assert math.sqrt(spread.variance) == pytest.approx((math.log(4) - math.log(1.5)) / math.sqrt(2))  # of the logits


def test_seeds_that_are_the_same_training_say_nothing_of_the_spread() -> None:
    trees = [make_result(seed=seed, model="bdt", auc=0.9) for seed in (0, 1, 2)]
    networks = [make_result(seed=seed, model="cnn", auc=auc) for seed, auc in ((0, 0.8), (1, 0.6))]
    rows = make_rows([*trees, *networks])
    assert pooled_spread(rows) == pooled_spread([row for row in rows if row.model == "cnn"])
    assert pooled_spread([row for row in rows if row.model == "bdt"]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"device": "cuda"},
        {"model": "bdt"},
        {"representation": "graph"},
        {"parameters": {"depth": 3}},
        {"representation_parameters": {"size": 112}},
        {"events": {"train": 1000}},
    ],
)
def test_what_makes_another_row(change: dict[str, object]) -> None:
    assert len(make_rows([make_result(auc=0.8), make_result(auc=0.8, seed=1, **change)])) == 2


@pytest.mark.parametrize("events", [{}, {"train": 4100, "valid": 1, "test": 1}])
def test_a_seed_that_stopped_early_joins_its_row(events: dict[str, int]) -> None:
    results = [make_result(seed=1, status="timeout", events=events), make_result(seed=0, auc=0.8)]
    assert [len(row.results) for row in make_rows(results)] == [2]


def test_the_newest_record_of_a_seed_counts() -> None:
    old = make_result(auc=0.9, created="2024-01-01T00:00:00+00:00")
    new = make_result(auc=0.8, created="2025-01-01T00:00:00+00:00")
    (row,) = make_rows([new, old])
    assert (row.score.value, row.superseded) == (0.8, 1)


def test_rows_of_one_name_show_only_what_differs() -> None:
    rows = make_rows(
        [
            make_result(model="cnn", parameters={"depth": 15, "width": 8}, auc=0.8),
            make_result(model="cnn", parameters={"depth": 50, "width": 8}, auc=0.8),
            make_result(model="bdt", parameters={"depth": 5}, auc=0.8),
        ]
    )
    assert sorted(row.model for row in rows) == ["bdt", "cnn[depth=15]", "cnn[depth=50]"]


def test_labels_show_what_was_given() -> None:
    own = {"depth": 15, "width": 8}
    rows = make_rows(
        [
            make_result(model="cnn", parameters=own, parameters_given=(), representation_given=(), auc=0.8),
            make_result(model="cnn", parameters={**own, "depth": 7}, parameters_given=("depth",), auc=0.8),
            make_result(model="bdt", parameters={"trees": 9, "l2": 0.1}, parameters_given=("trees",), auc=0.8),
        ]
    )
    assert sorted(row.model for row in rows) == ["bdt[trees=9]", "cnn", "cnn[depth=7]"]


def test_rows_of_one_name_show_what_differs_as_well() -> None:
    """For example a default that changed between versions."""
    rows = make_rows(
        [make_result(model="cnn", parameters={"depth": n, "width": 8}, parameters_given=(), auc=0.8) for n in (7, 15)]
    )
    assert sorted(row.model for row in rows) == ["cnn[depth=15]", "cnn[depth=7]"]


def test_a_row_without_numbers_has_the_worst_status() -> None:
    (row,) = make_rows(
        [make_result(status="skipped", reason="no tracks"), make_result(seed=1, status="failed", reason="bug")]
    )
    assert (row.status, row.reason) == ("failed", "skipped: no tracks; failed: bug")


def test_the_median_seed() -> None:
    (row,) = make_rows([make_result(seed=s, auc=v) for s, v in enumerate((0.9, 0.5, 0.8))])
    assert row.median is not None
    assert row.median.seed == 2


def test_rates_are_total_events_over_total_time() -> None:
    # 1,000 events in 1 s and 1,000 events in 9 s: 200 events/s, where the mean of the rates would be 556
    results = [
        make_result(auc=0.8, seed=seed, events={"train": 1000, "test": 50}, throughput=speed)
        for seed, speed in enumerate(
            (
                {"train_events_per_s": 1000.0, "predict_events_per_s": 100.0, "latency_ms": 1.0},
                {"train_events_per_s": 1000 / 9, "predict_events_per_s": 300.0, "latency_ms": 3.0},
            )
        )
    ]
    (row,) = make_rows([*results, make_result(auc=0.8, seed=2, events={"train": 1000})])
    assert row.throughput("train_events_per_s") == pytest.approx(200.0)
    assert row.throughput("predict_events_per_s") == pytest.approx(150.0)
    assert row.throughput("latency_ms") == 2.0
    assert row.throughput("represent_events_per_s") is None


def test_a_rate_of_zero_is_no_division_by_zero() -> None:
    results = [make_result(auc=0.8, seed=s, throughput={"train_events_per_s": v}) for s, v in enumerate((0.0, 2.0))]
    assert make_rows(results)[0].throughput("train_events_per_s") == 1.0


@pytest.mark.parametrize(
    ("auc", "inverted"),
    [((0.38, 0.29, 0.47), True), ((0.48, 0.44, 0.52), False), ((0.9, 0.8, 0.95), False), (0.3, False)],
)
def test_a_row_significantly_below_chance_is_inverted(auc: object, inverted: bool) -> None:
    (row,) = make_rows([make_result(auc=auc)])
    assert row.remark.startswith("inverted: AUC is significantly below 0.5") == inverted
    assert bool(row.remark) == inverted
