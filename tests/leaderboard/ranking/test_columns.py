from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.core.registry import Entry, Registry
from benchmark.metrics.metric import Estimate, MetricColumn
from benchmark.metrics.registry import METRICS
from benchmark.records.result import MetricValue, Throughput
from leaderboard.formatting import shared_decimals, write_estimate, write_number
from leaderboard.ranking.boards import rank
from leaderboard.ranking.columns import all_columns, best_text, shared, shared_in_words, text_table, visible
from leaderboard.ranking.metric_columns import built_in
from leaderboard.ranking.seeds import SHARE, combine, seed_estimate
from tests.leaderboard.factory import make_result

if TYPE_CHECKING:
    from benchmark.records.result import Result


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.85312, 0.84902, 0.85722), "0.8531 ± 0.0041"),
        (Estimate(0.9, 0.88, 0.91), "0.900 +0.010 −0.020"),
        (Estimate(123.0, 100.0, 160.0), "123 +37 −23"),
        (Estimate(0.5, 0.5, 0.5), "0.5000 ± 0.0000"),
        (Estimate(12.3456), "12.3"),
        (Estimate(12.0, 10.0, None), "12.0 +∞ −2.0"),
        (Estimate(None, low=812.0), "> 812"),
        (Estimate(None, low=3239.0), "> 3,239"),
        (Estimate(1576.0, 238.0, 10483.0), "1,576 +8,907 −1,338"),
        (Estimate(None), "–"),
    ],
)
def test_estimates(estimate: Estimate, text: str) -> None:
    assert write_estimate(estimate) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (0.7123, "0.712"), (12.34, "12.3"), (12345.6, "12,346"), (3e9, "3.00e+09"), (float("inf"), "–")],
)
def test_numbers(number: float, text: str) -> None:
    assert write_number(number) == text


def test_names_are_unique_and_each_says_what_it_is() -> None:
    assert len(COLUMN) == len(all_columns([]))
    assert all(column.description and column.header for column in COLUMN.values())
    assert list(COLUMN)[:14] == [
        *("rank", "representation", "model", "auc", "rejection_50", "significance_gain", "significance"),
        *("signal_accuracy", "accuracy", "log_loss", "ece", "cvm", "cvm_independent", "jsd_50"),
    ]


def test_columns_without_values_are_left_out() -> None:
    (board,) = rank([make_result(auc=(0.8, 0.7, 0.9))])
    names = [column.name for column in visible(board)]
    assert "cvm" not in names
    assert "accuracy" not in names
    assert names[:4] == ["rank", "representation", "model", "auc"]


def test_table_is_plain_text() -> None:
    board = rank([make_result(auc=(0.8, 0.7, 0.9)), make_result(model="bdt", status="skipped", reason="no tracks")])[0]
    header, rows = text_table(board)
    first, last = (dict(zip(header, row, strict=True)) for row in rows)
    assert (first["Rank"], first["AUC"], first["Seeds"], first["Status"]) == ("1", "0.80 ± 0.10", "1 of 1", "done")
    assert (last["Rank"], last["AUC"], last["Seeds"], last["Status"]) == (
        "–",
        "–",
        "0 of 1, one skipped",
        "skipped: no tracks",
    )


def test_a_long_reason_is_cut() -> None:
    (board,) = rank([make_result(status="failed", reason="x" * 5000)])
    assert len(text_table(board)[1][0][-1]) == 300


def test_smoke_has_no_rank_column() -> None:
    (board,) = rank([make_result(auc=(0.8, 0.7, 0.9), preset="smoke")])
    assert "Rank" not in text_table(board)[0]


def test_best_follows_the_direction() -> None:
    def result(model: str, cvm: float) -> Result:
        return make_result(model=model, metrics={"auc": MetricValue(value=0.5 + cvm), "cvm": MetricValue(value=cvm)})

    (board,) = rank([result("a", 0.1), result("b", 0.2)])
    assert best_text(COLUMN["cvm"], board.rows) == "0.100"
    assert best_text(COLUMN["auc"], board.rows) == "0.700"
    assert best_text(COLUMN["device"], board.rows) is None


