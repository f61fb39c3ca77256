"""The residual networks: depth, initial weights, masks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.core.errors import Skip, UserError
from models.cnn import CNN
from models.inputs import Shape
from models.layers.particles import SequenceNet
from models.layers.residual import Block, EveryOther, ResidualTrunk
from models.model import Context
from tests.models.conftest import particles, rings

PICTURE = Shape("picture", ("a", "b", "c"), (112, 112))
SEQUENCE = Shape("sequence", ("pt", "eta", "phi"), (), ("mass",))


def convolutions(network: nn.Module) -> int:
    """Number on the longest path, without the 1 x 1 convolutions of skip connections."""
    found = [name for name, part in network.named_modules() if isinstance(part, nn.Conv1d | nn.Conv2d)]
    return sum("skip" not in name for name in found)


@pytest.mark.parametrize("depth", [7, 11, 15, 19])
def test_depth_counts_convolutions(depth: int) -> None:
    for shape in (PICTURE, SEQUENCE):
        assert convolutions(CNN(depth=depth).network(shape, 2)) == depth


def test_resnet_50_has_the_weights_of_torchvision() -> None:
    network = CNN(depth=50, width=64).network(PICTURE, 1000)
    assert convolutions(network) == 49  # and the last layer
    assert sum(weight.numel() for weight in network.parameters()) == 25_557_032  # as torchvision counts


@pytest.mark.parametrize("depth", [0, 3, 8, 16, 34, 107])
def test_other_depths_are_refused(depth: int) -> None:
    with pytest.raises(UserError, match=rf"'depth' is {depth}, expected 7, 11, 15, .* or 50"):
        CNN(depth=depth)


def test_bottlenecks_are_for_pictures() -> None:
    with pytest.raises(Skip, match="depth 50 is for pictures"):
        CNN(depth=50).fit(particles(20), particles(20), Context())


def test_resnet_50_learns_and_accepts_one_event() -> None:
    model = CNN(depth=50, width=2, epochs=1, batch_size=8)
    model.fit(rings(17, size=20), rings(1, size=20), Context())
    assert model.predict_proba(rings(1, size=20)).shape == (1, 2)


@pytest.mark.parametrize(("side", "size"), [(2, (25, 31)), (4, (48, 50))])
def test_a_convolution_of_patches_is_one_with_a_stride(side: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    trunk = ResidualTrunk(3, size, blocks=1, width=4)
    patches, convolution = trunk.body[0], trunk.body[1]
    pictures = torch.rand(2, 3, *size)
    # weight of channel c, row i and column j of a patch: the order of pixel_unshuffle
    weight = convolution.weight.view(4, 3, side, side, 3, 3).permute(0, 1, 4, 2, 5, 3).reshape(4, 3, 3 * side, 3 * side)
    padded = nn.functional.pad(pictures, (side, side + -size[1] % side, side, side + -size[0] % side))
    expected = nn.functional.conv2d(padded, weight, stride=side)
    torch.testing.assert_close(convolution(patches(pictures)), expected, rtol=1e-4, atol=1e-5)
    assert expected.shape[2:] == (-(-size[0] // side), -(-size[1] // side))


def test_the_papers_stem_is_an_option() -> None:
    kernels = {stem: CNN(stem=stem).network(PICTURE, 2).trunks[0].body for stem in ("patches", "paper")}
    assert kernels["paper"][0].weight.shape == (16, 3, 7, 7)
    assert kernels["patches"][1].weight.shape == (16, 3 * 16, 3, 3)
    assert CNN.resolve("paper").stem == "paper"
    assert CNN(depth=50).network(PICTURE, 2).trunks[0].body[0].kernel_size == (7, 7)


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (25, 25), (63, 200), (64, 64), (170, 360)])
@pytest.mark.parametrize("depth", [7, 50])
def test_any_size_of_picture(size: tuple[int, int], depth: int) -> None:
    network = CNN(depth=depth, width=2).network(Shape("picture", ("a",), size, ("f", "g")), 3).eval()
    assert network(torch.rand(2, 1, *size), torch.rand(2, 2)).shape == (2, 3)


@pytest.mark.parametrize("axes", [1, 2])
def test_a_block_starts_as_its_skip_connection(axes: int) -> None:
    x = torch.randn(2, 4, *[6] * axes)
    torch.testing.assert_close(Block(4, 4, axes=axes)(x), x.relu())


def test_activations_do_not_grow_with_depth() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(4, 3, 64, 64)
    spread = [
        float(ResidualTrunk(3, (64, 64), blocks=blocks, width=8)(pictures).abs().mean().detach()) for blocks in (1, 25)
    ]
    assert spread[1] < 10 * spread[0] + 1


def test_padding_does_not_matter() -> None:
    """The same event with more padding, filled with random numbers, gives the same logits."""
    torch.manual_seed(0)
    network = SequenceNet(3, 1, 2, blocks=2, width=8, dropout=0.0).eval()
    for weight in network.parameters():  # zero-initialised branches would hide a mask that is missing
        nn.init.normal_(weight, std=0.3)
    event, features = torch.randn(1, 3, 4), torch.randn(1, 1)
    expected = network(event, torch.ones(1, 4, dtype=torch.bool), features)
    for further in (1, 7):
        padded = torch.cat([event, torch.full((1, 3, further), torch.nan)], dim=2)
        mask = torch.arange(4 + further)[None] < 4
        torch.testing.assert_close(network(padded, mask, features), expected)
    fewer = network(event, torch.tensor([[True, True, True, False]]), features)
    assert not torch.allclose(fewer, expected)


def test_features_reach_the_logits() -> None:
    torch.manual_seed(0)
    for shape, inputs in (
        (SEQUENCE, (torch.randn(1, 3, 4), torch.ones(1, 4, dtype=torch.bool))),
        (Shape("picture", ("a",), (8, 8), ("mass",)), (torch.rand(1, 1, 8, 8),)),
    ):
        network = CNN(depth=7, width=4).network(shape, 2).eval()
        assert not torch.equal(network(*inputs, torch.zeros(1, 1)), network(*inputs, torch.ones(1, 1)))


def test_dropout_acts_only_in_training() -> None:
    network = CNN(depth=7, width=4, dropout=0.5).network(Shape("picture", ("a",), (8, 8)), 2)
    inputs = torch.rand(1, 1, 8, 8), torch.zeros(1, 0)
    torch.manual_seed(0)
    assert len({tuple(network(*inputs)[0].tolist()) for _ in range(5)}) > 1
    network.eval()
    assert len({tuple(network(*inputs)[0].tolist()) for _ in range(5)}) == 1


@pytest.mark.parametrize("size", [6, 7])
def test_every_other_equals_a_stride(size: int) -> None:
    strided, plain = nn.Conv2d(3, 5, 1, 2), nn.Conv2d(3, 5, 1)
    plain.load_state_dict(strided.state_dict())
    x = torch.randn(2, 3, size, size)
    torch.testing.assert_close(plain(EveryOther(2)(x)), strided(x))


def test_no_convolution_of_length_1_has_a_stride() -> None:
    """Its gradient corrupts memory; see EveryOther."""
    parts = [part for depth in (7, 50) for part in CNN(depth=depth).network(PICTURE, 2).modules()]
    assert all(part.stride == (1, 1) for part in parts if isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1))
