"""Two things compared: revisions of this program, which are run in turn, folders of results, or names in one folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError, spelled
from benchmark.core.repository import need_same_packages, span
from benchmark.engine.request import data_root, parse_seeds
from benchmark.engine.revisions import Workload, in_turn
from benchmark.metrics.turns import time_ratios
from leaderboard import comparisons, verdicts
from leaderboard.regressions import findings
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmark.engine.revisions import Cell, Turns
    from benchmark.metrics.turns import Ratio
    from benchmark.records.store import ResultStore
    from leaderboard.comparisons import Pair
    from leaderboard.ranking.scores import ScoreBook
    from leaderboard.regressions.findings import Finding
    from leaderboard.verdicts import Table

FAST = ("fourvectors", "ffnn")
"""Representation and model that are run by default: seconds a cell, and a network, whose operations are counted."""
FOLDER = "revisions"
"""In the folder of results: those of each revision that was compared."""


@dataclass(frozen=True)
class Comparison:
    """What is said of b, compared with a.

    Parameters
    ----------
    a, b : their names.
    pairs : cells of both.
    book : the scores of their results.
    missing : cells of a that b does not have.
    findings : what differs.
    ratios : of times that were measured in turn.
    """

    a: str
    b: str
    pairs: list[Pair]
    book: ScoreBook
    missing: int
    findings: list[Finding]
    ratios: dict[str, Ratio] = field(default_factory=dict)

    @property
    def worse(self) -> bool:
        """Whether anything got worse, or nothing could be compared."""
        return any(each.worse for each in self.findings) or {p.outcome for p in self.pairs} == {"not comparable"}

    @property
    def verdict(self) -> str:
        """In three sentences."""
        return verdicts.verdict(self.pairs, self.a, self.b, self.missing, self.ratios)

    def event_ids(self, pair: Pair, most: int) -> list[int]:
        """Those on which a pair disagrees most."""
        return [event.event_id for event in verdicts.disagreements(pair, self.book, most)]

    def tables(self, most: int = 0) -> list[Table]:
        """Pairs, the events on which each disagrees most, counted costs, and times: headers and lines."""
        lists = [verdicts.disagreements(pair, self.book, most) for pair in self.pairs]
        return verdicts.tables(self.pairs, lists, self.findings, self.ratios)

    def record(self, most: int = 0) -> dict[str, Any]:
        """As plain JSON values, with the events on which each pair disagrees most, if they are asked for."""
        pairs = [verdicts.record(pair) for pair in self.pairs]
        if most:
            for pair, record in zip(self.pairs, pairs, strict=True):
                record["events"] = [event._asdict() for event in verdicts.disagreements(pair, self.book, most)]
        return {
            "a": self.a,
            "b": self.b,
            "worse": self.worse,
            "verdict": self.verdict if self.pairs else "",
            "pairs": pairs,
            "findings": [finding.record() for finding in self.findings],
            "times": {name: ratio._asdict() for name, ratio in self.ratios.items()},
        }

    def markdown(self, most: int = 0) -> str:
        """Tables and the verdict, as for a pull request."""
        return verdicts.to_markdown(self.tables(most), self.verdict)


def workload(cells: Sequence[str] | None, preset: str, seeds: str, data: Path | None) -> Workload:
    """What is run of revisions; by default a fast cell of each task.

    Raises UserError for a cell that is not task/representation/model, and for wrong seeds.
    """
    named = tuple(dict.fromkeys(map(_cell, cells or ()))) or tuple((task, *FAST) for task in TASKS.core())
    return Workload(named, preset, tuple(parse_seeds(seeds)), data_root(data))


def _cell(text: str) -> Cell:
    """`ttbar[min_jets=2]/graph/bdt` in its three parts; a model in a file has slashes of its own, which come last."""
    parts = [part.strip() for part in text.split("/", 2)]
    if len(parts) != 3 or not all(parts):
        raise UserError(
            f"--cell '{spelled(text)}': expected a task, a representation and a model, as in ttbar/graph/bdt. "
            "Name all three."
        )
    return parts[0], parts[1], parts[2]


def of_revisions(
    words: str, work: Workload, results: Path, kernels: str | None = None, *, same_packages: bool = False
) -> Comparison:
    """Run two revisions in turn, into a folder in that of results, and compare what they leave.

    Parameters
    ----------
    words : both revisions, as `main..HEAD`.
    kernels : which benchmarks are measured as well, as pytest's -k has it.
    same_packages : whether both are run with the installed packages, though they ask for others.

    Raises
    ------
    UserError
        When there are no such revisions, when the code here has changes that are in none, or when a run is refused.
    """
    if ".." not in words:
        raise UserError(
            f"compare: one name '{spelled(words)}', expected two, or two revisions as main..HEAD. Name what it is "
            "compared with."
        )
    a, b = span(words)
    if not same_packages:
        need_same_packages(a, b)
    return of_turns(str(a), str(b), in_turn(a, b, work, results / FOLDER, kernels))


def of_turns(a: str, b: str, turns: Turns, slower_by: float = findings.SLOWER_BY) -> Comparison:
    """Compare what two revisions left: scores, counted costs, and times turn by turn."""
    found = of_folders(a, b, turns.a, turns.b)
    ratios = time_ratios({name: times for name, times in turns.times.items() if len(times) > 1})
    more = [*findings.of_counts(found.pairs), *findings.of_times(ratios, slower_by)]
    return Comparison(a, b, found.pairs, found.book, found.missing, [*found.findings, *more], ratios)


def of_folders(a: str, b: str, first: ResultStore, second: ResultStore, task: str | None = None) -> Comparison:
    """Compare the cells that two folders of results share, seed by seed.

    Raises UserError when they have none in common, or no results of the task.
    """
    boards, book = comparisons.ranked(comparisons.both_folders(first, second), task)
    pairs = comparisons.compared(comparisons.of_folders(boards), book, versions=True)
    found = list(findings.of_scores(_some(pairs, a, b)))
    return Comparison(a, b, pairs, book, comparisons.lacking(boards), found)


def of_names(a: str, b: str, store: ResultStore, task: str | None = None) -> Comparison:
    """Compare two cells, models or representations of a folder of results. Raises UserError as `of_folders` does."""
    boards, book = comparisons.ranked(store, task)
    pairs = comparisons.compared(comparisons.of_names(a, b, boards), book)
    found = [each for each in findings.of_scores(_some(pairs, a, b)) if each.kind != "failure"]
    return Comparison(a, b, pairs, book, 0, found)


def _some(pairs: list[Pair], a: str, b: str) -> list[Pair]:
    if not pairs:
        raise UserError(
            f"compare: '{a}' and '{b}' have no cell in common, expected cells that agree in task, preset and test "
            "events, and in all settings that are not compared. Run what is missing."
        )
    return pairs
