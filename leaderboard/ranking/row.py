"""A row of a board: a cell with the results of its seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

from benchmark.metrics.metric import Estimate
from benchmark.records.verification import AGAIN
from leaderboard.ranking.metric_columns import Declared
from leaderboard.ranking.names import sourced
from leaderboard.ranking.seeds import SCALES, combine, difference, finite, seed_estimate

if TYPE_CHECKING:
    from benchmark.metrics.comparison import Spread
    from benchmark.metrics.metric import MetricColumn
    from benchmark.records.result import Result, ShiftedTest
    from leaderboard.ranking.seeds import RowEstimate

UNVERIFIED = "unverified"
"""The mark of a row whose record was changed, or does not agree with its scores."""

NOT_CONVERGED = "not converged"
"""The mark of a row of which a training was ended by its cap. It is ranked after all rows without this mark."""

BELOW_EXPERT = "below the expert line"
"""The mark of a row that is significantly worse than the expert line."""

OTHER_TRAINING = "other training events"
"""The mark of a row that was trained on fewer or more events than the ranked ones: a point of a learning curve."""

INVERTED = "inverted"
"""The mark of a number that is significantly worse than guessing."""

EXPERT = "expert"
"""The representation whose rows are the expert line."""

_WORST_FIRST = ("failed", "timeout", "interrupted", "skipped")


@dataclass(frozen=True)
class Row:
    """A cell on a board.

    Parameters
    ----------
    representation, model : names with the parameters that were given, as in ``cnn[depth=15]``.
    results : one record for each seed, sorted by seed.
    superseded : number of older records of the same seeds (by an earlier version of a plug-in), which are left out.
    rank : first and last rank that the row may have; None if it has none.
    problems : why its numbers can't be trusted, and what to do; a row that has any is not ranked. See
        `benchmark.records.verification.verify`.
    headline : the metric by which its board ranks.
    borrowed : the spread over seeds of its board, if it has one seed alone; on the scale of the headline.
    too_few : whether it has too few events for a bound of its board, which is not applied then.
    below_expert : whether it is significantly worse than the expert line of its board.
    ranked_with : number of training events of the ranked rows, if it has another and is not ranked.
    """

    representation: str
    model: str
    results: tuple[Result, ...]
    superseded: int = 0
    rank: tuple[int, int] | None = None
    problems: tuple[str, ...] = ()
    headline: str = "auc"
    borrowed: Spread | None = None
    too_few: bool = False
    below_expert: bool = False
    ranked_with: int | None = None

    @cached_property
    def done(self) -> tuple[Result, ...]:
        """The results that have numbers."""
        return tuple(result for result in self.results if result.status == "done")

    @property
    def status(self) -> str:
        """`done` if any seed is; otherwise the worst status."""
        statuses = {result.status for result in self.results}
        return "done" if "done" in statuses else next(status for status in _WORST_FIRST if status in statuses)

    @property
    def reason(self) -> str:
        """Why seeds have no numbers, or why there is no headline; empty if all have."""
        reasons = [f"{r.status}: {r.reason or 'no reason recorded'}" for r in self.results if r.status != "done"]
        if self.done and self.score.value is None:
            reasons.append(f"no {self.headline_column.header}: {self.score.reason or 'not recorded'}")
        return "; ".join(dict.fromkeys(reasons))

    @property
    def plugins(self) -> tuple[str, str]:
        """Representation and model without parameters, each with its origin unless it is built in."""
        first = self.results[0]
        representation = sourced(first.representation, first.representation_origin)
        return representation, sourced(first.model, first.model_origin)

    @property
    def device(self) -> str:
        """The device it ran on."""
        return self.results[0].device

    @property
    def train_events(self) -> int | None:
        """Number of training events, if recorded."""
        return next((result.events["train"] for result in self.results if "train" in result.events), None)

    @property
    def test_events(self) -> int | None:
        """Number of test events, if recorded."""
        return next((result.events["test"] for result in self.results if "test" in result.events), None)

    @property
    def whose(self) -> str:
        """Whether its results are published ones or the user's own."""
        return "published" if self.results[0].published else "own"

    @property
    def is_expert(self) -> bool:
        """Whether it is the expert line of its task: a few columns that a physicist would take. It has no rank."""
        return self.results[0].representation == EXPERT and self.results[0].representation_origin is None

    @property
    def converged(self) -> bool:
        """Whether every training ended by itself; models that are not trained in steps are as they have to be."""
        return all(result.training is None or result.training.converged for result in self.done)

    @property
    def parameters_count(self) -> int | None:
        """Number of trained parameters, if recorded."""
        return next((r.parameters_count for r in self.results if r.parameters_count is not None), None)

    @cached_property
    def columns(self) -> Declared:
        """The columns of all metrics that its results may have."""
        return Declared(self.results)

    @cached_property
    def score(self) -> RowEstimate:
        """The number by which its board ranks."""
        return self.estimate(self.headline)

    @property
    def headline_column(self) -> MetricColumn:
        """What the metric declares by which its board ranks."""
        return self.columns.of(self.headline)

    @property
    def remark(self) -> str:
        """Warnings about its numbers, in words; empty if there are none."""
        return "; ".join(self.warnings.values())

    @cached_property
    def warnings(self) -> dict[str, str]:
        """Marks of its headline, and what each means. A row that can't be trusted has no other."""
        if self.problems:
            problems = [problem.removesuffix(f"; {AGAIN}") for problem in self.problems]
            again = (AGAIN,) if problems != list(self.problems) else ()
            return {UNVERIFIED: f"{UNVERIFIED}: {'; '.join((*problems, *again))}"}
        column, found = self.headline_column, {}
        if column.is_inverted(self.score):
            found[INVERTED] = (
                f"inverted: {column.header} is significantly below {column.chance}, so the scores rank background "
                "above signal; check the labels and the training data"
            )
        if not self.converged:
            seeds = [str(r.seed) for r in self.done if r.training and not r.training.converged]
            where = "" if len(seeds) == len(self.done) else f" of seed {', '.join(seeds)}"
            found[NOT_CONVERGED] = f"not converged: its cap ended the training{where}"
        if self.ranked_with is not None:
            found[OTHER_TRAINING] = f"trained on {self.train_events:,} events, ranked rows on {self.ranked_with:,}"
        if self.below_expert:
            found[BELOW_EXPERT] = "significantly below the expert line"
        return found

    @property
    def median(self) -> Result | None:
        """The seed with the median headline, the lower of two: curves and matrices are those of one training."""
        done = sorted(self.done, key=lambda result: (seed_estimate(result, self.headline).value or 0.0, result.seed))
        return done[(len(done) - 1) // 2] if done else None

    def estimate(self, metric: str) -> RowEstimate:
        """A metric over all finished seeds; see `combine`."""
        scale = SCALES[self.columns.of(metric).scale]
        return combine([seed_estimate(result, metric) for result in self.done], scale)

    def seed_score(self, tested: Result | ShiftedTest) -> Estimate:
        """The headline of one seed, on its test events or shifted ones."""
        return combine([seed_estimate(tested, self.headline)], SCALES[self.headline_column.scale])

    def drop(self, shift: str) -> Estimate:
        """How much lower the headline is on test events of a shifted simulation, over the seeds that have it.

        Fluctuations of shifted and nominal events are taken as independent. Where both are of the same showers, as with
        the pile-up of `egamma`, the interval is too wide.
        """
        pairs = [(result, result.shifted[shift]) for result in self.done if shift in result.shifted]
        drops = [
            Estimate(None, reason=shifted.reason)
            if shifted.reason
            else difference(self.seed_score(nominal), self.seed_score(shifted))
            for nominal, shifted in pairs
        ]
        lower = self.headline_column.better == "lower"
        return combine([_negative(drop) for drop in drops] if lower else drops)

    def throughput(self, field: str) -> float | None:
        """A field of `Throughput` over the finished seeds that have it.

        A rate is the events of all seeds divided by the time of all seeds (a mean of rates would hide slow seeds behind
        a fast one); the other fields are means.
        """
        known = [(r, value) for r in self.done if (value := finite(getattr(r.throughput, field))) is not None]
        if not known:
            return None
        if not field.endswith("_per_s") or any(value <= 0 for _, value in known):
            return fmean(value for _, value in known)
        split = "train" if field == "train_events_per_s" else "test"
        events = [result.events.get(split, 0) for result, _ in known]
        events = events if all(events) else [1] * len(known)
        return sum(events) / sum(number / rate for number, (_, rate) in zip(events, known, strict=True))

    def timing(self, stage: str) -> float | None:
        """Mean seconds of a stage over the finished seeds that have it."""
        known = [value for r in self.done if (value := finite(r.timings.get(stage))) is not None]
        return fmean(known) if known else None


def _negative(estimate: Estimate) -> Estimate:
    value, low, high = (None if n is None else -n for n in (estimate.value, estimate.high, estimate.low))
    return replace(estimate, value=value, low=low, high=high)
