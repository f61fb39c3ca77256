"""Layers of PyTorch Geometric as a model, for each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch_geometric.data import Batch, Data

from benchmark.core.errors import Skip
from benchmark.core.parameters import parameters_of
from models.model import Context
from models.pyg import Pyg
from models.registry import MODELS
from tests.models.conftest import chains, particles

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = next(found.choices for found in parameters_of(MODELS.find("pyg")) if found.name == "layer")


@pytest.mark.parametrize("layer", LAYERS)
def test_it_learns_and_gives_the_same_scores_when_loaded(layer: str, tmp_path: Path) -> None:
    model = Pyg(layer=layer, width=16, epochs=8, batch_size=16, learning_rate=5e-3)
    train, test = chains(300, seed=0, shift=2, features=1), chains(100, seed=2, shift=2, features=1)
    model.fit(train, test, Context())
    scores = model.predict_proba(test)
    assert roc_auc_score(test.labels == 0, scores[:, 0]) > 0.8
    model.save(tmp_path)
    again = Pyg()
    again.load(tmp_path, Context())
    assert again.layer == layer
    np.testing.assert_allclose(again.predict_proba(test), scores, atol=1e-6)


@pytest.mark.parametrize("layer", LAYERS)
def test_batches_are_those_of_pytorch_geometric(layer: str) -> None:
    """The logits are those of the same layers on batches that PyTorch Geometric makes."""
    graphs = chains(5, seed=1, shift=2, features=1)
    torch.manual_seed(0)
    view = Pyg(layer=layer).view(graphs)
    network = Pyg(layer=layer, width=8).network(view.shape(graphs), 2).eval()
    inputs = view.batch(view.prepare(graphs), torch.arange(5))
    x, edge_attr, edge_index, batch, features = inputs
    split = [
        Data(
            x=x[batch == event],
            edge_attr=edge_attr[batch[edge_index[0]] == event],
            edge_index=edge_index[:, batch[edge_index[0]] == event] - int((batch < event).sum()),
        )
        for event in range(5)
    ]
    joined = Batch.from_data_list(split)
    with torch.inference_mode():
        expected = network(joined.x, joined.edge_attr, joined.edge_index, joined.batch, features)
        torch.testing.assert_close(network(*inputs), expected)


def test_it_runs_when_it_is_named_and_takes_graphs_alone() -> None:
    assert "pyg" in MODELS.names()
    assert "pyg" not in MODELS.core()
    with pytest.raises(Skip, match="pyg"):
        Pyg().accept(particles(4))