COLUMN = {column.name: column for column in all_columns([])}


def with_metric(model: str, name: str, value: MetricValue) -> Result:
    return make_result(model=model, metrics={"auc": MetricValue(value=0.5), name: value})


def test_a_lower_limit_leaves_the_best_open() -> None:
    # one row let one background event pass, the other none: the second is at least as good, and no number says so
    few = with_metric("a", "rejection_50", MetricValue(value=1576.0, low=238.0, high=10483.0))
    none = with_metric("b", "rejection_50", MetricValue(value=None, low=411.0, reason="no background event passes"))
    (board,) = rank([few, none])
    assert best_text(COLUMN["rejection_50"], board.rows) is None
    assert best_text(COLUMN["rejection_50"], [row for row in board.rows if row.model == "a"]) == "1,576 +8,907 −1,338"
    assert [entry.is_limit for entry in COLUMN["rejection_50"].entries(board.rows)] == [False, True]


def test_a_column_has_the_same_decimals_in_all_rows() -> None:
    wide, narrow = (0.738, 0.727, 0.749), (0.8273, 0.8192, 0.8351)
    (board,) = rank([make_result(model="a", auc=wide), make_result(model="b", auc=narrow)])
    assert [entry.text for entry in COLUMN["auc"].entries(board.rows)] == ["0.8273 +0.0078 −0.0081", "0.7380 ± 0.0110"]


def test_one_very_precise_row_does_not_lengthen_the_others() -> None:
    wide, precise = Estimate(0.7, 0.69, 0.71), Estimate(0.999, 0.998999, 0.999001)
    assert shared_decimals([wide, wide, precise]) == 4
    assert shared_decimals([wide, precise, precise]) == 6
    assert shared_decimals([Estimate(0.7), Estimate(None, low=3.0)]) is None


def test_rejections_keep_their_own_decimals() -> None:
    small = with_metric("a", "rejection_50", MetricValue(value=1.91, low=1.39, high=3.11))
    large = with_metric("b", "rejection_50", MetricValue(value=1576.0, low=238.0, high=10483.0))
    (board,) = rank([small, large])
    assert sorted(entry.text for entry in COLUMN["rejection_50"].entries(board.rows)) == [
        "1,576 +8,907 −1,338",
        "1.91 +1.20 −0.52",
    ]


def test_a_signal_has_its_accuracy_in_a_column() -> None:
    (board,) = rank([with_metric("a", "signal_accuracy", MetricValue(value=0.974, low=0.965, high=0.98))])
    header, rows = text_table(board)
    assert rows[0][header.index("Signal accuracy")] == "0.9740 +0.0060 −0.0090"
    (other,) = rank([make_result(task="dimuon", auc=(0.8, 0.7, 0.9))])
    assert "Signal accuracy" not in text_table(other)[0]


def test_time_and_memory_are_means_over_seeds() -> None:
    results = [
        make_result(auc=0.8, seed=seed, timings={"fit": fit}, throughput=Throughput(peak_memory_mb=500.0 + seed))
        for seed, fit in enumerate((10.0, 30.0))
    ]
    (board,) = rank(results)
    assert [COLUMN[name].entry(board.rows[0]).value for name in ("fit_s", "peak_memory_mb")] == [20.0, 500.5]


def test_what_all_rows_share_is_said_once() -> None:
    same = [make_result(model=model, auc=0.8) for model in ("a", "b")]
    stopped = make_result(model="c", status="failed", reason="bug", device="cuda")
    (board,) = rank([*same, stopped])
    common = {"train_events", "test_events", "whose", "device", "seeds", "status"}
    assert {column.name for column in shared(board)} == common
    assert shared_in_words(board) == "trained on 4,000 events · tested on 1,500 events · cpu · seeds: 1 of 1"
    (board,) = rank([*same, make_result(model="a", device="cuda", auc=0.8)])
    assert "device" not in {column.name for column in shared(board)}
    assert shared_in_words(board) == "trained on 4,000 events · tested on 1,500 events · seeds: 1 of 1"


