"""How often the intervals hold the true number, in simulated test sets.

python -m tests.simulations.coverage [--toys 2000]     prints the tables of docs/statistics.md, in some minutes

Scores are those of an ideal model of one number x, which is normal around d for the signal and around 0 for the
background. The mass of the background is normal and correlated with x. So areas, efficiencies and accuracies have
closed forms; the expected CVM, calibration error and divergence, which depend on the number of events, are the means
over all toys.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.integrate import trapezoid
from scipy.stats import norm

from benchmark.metrics.accuracy import Accuracy
from benchmark.metrics.auc import Auc
from benchmark.metrics.calibration import Calibration
from benchmark.metrics.comparison import auc_difference
from benchmark.metrics.compute import compute
from benchmark.metrics.cvm import CVM
from benchmark.metrics.jensen_shannon import JensenShannon
from benchmark.metrics.metric import Scored
from benchmark.metrics.rejection import WORKING_POINTS, Rejection
from benchmark.metrics.significance import LEAST_BACKGROUND, Significance, gain
from benchmark.metrics.thresholds import best_threshold, halves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmark.metrics.metric import Estimate
    from benchmark.metrics.thresholds import Merit

METRICS = [Auc(), Rejection(), Accuracy(), Significance(), Calibration(), CVM(), JensenShannon()]
EVENTS = (100, 500, 5000)
DISTANCES = (1.0, 2.0)
CORRELATION = 0.2
"""Between x and the mass."""


@dataclass(frozen=True)
class Toys:
    """Estimates of one number in all toys, and the truth in each, or None where it is their mean."""

    estimates: list[Estimate]
    truths: list[float | None]

    def coverage(self) -> float | None:
        """The share of toys whose interval holds the truth, of those that have a value; None if fewer than half do.

        Where only one bound is known (no background event passes), it has to be on the right side of the truth.
        """
        known = [e.value for e in self.estimates if e.value is not None]
        if 2 * len(known) < len(self.estimates):
            return None
        mean = float(np.mean(known))
        held = [
            (e.low is None or e.low <= truth) and (e.high is None or truth <= e.high)
            for e, found in zip(self.estimates, self.truths, strict=True)
            if e.low is not None or e.high is not None
            for truth in [mean if found is None else found]
        ]
        return float(np.mean(held))


def sample(rng: np.random.Generator, events: int, distance: float) -> Scored:
    """A test set with as many events of each class, and its probabilities."""
    labels = np.repeat([0, 1], events)
    x = rng.normal(size=2 * events) + distance * (labels == 0)
    mass = CORRELATION * x + np.sqrt(1 - CORRELATION**2) * rng.normal(size=2 * events)
    signal = 1 / (1 + np.exp(distance * (distance / 2 - x)))
    return Scored(labels, np.stack([signal, 1 - signal], axis=1), ("s", "b"), mass=np.where(labels == 1, mass, np.nan))


def cut(threshold: float, distance: float) -> float:
    """The x of a probability."""
    return distance / 2 + np.log(threshold / (1 - threshold)) / distance


def truths(scored: Scored, distance: float) -> dict[str, Callable[[], float]]:
    """The true numbers, by name; those of a threshold are for the one that the validation events give."""

    def balanced(place: float) -> float:
        return float(norm.sf(place - distance) + norm.cdf(place)) / 2

    def chosen(merit: Merit, least: int = 0) -> float:
        assert scored.valid is not None
        threshold = best_threshold(scored.valid, halves(scored.valid), merit, least)
        assert threshold is not None
        return cut(threshold, distance)

    def best() -> float:
        return balanced(chosen(lambda shares: shares[:, 0] - shares[:, 1]))

    def gained() -> float:
        place = chosen(gain, LEAST_BACKGROUND)
        return float(norm.sf(place - distance) / np.sqrt(norm.sf(place)))

    def log_loss() -> float:
        x = np.linspace(-8, 8 + distance, 20_001)
        return float(trapezoid(np.logaddexp(0, distance * (distance / 2 - x)) * norm.pdf(x - distance), x))

    found: dict[str, Callable[[], float]] = {
        "auc": lambda: float(norm.cdf(distance / np.sqrt(2))),
        "accuracy": lambda: balanced(distance / 2),
        "signal_accuracy": lambda: balanced(distance / 2),
        "signal_accuracy_best": best,
        "significance_gain": gained,
        "log_loss": log_loss,
    }
    for point in WORKING_POINTS:
        passed = float(norm.sf(distance - norm.isf(1 - point)))
        found[f"rejection_{point * 100:.0f}"] = partial(float, 1 / passed)
    return found


NUMBERS = (
    *("auc", "rejection_30", "rejection_50", "rejection_70", "accuracy", "signal_accuracy", "signal_accuracy_best"),
    *("significance_gain", "log_loss", "ece", "cvm", "cvm_knn", "cvm_bins", "jsd_50"),
)


def simulate(toys: int, events: int, distance: float, seed: int = 1) -> dict[str, Toys]:
    """The numbers of all metrics in many test sets, with validation sets of the same size."""
    rng = np.random.default_rng([seed, events])
    found = {name: Toys([], []) for name in NUMBERS}
    for _ in range(toys):
        scored = replace(sample(rng, events, distance), valid=sample(rng, events, distance))
        estimates = compute(METRICS, scored)
        known = truths(scored, distance)
        for name, toy in found.items():
            toy.estimates.append(estimates[name])
            defined = estimates[name].value is not None or estimates[name].low is not None
            toy.truths.append(known[name]() if name in known and defined else None)
    return found


def rejected(toys: int, events: int, seed: int = 2) -> float:
    """In how many toys two equal models, which share a third of what each sees, differ at 95% confidence."""
    rng, found = np.random.default_rng(seed), 0
    labels = np.repeat([0, 1], events)
    for _ in range(toys):
        common = rng.normal(size=2 * events) + (labels == 0)
        one, two = (common + rng.normal(size=2 * events) for _ in range(2))
        found += auc_difference(labels, one, two).p_value < 0.05
    return found / toys


def table(toys: int) -> Iterator[str]:
    """Coverage in percent, a line for each number."""
    found = {(d, n): simulate(toys, n, d) for d in DISTANCES for n in EVENTS}
    yield "| number | " + " | ".join(f"d = {d:g}, {n:,} events" for d, n in found) + " |"
    yield "|---" * (len(found) + 1) + "|"
    for name in NUMBERS:
        shares = [each[name].coverage() for each in found.values()]
        yield f"| `{name}` | " + " | ".join("–" if s is None else f"{100 * s:.1f}" for s in shares) + " |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--toys", type=int, default=2000, help="test sets of each kind")
    toys = parser.parse_args().toys
    for line in table(toys):
        print(line, flush=True)
    print()
    for events in EVENTS:
        share = 100 * rejected(toys, events)
        print(f"A true null (two equal models) is rejected in {share:.1f}% with {events} events of each class.")


if __name__ == "__main__":
    main()
