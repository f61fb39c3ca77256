"""Deep Sets: the order and the padding of particles do not matter, their number does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.core.errors import Skip, UserError
from models.cnn import CNN
from models.ffnn import FFNN
from models.inputs import Shape
from models.layers.particles import DeepSets
from models.model import Context
from tests.models.conftest import chains, particles, ragged, rings

if TYPE_CHECKING:
    from representations.samples import Vectors

SMALL = {"pooling": "deep-sets", "layers": 1, "units": 16, "dropout": 0.0}


def net(features: int = 1) -> DeepSets:
    torch.manual_seed(0)
    return DeepSets(3, nn.Linear(256 + features, 2)).eval()


def test_deep_sets_is_a_function_of_a_sum() -> None:
    network, event, features = net(), torch.randn(4, 3), torch.randn(1, 1)
    expected = network.hidden(torch.cat([sum(network.each(one[None]) for one in event), features], dim=1))
    found = network(event.T[None], torch.ones(1, 4, dtype=torch.bool), features)
    torch.testing.assert_close(found, expected)
    twice = network(torch.cat([event, event]).T[None], torch.ones(1, 8, dtype=torch.bool), features)
    assert not torch.allclose(twice, expected), "a sum counts, where a mean would not"


def test_order_and_padding_do_not_matter() -> None:
    network, event, features = net(), torch.randn(1, 3, 5), torch.randn(1, 1)
    expected = network(event, torch.ones(1, 5, dtype=torch.bool), features)
    mixed = network(event[:, :, [3, 1, 4, 0, 2]], torch.ones(1, 5, dtype=torch.bool), features)
    torch.testing.assert_close(mixed, expected)
    padded = torch.cat([event, torch.full((1, 3, 4), torch.nan)], dim=2)
    torch.testing.assert_close(network(padded, torch.arange(9)[None] < 5, features), expected)
    assert network(padded, torch.zeros(1, 9, dtype=torch.bool), features).isfinite().all()


def test_the_particle_flow_network_has_the_layers_of_the_paper() -> None:
    model = FFNN(pooling="deep-sets", layers=3, units=100, dropout=0.0)
    network = model.network(Shape("sequence", ("pt", "eta", "phi"), (), ()), 2)
    found = [(part.in_features, part.out_features) for part in network.modules() if isinstance(part, nn.Linear)]
    assert found == [(3, 100), (100, 100), (100, 256), (256, 100), (100, 100), (100, 100), (100, 2)]


def test_it_learns_and_scores_do_not_depend_on_other_events() -> None:
    model = FFNN(epochs=8, batch_size=16, learning_rate=3e-3, **SMALL)
    model.fit(particles(400, features=1), particles(100, features=1, seed=1), Context())
    test = particles(200, features=1, seed=2)
    scores = model.predict_proba(test)
    assert (scores.argmax(1) == test.labels.numpy()).mean() > 0.85
    alone = np.concatenate([model.predict_proba(test[event : event + 1]) for event in range(20)])
    np.testing.assert_allclose(alone, scores[:20], atol=1e-6)


@pytest.mark.parametrize("samples", [rings(20), chains(20)], ids=["pictures", "graphs"])
def test_other_samples_are_skipped(samples: object) -> None:
    with pytest.raises(Skip, match=r"ffnn: no view of .* as sequence"):
        FFNN(epochs=1, **SMALL).fit(samples, samples, Context())


def test_events_without_a_list_of_particles_are_skipped() -> None:
    nothing = ragged(torch.zeros(20, dtype=torch.int64), torch.zeros(0, 0))
    kinds = replace(nothing, values=torch.zeros(0, dtype=torch.int8))
    samples: Vectors = replace(particles(20, features=2), particles=nothing, kinds=kinds, names=(), slots={})
    for model in (FFNN(**SMALL), CNN(depth=7, width=4)):
        with pytest.raises(Skip, match="sequence of 0 columns, 2 features alone, expected particles"):
            model.fit(samples, samples, Context())
    with pytest.raises(UserError, match="'pooling' is 'sum', expected 'table' or 'deep-sets'"):
        FFNN.resolve("smoke", {"pooling": "sum"})
