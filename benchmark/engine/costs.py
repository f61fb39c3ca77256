"""What a fitted model costs on a machine that does nothing else: speeds, latency, and operations.

Where cells run at the same time, each saves its model, and all are measured one after the other when the last has
ended. The speed of training then follows from a few steps, which are taken again.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from torch.utils.flop_counter import FlopCounterMode

from benchmark.core.process import leave_if_forked
from benchmark.engine.throughput import clock, control_workload, events_per_second, latencies_ms
from models.model import Context
from models.network import TorchModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.model import Model
    from representations.samples import Samples

STEPS_S = 1.0
"""Training steps are taken for so long, after the first, and two at least."""
PREDICTED_S = 0.5
"""A speed is measured on as many test events as take so long, at most all, and 64 at least."""
LEAST_EVENTS = 64
COUNTED_EVENTS = 16
"""Events whose predictions are counted in operations, which are the same for all batches of equal shape."""


class EnoughError(BaseException):
    """Ends a training of which enough steps were taken; no model is to catch it."""


class Fit(NamedTuple):
    """What is known of the fit: its seconds, and whether it was alone; epochs or rounds, if any."""

    seconds: float
    alone: bool = True
    epochs: int | None = None


def measured(model: Model, splits: Mapping[str, Samples], fit: Fit, device: str) -> dict[str, Any]:
    """The fields of `Throughput` that a fitted model gives, on this machine now. Predictions report no progress."""
    test, train = splits["test"], splits["train"]
    model.predict_proba(test[:LEAST_EVENTS])  # the first call loads and compiles
    with clock() as first:
        model.predict_proba(test[:LEAST_EVENTS])
    rate = min(LEAST_EVENTS, len(test)) / max(first.seconds, 1e-9)
    some = test[: max(LEAST_EVENTS, int(PREDICTED_S * rate))]
    rate = events_per_second(lambda: model.predict_proba(some), len(some))
    latency, slowest = latencies_ms(lambda: model.predict_proba(test[:1]))
    network = isinstance(model, TorchModel)
    stepwise = network or model.comparisons() is not None  # others may report no step, and fit to the end
    steps = _steps(model, splits, device) if network or (stepwise and not fit.alone) else FirstSteps(len(train))
    seconds = fit.seconds
    if not fit.alone and steps.seconds and fit.epochs:
        validation = len(splits["valid"]) / rate if network else 0.0  # trees report after theirs
        seconds = fit.epochs * (steps.seconds + validation)
    return {
        "predict_events_per_s": rate,
        "latency_ms": latency,
        "latency_p99_ms": slowest,
        "control": control_workload(),
        "train_events_per_s": len(train) / max(seconds, 1e-9),
        "train_step_flops": steps.flops,
        "train_step_events": steps.events,
        "predict_flops": predict_flops(model, test),
        "comparisons": model.comparisons(),
        "sample_bytes": test.nbytes / max(len(test), 1),
    }


def predict_flops(model: Model, test: Samples) -> float | None:
    """Floating-point operations of the prediction of one event; None for a model that is no network."""
    if not isinstance(model, TorchModel):
        return None
    some = test[:COUNTED_EVENTS]
    with FlopCounterMode(display=False) as counter:
        model.predict_proba(some)
    return float(counter.get_total_flops()) / max(len(some), 1)


@dataclass
class FirstSteps:
    """The first steps of a training, as its reports of progress tell them.

    train : number of training events. counter : of the operations of the first step, which `counting` ends.
    seconds : of one epoch or round. flops, events : of the first step, if operations are counted.
    """

    train: int
    counter: FlopCounterMode | None = None
    counting: ExitStack = field(default_factory=ExitStack)
    seconds: float | None = None
    flops: float | None = None
    events: int | None = None
    _first: tuple[float, float] = (0.0, 0.0)
    _taken: int = 0

    def report(self, stage: str, done: float, total: float) -> None:  # noqa: ARG002
        """Note a step. Raises EnoughError after enough of them."""
        if stage != "train" or done <= 0:
            return
        self._taken += 1
        if self._taken == 1:
            self.counting.close()  # it takes time
            if self.counter is not None:
                self.flops, self.events = float(self.counter.get_total_flops()), round(done * self.train)
            self._first = time.perf_counter(), done
            return
        elapsed, epochs = time.perf_counter() - self._first[0], done - self._first[1]
        if epochs > 0:
            self.seconds = elapsed / epochs
        if self._taken > 2 and elapsed >= STEPS_S:
            raise EnoughError


def _steps(model: Model, splits: Mapping[str, Samples], device: str) -> FirstSteps:
    """Train a new model of the same parameters for a few steps; without numbers if it reports none, or fails."""
    steps = FirstSteps(len(splits["train"]))
    with steps.counting:
        if isinstance(model, TorchModel):
            steps.counter = steps.counting.enter_context(FlopCounterMode(display=False))
        # a plug-in may raise anything: its costs are unknown then, and its result stands
        with suppress(Exception, EnoughError):
            replace(model).fit(splits["train"], splits["valid"], Context(device=device, report=steps.report))
    leave_if_forked()
    return steps
