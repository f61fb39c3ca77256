"""A step of training the recursive network, against the same network written node by node and against messages.

The first peer is given its trees ready-made; ours puts its batch together in every step. Both learn the same from the
same weights, which is checked first. The second is our message-passing network on the same jets.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn.functional import cross_entropy

from models.inputs import VIEWS
from models.layers.message_passing import MessageNet
from models.layers.recursion import RecursiveNet
from models.views.merge_trees import MergeTrees
from representations.samples import Vectors
from tests.models.conftest import ragged as lists
from tests.models.conftest import truth
from tests.models.layers.slow_recursion import SlowNet, trees
from tests.models.views.test_trees import jets, ragged
from tests.performance.sizes import MEASURED

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.views.trees import Algorithm
    from tests.performance.conftest import SideBySide

JETS, CONSTITUENTS = 128 if MEASURED else 6, 60


def samples() -> Vectors:
    """Jets with constituents in no order."""
    particles = ragged(jets([CONSTITUENTS] * JETS))
    return Vectors(
        **truth(torch.arange(JETS) % 2, 2),
        particles=lists(particles.lengths, particles.values.to(torch.float32)),
        kinds=lists(particles.lengths, torch.zeros(len(particles.values), dtype=torch.int8)),
        names=("pt", "eta", "phi", "mass"),
        slots={"constituent": CONSTITUENTS},
    )


def step(net: torch.nn.Module, logits: Callable[[], torch.Tensor], labels: torch.Tensor) -> Callable[[], None]:
    """One step of Adam."""
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-4, fused=True)

    def learn() -> None:
        optimiser.zero_grad(set_to_none=True)
        cross_entropy(logits(), labels).backward()
        optimiser.step()

    return learn


@pytest.mark.parametrize("gated", [False, True], ids=["simple", "gated"])
@pytest.mark.parametrize(("topology", "at_least"), [("kt", 50), ("pt-descending", 15)])
def test_against_node_by_node(side_by_side: SideBySide, topology: Algorithm, at_least: float, gated: bool) -> None:
    torch.manual_seed(0)
    view = MergeTrees(topology=topology)
    forest, every = view.prepare(samples()), torch.arange(JETS)
    inputs = view.batch(forest, every)
    net = RecursiveNet(inputs[0].shape[1], 0, 2, units=40, jets=1, gated=gated)
    slow = SlowNet(deepcopy(net))
    nodes, children, _, roots, features = inputs
    theirs = trees(nodes, children, roots[:, 0])

    # in float64, since sums over all nodes of all jets are taken in another order
    exact = [part.double() if part.is_floating_point() else part for part in inputs]
    mine, peer = deepcopy(net).double(), deepcopy(slow).double()
    forests = trees(exact[0], children, roots[:, 0])
    for logits in (mine(*exact), peer(forests, exact[4])):
        cross_entropy(logits, forest.labels).backward()
    torch.testing.assert_close(mine(*exact), peer(forests, exact[4]), atol=1e-5, rtol=1e-5)
    for one, other in zip(mine.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4)

    side_by_side(
        f"recnn, step of {JETS} jets of {CONSTITUENTS}, {topology}, {'gated' if gated else 'simple'}",
        step(net, lambda: net(*view.batch(forest, every)), forest.labels),
        "PyTorch, node by node",
        step(slow, lambda: slow(theirs, features), forest.labels),
        at_least=at_least,
        rounds=3,
        calls=20,
        their_calls=1,
    )


@pytest.mark.parametrize("gated", [False, True], ids=["simple", "gated"])
def test_against_messages(side_by_side: SideBySide, gated: bool) -> None:
    """An mpnn of as many weights; both put their batches together."""
    torch.manual_seed(0)
    trees, nodes = MergeTrees(topology="kt"), VIEWS["nodes", Vectors]
    forest, sets, every = trees.prepare(samples()), nodes.prepare(samples()), torch.arange(JETS)
    inputs, heard = trees.batch(forest, every), nodes.batch(sets, every)
    net = RecursiveNet(inputs[0].shape[1], 0, 2, units=40, jets=1, gated=gated)
    peers = (MessageNet(heard[0].shape[1], heard[-1].shape[1], 2, hidden=hidden) for hidden in range(8, 256))
    other = min(peers, key=lambda peer: abs(weights(peer) - weights(net)))
    assert weights(other) == pytest.approx(weights(net), rel=0.05)
    side_by_side(
        f"recnn, step of {JETS} jets of {CONSTITUENTS}, {'gated' if gated else 'simple'}, {weights(net)} weights",
        step(net, lambda: net(*trees.batch(forest, every)), forest.labels),
        f"our mpnn, {weights(other)} weights",
        step(other, lambda: other(*nodes.batch(sets, every)), sets.labels),
        at_least=1,
        calls=5,
    )


def weights(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())
