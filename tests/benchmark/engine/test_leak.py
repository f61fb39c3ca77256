"""With permuted labels nothing can be learned, unless a label leaks into the input of a model."""

from __future__ import annotations

import dataclasses
import zlib
from itertools import product
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest

from benchmark.engine.cell import evaluate
from benchmark.engine.sample_store import represent
from benchmark.metrics.auc import Auc
from benchmark.metrics.metric import Scored
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.data.store import prepare
from tasks.registry import TASKS
from tests.benchmark.cells import EXTRA, TASK_OF, context, every_event, job, planned

if TYPE_CHECKING:
    from pathlib import Path

CONFIDENCE = 0.999
ONLY = {"pyg": "graph"}
"""Models that take one representation alone."""
PAIRS = [
    *((kind, name) for kind, name in product(REPRESENTATIONS.core(), MODELS.names()) if ONLY.get(name, kind) == kind),
    *product(EXTRA, ["bdt"]),
]
CELLS = [(TASK_OF.get(representation, "ttbar"), representation, model) for representation, model in PAIRS]
CELLS += [cell for cell in product(TASKS.core(), REPRESENTATIONS.core(), ["bdt"]) if cell not in CELLS]


TWO_JETS = "ttbar[min_jets=2]"
"""A published board whose events are those of no core task."""


@pytest.mark.parametrize(("task", "representation", "model"), CELLS, ids="-".join)
def test_permuted_labels_are_not_learned(smoke_data: Path, task: str, representation: str, model: str):
    assert_not_learned(smoke_data, task, representation, model)


@pytest.fixture(scope="module")
def two_jets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the smoke data of that board."""
    root, made = tmp_path_factory.mktemp("two-jets"), job(TWO_JETS, "fourvectors", "bdt")
    for part in filter(None, (made.data, made.test)):
        prepare(part, root, 1, lambda *_: None)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("representation", REPRESENTATIONS.core())
def test_permuted_labels_with_two_jets_are_not_learned(two_jets: Path, representation: str):
    assert_not_learned(two_jets, TWO_JETS, representation, "bdt")


def assert_not_learned(data: Path, task: str, representation: str, model: str) -> None:
    made = job(task, representation, model)
    events = every_event(made, data)[::2]  # a label that leaks would give an AUC near 1, also of half of them
    # before splitting, train and test alike; each cell has a permutation of its own, the same every time
    rng = np.random.default_rng(zlib.crc32(f"{task} {representation} {model}".encode()))
    table = ak.with_field(events.table, rng.permutation(events.column("label")), "label")
    permuted = dataclasses.replace(events, table=table)
    item = planned(made, data)
    result, scores = evaluate(item, item.record, represent([permuted], made.representation), context(made))
    assert result.status == "done"
    scored = Scored(scores.events.labels, scores.probabilities, result.classes)
    auc = Auc()(scored, CONFIDENCE)["auc"]
    assert auc.low <= 0.5 <= auc.high, auc
