"""The files of `examples/` run unchanged from the command line, on the samples they are for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from benchmark.engine.progress import Display
from benchmark.engine.request import Request, Settings
from benchmark.engine.runner import run
from models.model import Context
from models.registry import MODELS
from representations.samples import Ragged
from tests.models.conftest import chains
from tests.test_contributing import BLOCKS

if TYPE_CHECKING:
    from representations.samples import Graphs

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
MODELS_BY_FILE = {"gatv2.py:GATv2": "graph", "extra_trees.py:ExtraTrees": "fourvectors"}


def test_every_example_is_run_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {target.partition(":")[0] for target in MODELS_BY_FILE}


@pytest.mark.parametrize("target", list(MODELS_BY_FILE))
def test_it_runs_as_it_stands(target: str, tmp_path: Path) -> None:
    (tmp_path / "peak.py").write_text(BLOCKS["peak.py"], encoding="utf-8")
    request = Request(
        tasks=(f"{tmp_path}/peak.py:Peak",),
        representations=(MODELS_BY_FILE[target],),
        models=(f"{EXAMPLES}/{target}",),
        preset="smoke",
    )
    (result,) = run(request, Settings(tmp_path / "results", tmp_path / "data", 1), Display(quiet=True))
    assert result.status == "done", result.reason


def wide(n: int, seed: int = 0) -> Graphs:
    return chains(n, seed=seed, shift=2, features=1)


def test_attention_over_graphs_learns_and_is_saved(tmp_path: Path) -> None:
    kind = MODELS.load(f"{EXAMPLES}/gatv2.py:GATv2")
    model = kind(width=16, epochs=8, batch_size=16, learning_rate=5e-3)
    train, test = wide(300), wide(100, seed=2)
    model.fit(train, test, Context())
    scores = model.predict_proba(test)
    assert roc_auc_score(test.labels == 0, scores[:, 0]) > 0.85
    model.save(tmp_path)
    again = kind()
    again.load(tmp_path, Context())
    np.testing.assert_array_equal(again.predict_proba(test), scores)
    np.testing.assert_allclose(model.predict_proba(test[4:5]), scores[4:5], atol=1e-6)


def test_attention_reads_the_edges() -> None:
    model = MODELS.load(f"{EXAMPLES}/gatv2.py:GATv2")(width=16, epochs=1)
    samples = wide(60)
    model.fit(samples, samples, Context())
    none = torch.zeros_like(samples.edges.offsets)
    bare = replace(samples, edges=Ragged(samples.edges.values[:0], none))
    assert np.abs(model.predict_proba(bare) - model.predict_proba(samples)).max() > 1e-4
