"""Errors in samples or in a training give a status with a reason, for every model; the run continues."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from benchmark.engine import cell as cells
from benchmark.engine.sample_store import Provenance, Represented
from models.ffnn import FFNN
from models.inputs import VIEWS
from models.registry import MODELS
from representations.samples import Ragged, Samples
from tests.benchmark.cells import job, run_cell
from tests.models.conftest import chains, particles, rings

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.result import Result
    from models.inputs import Shape
    from models.model import Model

MAKE = {"fourvectors": particles, "circles": rings, "graph": chains}
"""Samples of each kind that a representation makes."""
BLIND = {"constant", "random"}
"""Models that never use samples: no sample can be wrong for them."""
LOOKING = pytest.mark.parametrize("name", [name for name in MODELS.names() if name not in BLIND])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a cell of ttbar on given samples in place of its own."""

    def on(model: str | Model, train: Samples, test: Samples) -> Result:
        provenance = Provenance(has_signal=True, events_per_s=1.0, made="now")
        shown = Represented({"train": train, "valid": train, "test": test}, provenance)
        monkeypatch.setattr(cells, "represented", lambda *_: shown)
        kinds = viewed(model) if isinstance(model, str) else list(MAKE)
        kind = next((kind for kind in kinds if type(MAKE[kind](1)) is type(train)), kinds[0])
        wanted = job("ttbar", kind, model if isinstance(model, str) else "ffnn")
        wanted = wanted if isinstance(model, str) else replace(wanted, model=model)
        result, scores = run_cell(wanted, tmp_path)
        assert (scores is not None) == (result.status == "done")
        return result

    return on


def outcome(result: Result) -> tuple[str, str]:
    return result.status, result.reason or ""


@pytest.fixture(params=MODELS.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def of_classes(samples: Samples, *labels: int) -> Samples:
    return samples[sum(samples.labels == label for label in labels).bool()]


def viewed(name: str) -> list[str]:
    """The representations that a model has a view of, as it declares."""
    views = getattr(MODELS.load(name)(), "views", ("table",))
    found = [kind for kind, make in MAKE.items() if any((view, type(make(1))) in VIEWS for view in views)]
    assert found
    return found


def test_classes_that_are_not_there(run, name: str):
    for kind in viewed(name)[:1]:
        good = MAKE[kind](60, classes=3)
        one = "only events of class class1 among the training events; at least two classes are needed"
        assert outcome(run(name, of_classes(good, 1), good)) == ("skipped", one)
        assert outcome(run(name, good[:0], good)) == (
            "skipped",
            "no events among the training events; at least two classes are needed",
        )
        assert outcome(run(name, good, of_classes(good, 2)))[0] == "skipped"
        assert outcome(run(name, of_classes(good, 0, 2), good)) == ("done", "")


def test_events_of_nothing(run, name: str):
    """No particle, no pixel, no node in any event: a coin toss, not a crash."""
    for kind in viewed(name):
        samples = MAKE[kind](40, classes=3, empty=range(40))
        result = run(name, samples, samples)
        assert outcome(result) == ("done", "")
        assert name == "random" or abs(result.metrics["auc"].value - 0.5) < 0.01


@LOOKING
def test_samples_that_are_not_finite(run, name: str):
    for kind in viewed(name):
        samples = MAKE[kind](40, classes=3)
        field = next(field for field in ("particles", "values", "nodes") if hasattr(samples, field))
        part = getattr(samples, field)
        numbers = part.values.to(torch.float32), torch.full(part.values.shape, torch.nan)
        good, bad = (replace(samples, **{field: Ragged(values, part.offsets)}) for values in numbers)
        for train, test in ((bad, good), (good, bad)):
            status, reason = outcome(run(name, train, test))
            assert status == "failed"
            assert "NaN" in reason


@LOOKING
def test_samples_of_no_known_kind(run, name: str):
    known = particles(40, classes=3)
    truth = {field: getattr(known, field) for field in ("classes", "labels", "weights", "event_ids", "groups")}
    status, reason = outcome(run(name, *[Samples(**truth, features=torch.zeros(40, 0))] * 2))
    assert status == "skipped"
    assert f"{name}: no view of Samples" in reason


class Explodes(nn.Linear):
    """Its logits are finite at first, and infinite after a step."""

    def forward(self, table: Tensor) -> Tensor:
        return super().forward(table) * (1 if float(self.bias.detach().abs().max()) == 0 else torch.inf)


@dataclass(kw_only=True)
class Exploding(FFNN):
    """A training that diverges."""

    name = "exploding"

    def network(self, shape: Shape, classes: int) -> nn.Module:
        layer = Explodes(len(shape.columns), classes)
        nn.init.zeros_(layer.bias)
        return layer


def test_a_loss_that_is_no_number(run):
    samples = particles(60, classes=3)
    status, reason = outcome(run(Exploding(epochs=2), samples, samples))
    assert status == "failed"
    assert "loss is nan in epoch 1, expected a finite number" in reason
