"""The fully connected network: its default, and that of the circle paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from models.ffnn import FFNN
from models.inputs import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def table_network(model: FFNN, columns: int = 3) -> nn.Module:
    return model.network(Shape("table", tuple(f"column{place}" for place in range(columns))), 2).eval()


def test_a_rare_value_counts_as_much_as_the_limit() -> None:
    network = table_network(FFNN(limit=4.0))
    far, at_the_limit = torch.tensor([[70.0, 0.3, -9.0]]), torch.tensor([[4.0, 0.3, -4.0]])
    torch.testing.assert_close(network(far), network(at_the_limit))
    assert not torch.allclose(network(far), network(torch.tensor([[3.9, 0.3, -4.0]])))
    free = table_network(FFNN(limit=0.0))
    assert not torch.allclose(free(far), free(at_the_limit))


@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan])
def test_what_is_no_number_is_not_limited(value: float) -> None:
    """The scores are not finite, which is an error of `predict_proba`."""
    assert not table_network(FFNN())(torch.tensor([[value, 0.3, 0.0]])).isfinite().any()


def test_the_recipe_of_the_paper() -> None:
    """5 layers of 500 ReLU units with 50% dropout (arXiv:1708.07034, section 5), and nothing else."""
    paper = FFNN.resolve("quick", {"recipe": "paper"})
    layers = [type(layer) for layer in table_network(paper).children()]  # type: ignore[arg-type]
    assert layers == [nn.Linear, nn.ReLU, nn.Dropout] * 5 + [nn.Linear]
    network = table_network(paper)  # type: ignore[arg-type]
    assert [layer.out_features for layer in network.children() if isinstance(layer, nn.Linear)] == [*[500] * 5, 2]
    assert {layer.p for layer in network.children() if isinstance(layer, nn.Dropout)} == {0.5}
