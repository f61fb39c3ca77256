"""One line of a board: a cell (representation, model, device) and what its seeds gave."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from leaderboard.ranking.names import canonical, label
from leaderboard.ranking.seeds import combine, finite, scale_of, seed_estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.metrics.metric import Estimate
    from benchmark.records.result import Result

_REASONS_FIRST = ("failed", "timeout", "interrupted", "skipped")


@dataclass(frozen=True)
class Row:
    """A cell on a board.

    `representation` and `model` are labels: the name, with those parameters that were given, as in ``cnn[depth=15]``.
    `results` has one record a seed, sorted by seed. `superseded` counts older records of the same seeds (made by an
    earlier version of a plug-in), which are left out. `rank` is the first and last rank that the row may have, None
    when it has none.
    """

    representation: str
    model: str
    results: tuple[Result, ...]
    superseded: int = 0
    rank: tuple[int, int] | None = None

    @property
    def done(self) -> tuple[Result, ...]:
        """The seeds that gave numbers."""
        return tuple(result for result in self.results if result.status == "done")

    @property
    def status(self) -> str:
        """`done` when any seed is; otherwise the worst of what happened."""
        found = {result.status for result in self.results}
        return "done" if "done" in found else next(status for status in _REASONS_FIRST if status in found)

    @property
    def reason(self) -> str:
        """Why seeds have no numbers, or why there is no AUC; empty when nothing is amiss."""
        reasons = [f"{r.status}: {r.reason or 'no reason recorded'}" for r in self.results if r.status != "done"]
        if self.done and self.auc.value is None:
            reasons.append(f"no AUC: {self.auc.reason or 'not recorded'}")
        return "; ".join(dict.fromkeys(reasons))

    @property
    def device(self) -> str:
        """Where it ran."""
        return self.results[0].device

    @property
    def train_events(self) -> int | None:
        """How many events it was trained on, where recorded."""
        return next((result.events["train"] for result in self.results if "train" in result.events), None)

    @property
    def parameters_count(self) -> int | None:
        """Trained parameters, where recorded."""
        return next((r.parameters_count for r in self.results if r.parameters_count is not None), None)

    @property
    def auc(self) -> Estimate:
        """The score that boards rank by."""
        return self.estimate("auc")

    @property
    def shown(self) -> Result | None:
        """The seed with the median AUC (the lower one of two): curves and matrices show one training, not a blend."""
        done = sorted(self.done, key=lambda result: (seed_estimate(result, "auc").value or 0.0, result.seed))
        return done[(len(done) - 1) // 2] if done else None

    def estimate(self, metric: str) -> Estimate:
        """A metric over the seeds that are done; see `combine`."""
        return combine([seed_estimate(result, metric) for result in self.done], scale_of(metric))

    def spread(self, metric: str) -> float:
        """Sample standard deviation of a metric over seeds; 0 with fewer than two."""
        values = [value for r in self.done if (value := seed_estimate(r, metric).value) is not None]
        return stdev(values) if len(values) > 1 else 0.0

    def throughput(self, field: str) -> float | None:
        """Mean of a field of `Throughput` over the seeds that are done and have it."""
        values = [finite(getattr(result.throughput, field)) for result in self.done]
        known = [value for value in values if value is not None]
        return fmean(known) if known else None

    def timing(self, stage: str) -> float | None:
        """Mean seconds of a stage over the seeds that are done and have it."""
        known = [value for r in self.done if (value := finite(r.timings.get(stage))) is not None]
        return fmean(known) if known else None


def make_rows(results: Iterable[Result]) -> tuple[Row, ...]:
    """Results of one board as rows, by representation, model, device and number of training events."""
    cells: dict[tuple[str, ...], list[Result]] = {}
    for result in sorted(results, key=lambda result: result.status != "done"):
        cells.setdefault(_cell_of(result, cells), []).append(result)
    rows = [_row_of(cells[cell]) for cell in sorted(cells)]
    return tuple(_labelled(rows))


def _cell_of(result: Result, known: Mapping[tuple[str, ...], object]) -> tuple[str, ...]:
    """What makes results seeds of one row. One that stopped early may have counted no events, or not those that its
    model would have seen: without a row of just its number it joins a row that is known.
    """
    cell = (
        result.representation,
        canonical(result.representation_parameters),
        result.model,
        canonical(result.parameters),
        result.device,
    )
    whole = (*cell, f"{result.events['train']:012d}" if "train" in result.events else "")
    if result.status == "done" or whole in known:
        return whole
    return next((other for other in sorted(known) if other[:-1] == cell), whole)


def _row_of(results: Sequence[Result]) -> Row:
    newest: dict[int, Result] = {}
    for result in sorted(results, key=lambda result: (result.created, result.key)):
        newest[result.seed] = result
    kept = tuple(newest[seed] for seed in sorted(newest))
    return Row(kept[0].representation, kept[0].model, kept, superseded=len(results) - len(kept))


def _labelled(rows: Sequence[Row]) -> list[Row]:
    """Rows with their names: each plug-in with the parameters that were given.

    Records say which ones these are. Of those of a time when they did not, and of rows that would have the same name,
    the parameters are shown that are not the same in all of them.
    """
    firsts = [row.results[0] for row in rows]
    representations = _differing((r.representation, r.representation_parameters) for r in firsts)
    models = _differing((r.model, r.parameters) for r in firsts)

    def named(row: Row, *, whole: bool) -> Row:
        first = row.results[0]
        shown = representations[first.representation], models[first.model]
        told = (first.representation_given, first.parameters_given)
        of_representation, of_model = (
            differing if given is None else {*given, *(differing if whole else ())}
            for given, differing in zip(told, shown, strict=True)
        )
        return replace(
            row,
            representation=label(first.representation, first.representation_parameters, of_representation),
            model=label(first.model, first.parameters, of_model),
        )

    found = [named(row, whole=False) for row in rows]
    names = Counter((row.representation, row.model, row.results[0].device, row.train_events) for row in found)
    return [
        named(row, whole=True)
        if names[row.representation, row.model, row.results[0].device, row.train_events] > 1
        else row
        for row in found
    ]


def _differing(named: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, set[str]]:
    """By name, the parameters that are not the same wherever the name occurs."""
    seen: dict[str, list[Mapping[str, Any]]] = {}
    for name, parameters in named:
        seen.setdefault(name, []).append(parameters)
    return {
        name: {
            key
            for key in set().union(*settings)
            if len({canonical(s[key]) if key in s else None for s in settings}) > 1
        }
        for name, settings in seen.items()
    }