def test_parts_of_an_entry() -> None:
    (board,) = rank([with_metric("a", "rejection_50", MetricValue(value=None, low=411.0))])
    assert COLUMN["rejection_50"].entry(board.rows[0]).parts == ("> 411", "")
    assert COLUMN["auc"].entry(rank([make_result(auc=(0.8, 0.7, 0.9))])[0].rows[0]).parts == (
        "0.80",
        "±\N{NO-BREAK SPACE}0.10",
    )


OWN = (
    MetricColumn("brier", "Brier score", "Mean squared distance from the truth", better="lower", unit="units"),
    MetricColumn("gain_<class>", "Gain, <class>", "Gain of <class>", better="higher", scale="share", order=5),
    MetricColumn("hidden", "Hidden", order=None),
)


def own_results() -> list[Result]:
    values = {"brier": 0.2, "gain_w": 0.6, "gain_z": 0.7, "hidden": 1.0, "unknown": 2.0}
    return [
        make_result(
            model=model,
            seed=seed,
            metric_columns=OWN,
            metrics={"auc": MetricValue(value=0.9)}
            | {name: MetricValue(value=value + shift, low=value / 2, high=0.99) for name, value in values.items()},
        )
        for model, shift in (("a", 0.0), ("b", 0.1))
        for seed in (0, 1)
    ]


def test_a_metric_from_a_file_has_its_columns() -> None:
    (board,) = rank(own_results())
    columns = {column.name: column for column in visible(board)}
    # by their order: before the AUC, and after the built-in metrics
    assert [name for name in columns if name in {"auc", "brier", "gain_w", "gain_z", "rejection_50"}] == [
        *("gain_w", "gain_z", "auc", "brier"),
    ]
    assert not {"hidden", "unknown"} & columns.keys()
    assert columns["brier"].header == "Brier score, units"
    assert columns["gain_z"].header == "Gain, z"
    assert columns["gain_z"].description == "Gain of z; 95% interval"
    assert best_text(columns["brier"], board.rows) == columns["brier"].entry(board.rows[0]).text
    assert best_text(columns["gain_w"], board.rows) == columns["gain_w"].entries(board.rows)[1].text
    row = board.rows[0]
    assert row.estimate("gain_w") == combine([seed_estimate(result, "gain_w") for result in row.done], SHARE)
    assert "Brier score, units" in text_table(board)[0]


def test_results_do_not_redeclare_built_in_columns() -> None:
    fake = MetricColumn("auc", "My AUC", better="lower")
    (board,) = rank([make_result(auc=0.9, metric_columns=(fake,))])
    assert "AUC" in text_table(board)[0]
    assert "My AUC" not in text_table(board)[0]


def test_pages_run_no_code_of_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    known = METRICS.entries()
    foreign = Entry("foreign", "", "no_such_module:Foreign", "entry point of a package")
    monkeypatch.setattr(Registry, "entries", lambda self: {**known, "foreign": foreign})
    built_in.cache_clear()
    assert {"auc", "accuracy", "cvm"} <= {column.name for column in built_in()}
    built_in.cache_clear()


def test_inverted_is_marked_in_tables() -> None:
    (board,) = rank([make_result(auc=(0.38, 0.29, 0.47)), make_result(model="b", auc=(0.9, 0.8, 0.95))])
    header, rows = text_table(board)
    assert rows[1][header.index("AUC")] == "0.380 ± 0.090 (inverted)"
    assert "(inverted)" not in " ".join(rows[0])
    assert rows[1][header.index("Status")].startswith("done; inverted: AUC is significantly below 0.5, so the scores")
