"""Trunks of several panels, and networks other than residual ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.core.errors import Skip, UserError
from models.cnn import CNN
from models.inputs import Shape
from models.layers.pictures import ConvLSTM, ConvLSTMTrunk, LocalResponseNorm, Maxout, PictureNet, samples_in_time
from models.layers.residual import ResidualTrunk
from models.model import Context
from tests.models.conftest import chains, films, particles, rings

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = tuple(f"sample{time}" for time in range(4))


def picture(size: tuple[int, int], *columns: str) -> Shape:
    return Shape("picture", columns or ("a", "b"), size)


def panels(*shapes: Shape) -> Shape:
    return Shape("picture", tuple(name for shape in shapes for name in shape.columns), (), (), shapes)


def test_a_single_picture_has_no_hidden_layer() -> None:
    network = CNN(depth=7, width=4).network(picture((20, 20)), 3).eval()
    (trunk,) = network.trunks
    inputs = torch.rand(5, 2, 20, 20)
    last = network.head.layers[-1]
    torch.testing.assert_close(network(inputs, torch.zeros(5, 0)), last(trunk(inputs)))
    assert (last.in_features, last.bias.shape) == (8, (3,))


def test_panels_have_their_own_trunks_and_one_head() -> None:
    shape = panels(picture((20, 30)), picture((10, 10), "a"), picture((10, 10), "a"))
    network = CNN(depth=15, width=4).network(shape, 3).eval()
    inputs = torch.rand(5, 2, 20, 30), torch.rand(5, 1, 10, 10), torch.rand(5, 1, 10, 10)
    features = torch.zeros(5, 0)
    found = torch.cat([trunk(part) for trunk, part in zip(network.trunks, inputs, strict=True)], dim=1)
    torch.testing.assert_close(network(*inputs, features), network.head(found, features))
    assert found.shape == (5, 3 * 8)
    assert len({id(weight) for weight in network.parameters()}) == len(list(network.parameters()))
    assert not torch.allclose(network.trunks[1](inputs[1]), network.trunks[2](inputs[1]))
    for place in range(3):
        empty = [torch.zeros_like(part) if place == n else part for n, part in enumerate(inputs)]
        assert not torch.allclose(network(*empty, features), network(*inputs, features))
    with pytest.raises(ValueError, match="argument 2"):
        network(*inputs[:2], features)


def test_panels_that_differ_in_a_number_share_a_trunk() -> None:
    shower = [picture((12, 12), f"shower{number}_ecal") for number in (1, 2)]
    shape = panels(shower[0], picture((20, 30), "barrel_ecal"), shower[1])
    network = CNN(depth=7, width=4).network(shape, 3).eval()
    assert len(network.trunks) == 2
    first, barrel, second = torch.rand(5, 1, 12, 12), torch.rand(5, 1, 20, 30), torch.rand(5, 1, 12, 12)
    features = torch.zeros(5, 0)
    alike, other = network.trunks
    expected = network.head(torch.cat([alike(first), other(barrel), alike(second)], dim=1), features)
    torch.testing.assert_close(network(first, barrel, second, features), expected)
    assert not torch.allclose(network(second, barrel, first, features), expected)  # the head tells them apart
    samples = panels(*(picture((12, 12), f"sample{number}") for number in (1, 2)))
    assert len(CNN(depth=7, width=4).network(samples, 3).trunks) == 2  # numbers of channels, not of panels
    sizes = panels(shower[0], picture((10, 12), "shower2_ecal"))
    assert len(CNN(depth=7, width=4).network(sizes, 3).trunks) == 2


@pytest.mark.parametrize("supported", [False, True])
def test_training_steps_in_bfloat16_where_the_processor_has_it(
    supported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.layers.pictures.has_bfloat16", lambda: supported)
    torch.manual_seed(0)
    network = CNN(depth=7, width=4).network(picture((20, 20)), 3)
    inputs, features = torch.rand(5, 2, 20, 20), torch.zeros(5, 0)
    seen = []
    network.trunks[0].register_forward_hook(lambda _module, _inputs, output: seen.append(output.dtype))
    rough = network.train()(inputs, features)
    exact = network.eval()(inputs, features)
    assert seen == [torch.bfloat16 if supported else torch.float32, torch.float32]
    assert rough.dtype == exact.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.02 if supported else 1e-6)
    rough.square().sum().backward()
    assert {weight.grad.dtype for weight in network.parameters()} == {torch.float32}


def test_weights_are_those_of_the_trunks_and_the_head() -> None:
    trunks = [ResidualTrunk(1, (12, 12), blocks=1, width=4) for _ in range(3)]
    each = sum(weight.numel() for weight in trunks[0].parameters())
    network = PictureNet(trunks, 2, 3, dropout=0.0)
    head = (3 * 8 + 2) * 64 + 64 + 64 * 3 + 3
    assert sum(weight.numel() for weight in network.parameters()) == 3 * each + head


@pytest.mark.parametrize("architecture", ["resnet", "vgg", "jet", "maxout", "convlstm"])
class TestArchitectures:
    @pytest.mark.parametrize("size", [(1, 1), (5, 9), (25, 25), (33, 64)])
    def test_any_size(self, architecture: str, size: tuple[int, int]) -> None:
        network = CNN(architecture=architecture, depth=7, width=2).network(picture(size, *SAMPLES), 3).eval()
        inputs = torch.rand(2, 4, *size)
        logits = network(inputs, torch.zeros(2, 0))
        assert logits.shape == (2, 3)
        torch.testing.assert_close(network(inputs[:1], torch.zeros(1, 0)), logits[:1])

    def test_all_weights_have_gradients(self, architecture: str) -> None:
        torch.manual_seed(0)
        network = CNN(architecture=architecture, depth=7, width=4).network(picture((16, 16), *SAMPLES), 2)
        for weight in network.parameters():  # zero-initialised branches pass no gradient at first
            nn.init.normal_(weight, std=0.3)
        network(torch.rand(8, 4, 16, 16), torch.zeros(8, 0)).square().sum().backward()
        assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())

    def test_every_channel_reaches_the_logits(self, architecture: str) -> None:
        torch.manual_seed(0)
        names = (*SAMPLES, "tracks")
        network = CNN(architecture=architecture, depth=7, width=4).network(picture((16, 16), *names), 2).eval()
        inputs = torch.rand(8, 5, 16, 16, requires_grad=True)
        network(inputs, torch.zeros(8, 0)).square().sum().backward()
        assert inputs.grad is not None
        assert (inputs.grad.abs().sum((0, 2, 3)) > 0).all()

    def test_several_panels(self, architecture: str) -> None:
        both = panels(picture((8, 12), *[f"barrel_{name}" for name in SAMPLES]), picture((6, 6), *SAMPLES))
        network = CNN(architecture=architecture, depth=7, width=2).network(both, 2).eval()
        assert network(torch.rand(3, 4, 8, 12), torch.rand(3, 4, 6, 6), torch.zeros(3, 0)).shape == (3, 2)


@pytest.mark.parametrize("architecture", ["vgg", "jet", "maxout", "convlstm"])
def test_they_learn_save_and_load(architecture: str, tmp_path: Path) -> None:
    make = films if architecture == "convlstm" else rings
    model = CNN(architecture=architecture, width=4, epochs=6, batch_size=16, learning_rate=4e-3)
    model.fit(make(300, seed=1), make(60, seed=2), Context())
    test = make(100, seed=3)
    scores = model.predict_proba(test)
    assert (scores.argmax(1) == test.labels.numpy()).mean() > 0.9
    model.save(tmp_path)
    again = CNN()
    again.load(tmp_path, Context())
    assert again.architecture == architecture
    np.testing.assert_array_equal(again.predict_proba(test), scores)


@pytest.mark.parametrize("architecture", ["vgg", "jet", "maxout", "convlstm"])
def test_other_views_are_skipped(architecture: str) -> None:
    for samples, view in ((particles(20), "sequence"), (chains(20), "edges")):
        with pytest.raises(Skip, match=f"architecture {architecture} is for pictures, .* view is {view}"):
            CNN(architecture=architecture).fit(samples, samples, Context())


def test_pictures_that_do_not_fit_are_skipped() -> None:
    with pytest.raises(Skip, match=r"2 x 91 x 91 = 16,562 pixels, expected at most 16,384\. Use a jet image"):
        CNN(architecture="maxout").network(picture((91, 91)), 2)
    with pytest.raises(Skip, match=r"needs pictures in time \(channels sample0, .* these have a, b\. Use egamma"):
        CNN(architecture="convlstm").network(picture((9, 9)), 2)
    with pytest.raises(UserError, match="'architecture' is 'lenet', expected 'resnet', 'vgg'"):
        CNN.resolve("smoke", {"architecture": "lenet"})


def test_vgg_11_has_the_layers_of_the_paper() -> None:
    """Table 1, configuration A: the convolutions and their channels."""
    network = CNN(architecture="vgg", width=64).network(picture((32, 32), "r", "g", "b"), 10)
    found = [part.out_channels for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert found == [64, 128, 256, 256, 512, 512, 512, 512]
    assert sum(isinstance(part, nn.MaxPool2d) for part in network.modules()) == 5


def test_the_jet_network_has_the_layers_of_the_paper() -> None:
    network = CNN(architecture="jet").network(picture((25, 25), "pt"), 2)
    found = [(part.out_channels, part.kernel_size) for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert found == [(32, (11, 11)), (32, (3, 3)), (32, (3, 3))]
    assert network.trunks[0].outputs == 64


def test_maxout_has_the_layers_of_the_paper() -> None:
    network = CNN(architecture="maxout").network(picture((25, 25), "pt"), 2)
    found = [(part.in_features, part.out_features) for part in network.modules() if isinstance(part, nn.Linear)]
    assert found == [(625, 5 * 256), (256, 5 * 128), (128, 64), (64, 25), (25, 2)]


def test_a_maxout_unit_is_its_largest_linear_function() -> None:
    layer, x = Maxout(3, 2).requires_grad_(False), torch.randn(4, 3)
    weight, bias = layer.linear.weight.view(2, 5, 3), layer.linear.bias.view(2, 5)
    expected = [[max(float(w @ row + b) for w, b in zip(weight[u], bias[u], strict=True)) for u in (0, 1)] for row in x]
    torch.testing.assert_close(layer(x), torch.tensor(expected))


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_local_response_equals_that_of_torch(channels: int) -> None:
    x = 10 * torch.randn(2, channels, 3, 4)
    ours, theirs = LocalResponseNorm(alpha=0.1), nn.LocalResponseNorm(5, alpha=0.1)
    torch.testing.assert_close(ours(x), theirs(x))


def test_samples_are_found_by_time() -> None:
    assert samples_in_time(("tracks", "sample1", "sample0", "sample10", "sample2")) == [2, 1, 4, 3]
    assert samples_in_time(("endcap_minus_sample1", "endcap_minus_sample0", "samples", "sample")) == [1, 0]


def test_memory_equals_an_lstm() -> None:
    """On pictures of one pixel only the middle of a filter matters, as in the LSTM of torch."""
    torch.manual_seed(0)
    ours, theirs = ConvLSTM(3, 5), nn.LSTM(3, 5)
    order = [0, 1, 3, 2]  # torch has the new memory before the output gate
    with torch.no_grad():
        for name, weight in (("ih", ours.seen.weight), ("hh", ours.remembered.weight)):
            parts = weight[:, :, 1, 1].chunk(4)
            getattr(theirs, f"weight_{name}_l0").copy_(torch.cat([parts[place] for place in order]))
        theirs.bias_ih_l0.copy_(torch.cat([ours.seen.bias.chunk(4)[place] for place in order]))
        theirs.bias_hh_l0.zero_()
    steps = torch.randn(6, 4, 3)  # times, batch, inputs
    found = ours(steps.flatten(0, 1)[:, :, None, None], 6)
    torch.testing.assert_close(found[:, :, 0, 0], theirs(steps)[0][-1])


def test_order_of_times_matters() -> None:
    torch.manual_seed(0)
    trunk = ConvLSTMTrunk([0, 1, 2, 3], 4, width=4).eval()
    inputs = torch.rand(2, 4, 8, 8)
    assert not torch.allclose(trunk(inputs), trunk(inputs.flip(1)))
    assert trunk.memory.seen.bias[4:8].tolist() == [1.0] * 4
