"""What got worse or better from a to b: headlines on the same events, counted costs, and times measured in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchmark.metrics.metric import CONFIDENCE
from leaderboard.formatting import write_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from benchmark.metrics.turns import Ratio
    from benchmark.records.result import Result
    from leaderboard.comparisons import Pair

Kind = Literal["score", "failure", "cost", "time", "drift"]
SLOWER_BY = 0.05
"""Share by which a time may grow: less is not worth a search, and differs between two installations of one program."""

COUNTS: Mapping[str, Callable[[Result], float | None]] = {
    "parameters": lambda result: result.parameters_count,
    "operations of a training step": lambda result: result.throughput.train_step_flops,
    "operations of a prediction": lambda result: result.throughput.predict_flops,
    "comparisons of a prediction": lambda result: result.throughput.comparisons,
    "bytes of a sample": lambda result: result.throughput.sample_bytes,
}
"""What a cell costs, counted exactly, the same on every machine."""


@dataclass(frozen=True)
class Finding:
    """Something that changed.

    Parameters
    ----------
    kind : what it was found by.
    what : the cell, series or benchmark.
    words : what changed, with numbers.
    worse : whether it got worse.
    """

    kind: Kind
    what: str
    words: str
    worse: bool

    def record(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"kind": self.kind, "what": self.what, "words": self.words, "worse": self.worse}


def of_scores(pairs: Iterable[Pair]) -> Iterator[Finding]:
    """Headlines that differ significantly, and cells that have no numbers any more."""
    for pair in pairs:
        cell = f"{pair.board.name} {pair.names[1]}"
        if pair.a.done and len(pair.b.done) < len(pair.b.results):
            yield Finding("failure", cell, f"{len(pair.b.results) - len(pair.b.done)} seeds have no result", worse=True)
        if pair.difference is not None and pair.outcome in ("better", "worse"):
            found = pair.difference
            interval = f"[{found.low:+.4f}, {found.high:+.4f}]"
            words = f"{pair.board.headline} {found.value:+.4f} {interval}, p = {write_number(pair.p_value)} (Holm)"
            yield Finding("score", cell, words, worse=pair.outcome == "worse")


def of_counts(pairs: Iterable[Pair]) -> Iterator[Finding]:
    """Counted costs that differ, seed by seed; one finding for all seeds of a cell."""
    for pair in pairs:
        before = {result.seed: result for result in pair.a.done}
        for name, count in COUNTS.items():
            both = [(count(before[b.seed]), count(b)) for b in pair.b.done if b.seed in before]
            differ = [(a, b) for a, b in both if a is not None and b is not None and a != b]
            if differ:
                a, b = max(differ, key=lambda each: each[1] / each[0] if each[0] else 0.0)
                words = f"{name}: {write_number(a)} to {write_number(b)}"
                yield Finding("cost", f"{pair.board.name} {pair.names[1]}", words, worse=b > a)


def of_times(ratios: Mapping[str, Ratio], slower_by: float = SLOWER_BY) -> Iterator[Finding]:
    """Times that grew or fell by more than a share, significantly for all that were measured together (Holm)."""
    for name, ratio in ratios.items():
        if ratio.p_value_holm < 1 - CONFIDENCE and not 1 / (1 + slower_by) <= ratio.value <= 1 + slower_by:
            words = f"{ratio.value:.2f} times as long [{ratio.low:.2f}, {ratio.high:.2f}]"
            yield Finding("time", name, words, worse=ratio.value > 1)
