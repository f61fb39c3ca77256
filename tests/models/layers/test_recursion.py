"""The recursive network against one that is written node by node, its gradients, and its number of weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from models.layers.recursion import RecursiveNet, sizes
from models.layers.recursive_units import Gated, Simple
from models.views.merge_trees import MergeTrees
from models.views.trees import ALGORITHMS
from tests.models.conftest import particles
from tests.models.layers.slow_recursion import SlowNet, trees

BOTH = pytest.mark.parametrize("gated", [False, True], ids=["simple", "gated"])


def network_inputs(view: MergeTrees, n: int = 9, *, seed: int = 0, empty: tuple[int, ...] = ()) -> list[Tensor]:
    """Inputs of a network in float64."""
    samples = particles(n, seed=seed, features=2, empty=empty)
    samples = replace(samples, features=torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)))
    parts = view.batch(view.prepare(samples), torch.arange(n))
    return [part.double() if part.is_floating_point() else part for part in parts]


def network(parts: list[Tensor], *, gated: bool, jets: int = 1, units: int = 6) -> RecursiveNet:
    torch.manual_seed(0)
    net = RecursiveNet(parts[0].shape[1], parts[-1].shape[1], 3, units=units, jets=jets, gated=gated).double()
    for name, weight in net.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(weight)  # zeros would hide a misplaced bias
    return net


def gradients(net: nn.Module, logits: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(logits.square().sum(), list(net.parameters())))


@BOTH
@given(topology=st.sampled_from(ALGORITHMS), n=st.integers(1, 12), seed=st.integers(0, 99), padded=st.booleans())
@settings(max_examples=25, deadline=None)
def test_scores_and_gradients_equal_a_recursion(topology: str, n: int, seed: int, padded: bool, gated: bool) -> None:
    parts = network_inputs(MergeTrees(topology=topology, padded=padded), n, seed=seed, empty=(0,))
    net = network(parts, gated=gated)
    slow = SlowNet(net)
    nodes, children, _, roots, features = parts
    ours, theirs = net(*parts), slow(trees(nodes, children, roots[:, 0]), features)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)
    if len(children):  # without merged nodes the slow network has no gradients
        torch.testing.assert_close(gradients(net, ours), gradients(slow, theirs), atol=1e-8, rtol=1e-8)


@BOTH
def test_in_float32_as_well(gated: bool) -> None:
    parts = [part.float() if part.is_floating_point() else part for part in network_inputs(MergeTrees(), 40)]
    net = network(parts, gated=gated, units=40).float()
    nodes, children, _, roots, features = parts
    theirs = SlowNet(net)(trees(nodes, children, roots[:, 0]), features)
    ours = net(*parts)
    scale = float(theirs.detach().abs().max())
    torch.testing.assert_close(ours / scale, theirs / scale, atol=1e-6, rtol=0)


@pytest.mark.parametrize("unit", [Simple, Gated])
def test_gradients_equal_finite_differences(unit: type[torch.autograd.Function]) -> None:
    """Also of jets: several roots per event, some of them leaves."""
    nodes, children, ends, roots, _ = network_inputs(MergeTrees(jets=2), 4)
    q = 3
    torch.manual_seed(0)
    own = torch.randn(len(nodes), q, dtype=torch.float64).index_fill_(0, torch.tensor([0]), 0.0)
    layers = [(q, 3 * q)] if unit is Simple else [(q, 3 * q), (3 * q, 3 * q), (4 * q, 4 * q)]
    weights = [
        torch.randn(size, dtype=torch.float64) for rows, columns in layers for size in ((rows, columns), (rows,))
    ]
    there = roots[roots > 0]  # the result of row 0 is not used

    def found(own: Tensor, *weights: Tensor) -> Tensor:
        return unit.apply(own, children, sizes(ends, len(children)), there, *weights)

    inputs = [part.requires_grad_() for part in (own, *weights)]
    assert torch.autograd.gradcheck(found, inputs)


@BOTH
def test_number_of_weights_is_that_of_the_paper(gated: bool) -> None:
    """8,481 in the simple and 48,761 in the gated network (section 5.1), with seven columns and one logit."""
    net = RecursiveNet(7, 0, 1, units=40, jets=1, gated=gated)
    assert sum(weight.numel() for weight in net.parameters()) == (48_761 if gated else 8_481)


@BOTH
@pytest.mark.parametrize("jets", [1, 3, 12])
def test_padding_does_not_matter(gated: bool, jets: int) -> None:
    plain = network_inputs(MergeTrees(jets=jets), empty=(2,))
    padded = network_inputs(MergeTrees(jets=jets, padded=True), empty=(2,))
    net = network(plain, gated=gated, jets=jets)
    torch.testing.assert_close(net(*plain), net(*padded))
    ours, other = (gradients(net, net(*parts)) for parts in (plain, padded))
    torch.testing.assert_close(ours, other)
    assert all(part.isfinite().all() for part in ours)


def test_jets_are_read_one_by_one() -> None:
    """The state after the last jet from a GRU cell in a loop, with jets in falling pt; zeros without jets."""
    parts = network_inputs(MergeTrees(jets=4), 8, empty=(5,))
    net = network(parts, gated=True, jets=4)
    nodes, children, ends, roots, features = parts
    cell = nn.GRUCell(net.chain.input_size, net.chain.hidden_size).double()
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in net.chain.state_dict().items()})
    states = []
    for event in roots:
        state = torch.zeros(1, net.chain.hidden_size, dtype=torch.float64)
        for root in event[event > 0]:
            embedding = net.embedding(nodes, children, ends, root[None])
            state = cell(torch.cat([embedding, nodes[root[None]]], dim=1), state)
        states.append(state)
    expected = net.classifier(torch.cat([torch.cat(states), features], dim=1))
    torch.testing.assert_close(net(*parts), expected)
