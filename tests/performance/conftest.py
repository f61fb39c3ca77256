"""Two sides measured alternately in one process, and a table of how they compare at the end of `make bench`.

A machine is never as fast twice, but what slows one side slows the other: only the ratio of the two medians counts.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
import torch
from threadpoolctl import threadpool_limits

from benchmark.core.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from pytest_benchmark.fixture import BenchmarkFixture

ROWS = pytest.StashKey[list["Row"]]()
HEAD = ("what", "against", "theirs, ms", "ours, ms", "ratio", "at least", "threads", "load")


@dataclass(frozen=True)
class Row:
    """One line of the table; load: processes that wanted to run in the last minute, ours among them."""

    what: str
    against: str
    theirs: float
    ours: float
    at_least: float
    threads: int
    load: float

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours

    def cells(self) -> tuple[str, ...]:
        below = " !" if self.ratio < self.at_least else ""
        times = (f"{1e3 * self.theirs:.2f}", f"{1e3 * self.ours:.2f}", f"{self.ratio:.1f}{below}")
        return (self.what, self.against, *times, f"{self.at_least:g}", str(self.threads), f"{self.load:.1f}")


@dataclass
class SideBySide:
    """The value of the fixture: call it with both sides."""

    benchmark: BenchmarkFixture
    rows: list[Row]

    def __call__(
        self,
        what: str,
        ours: Callable[[], Any],
        against: str,
        theirs: Callable[[], Any],
        *,
        at_least: float,
        threads: int = 1,
        rounds: int = 9,
        calls: int = 1,
        their_calls: int | None = None,
    ) -> None:
        """Run theirs, ours, theirs, ours … after one unmeasured turn of each, which compiles and warms the caches.

        Where benchmarks are disabled (`make test`), each side runs once and nothing is measured.

        at_least : what the ratio is hoped to be; the table marks what is below.
        threads : that torch, OpenMP and BLAS may use, on both sides.
        calls : in a turn; several of what takes some milliseconds, or one side would pay for the memory that the other
            gave back to the system. their_calls : where they take long enough for fewer to do.
        """
        if self.benchmark.disabled:
            calls = their_calls = 1
        their_calls = their_calls or calls
        before, times = torch.get_num_threads(), []

        def turn() -> None:
            start = time.perf_counter()
            for _ in range(their_calls):
                theirs()
            times.append((time.perf_counter() - start) / their_calls)

        def mine() -> None:
            for _ in range(calls):
                ours()  # what it returns is dropped at once, as theirs is: memory held back would slow the next turn

        torch.set_num_threads(threads)
        try:
            with threadpool_limits(threads):
                self.benchmark.pedantic(mine, setup=turn, rounds=rounds, warmup_rounds=1)
        finally:
            torch.set_num_threads(before)
        if self.benchmark.disabled:
            return
        took = self.benchmark.stats.stats.median / calls
        row = Row(what, against, median(times[1:]), took, at_least, threads, os.getloadavg()[0])
        self.benchmark.extra_info |= {"against": against, "ratio": row.ratio, "at_least": at_least, "load": row.load}
        self.rows.append(row)


@pytest.fixture
def apart(benchmark: BenchmarkFixture) -> Iterator[Callable[..., Callable[[], Any]]]:
    """A side in a new process, whose memory does not affect the other side.

    apart(make, threads, worker=True) : what `make()` returns, called there whenever this is called here. worker: the
        process keeps the memory that it frees, as those of a run do; otherwise it is one as Python starts it.
    """
    with ExitStack() as stack:

        def start(make: Any, threads: int, *, worker: bool) -> Callable[[], Any]:
            if benchmark.disabled:  # it is run once, and not measured
                return make()
            context = multiprocessing.get_context("spawn")
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, make, threads, worker), daemon=True)
            process.start()
            stack.callback(process.join)
            stack.callback(here.send, False)

            def call() -> None:
                here.send(True)
                here.recv()

            return call

        yield start


def _serve(pipe: Connection, make: Any, threads: int, worker: bool) -> None:
    if worker:
        keep_freed_memory()
    torch.set_num_threads(threads)
    work = make()
    while pipe.recv():
        work()
        pipe.send(True)


@pytest.fixture
def side_by_side(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> SideBySide:
    return SideBySide(benchmark, request.config.stash.setdefault(ROWS, []))


@pytest.fixture
def per_event(benchmark: BenchmarkFixture) -> Callable[..., Any]:
    """Measure `work(*arguments)` on so many events, and note the time for each as `us_per_event`; what it returns."""

    def measure(count: int, work: Callable[..., Any], *arguments: Any) -> Any:
        found = benchmark(work, *arguments)
        if not benchmark.disabled:
            benchmark.extra_info["us_per_event"] = benchmark.stats.stats.median / count * 1e6
        return found

    return measure


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without measurement, one number of events of each benchmark is enough: the others run the same lines."""
    if not config.getoption("benchmark_disable"):
        return
    dropped = [item for item in items if _is_repeated(item)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


def _is_repeated(item: pytest.Item) -> bool:
    counts = [mark.args[1] for mark in item.iter_markers("parametrize") if mark.args[0] == "count"]
    return bool(counts) and item.callspec.params["count"] != min(counts[0])  # type: ignore[attr-defined]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    table = [HEAD, *(row.cells() for row in config.stash.get(ROWS, []))]
    if len(table) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    terminalreporter.section("side by side: medians, alternately measured ('!': below what was hoped for)")
    for cells in table:
        left, right = cells[:2], cells[2:]
        line = [cell.ljust(width) for cell, width in zip(left, widths, strict=False)]
        line += [cell.rjust(width) for cell, width in zip(right, widths[2:], strict=True)]
        terminalreporter.write_line("  ".join(line))
