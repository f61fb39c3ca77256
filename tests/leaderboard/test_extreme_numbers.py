"""Any record that can be read is ranked, exported and shown, whatever its numbers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmark.metrics.metric import Estimate
from benchmark.records.fields import LARGEST
from benchmark.records.result import MetricValue, Throughput
from benchmark.records.store import ResultStore
from leaderboard.export import to_csv, to_json, to_latex, to_markdown
from leaderboard.formatting import shared_decimals, write_estimate
from leaderboard.pages.site import build
from leaderboard.ranking.boards import rank
from leaderboard.ranking.seeds import SCALES, combine, seed_estimate
from leaderboard.terminal import board_text
from tests.faults.hostile import CALM
from tests.leaderboard.factory import make_result

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.result import Result

EDGES = (0.0, 0.5, 1.0, 2.0, 1.0 + 2e-16, 5e-324, 1e-300, 1e15, 1e99, LARGEST)
NUMBERS = st.sampled_from([*EDGES, *(-edge for edge in EDGES)]) | st.floats(-LARGEST, LARGEST)
MAYBE = st.none() | NUMBERS
NAMES = ("auc", "accuracy", "rejection_50", "cvm", "auc_wjets", "other")
COUNTS = ("threads", "train_step_events", "comparisons")
SPEEDS = tuple(name for name in Throughput.model_fields if name not in COUNTS)


@st.composite
def records(draw: st.DrawFn, seed: int) -> Result:
    """Records of one board with numbers from all over the range; the AUC has one most of the time."""
    metrics = {
        name: MetricValue(value=draw(NUMBERS if name == "auc" else MAYBE), low=draw(MAYBE), high=draw(MAYBE))
        for name in draw(st.sets(st.sampled_from(NAMES))) | {"auc"}
    }
    few: Any = st.dictionaries(st.sampled_from(["fit", "train", "cvm", "auc"]), NUMBERS)
    return make_result(
        seed=seed,
        model=draw(st.sampled_from(["cnn", "bdt"])),
        metrics=metrics,
        throughput=Throughput(**draw(st.dictionaries(st.sampled_from(SPEEDS), MAYBE))),
        timings=draw(few),
        details=draw(few),
        bounds=draw(few),
        events=draw(st.fixed_dictionaries({}, optional={"test": st.integers(0, 10**15)})),
        parameters_count=draw(st.none() | st.integers(0, 10**15)),
    )


GROUPS = st.integers(1, 3).flatmap(lambda count: st.tuples(*(records(seed) for seed in range(count))))


@settings(CALM, max_examples=40)
@given(GROUPS)
def test_any_numbers_are_ranked_and_exported(results: tuple[Result, ...]) -> None:
    boards = rank(results)
    for written in (to_csv(boards), to_markdown(boards), to_latex(boards), to_json(results)):
        assert written
    for board in boards:
        assert board_text(board, 100)


@settings(CALM, max_examples=300)
@example([Estimate(0.5, low=2.0), Estimate(0.5, low=-1.0)], "share")  # infinities of both signs
@given(st.lists(st.builds(Estimate, MAYBE, MAYBE, MAYBE), min_size=1, max_size=3), st.sampled_from(list(SCALES)))
def test_any_seeds_are_combined_and_written(seeds: list[Estimate], scale: str) -> None:
    combined = combine(seeds, SCALES[scale])
    assert write_estimate(combined, shared_decimals([combined, *seeds]))


@settings(CALM, max_examples=5)
@given(results=GROUPS)
def test_any_numbers_have_a_page(tmp_path_factory: Any, results: tuple[Result, ...]) -> None:
    folder: Path = tmp_path_factory.mktemp("extreme")
    store = ResultStore(folder / "results")
    for result in results:
        store.add(result)
    assert build(store, folder / "site").is_file()


def test_numbers_too_large_are_undefined() -> None:
    huge = MetricValue.model_construct(value=1e308, low=float("nan"), high=-1e308)
    assert seed_estimate(make_result().model_copy(update={"metrics": {"auc": huge}}), "auc") == Estimate(
        None, reason="not a finite number"
    )
