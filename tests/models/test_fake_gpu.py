"""Views and networks on a fake GPU: devices are not mixed, and numbers are the same as on the CPU.

`test_gpu.py` has the tests on a real one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from models.cnn import CNN
from models.ffnn import FFNN
from models.inputs import VIEWS
from models.mpnn import MPNN
from models.recnn import RecNN
from models.training.batches import Batches
from models.training.penalty import Penalty
from models.training.step import losses
from representations.circles.circles import Circles
from representations.fourvectors.fourvectors import FourVectors
from representations.graph.graph import Graph
from representations.samples import Graphs, Images, Vectors
from tests.models.conftest import chains, films, panels, particles, rings
from tests.models.fake_gpu import gpu, moved
from tests.representations.collisions import random_events

if TYPE_CHECKING:
    from models.network import TorchModel
    from representations.samples import Samples

EVENTS = 60
SAMPLES: dict[str, Samples] = {
    "rings": rings(EVENTS),
    "panels": panels(EVENTS),
    "films": films(EVENTS),
    "particles": particles(EVENTS),
    "chains": chains(EVENTS),
    "circles": Circles(size=56).represent(random_events(EVENTS, 8)),
    "fourvectors": FourVectors().represent(random_events(EVENTS, 8)),
    "graph": Graph().represent(random_events(EVENTS, 8)),
}
MODELS: dict[str, TorchModel] = {
    "picture": CNN(depth=7, width=4),
    "sequence": CNN(depth=7, width=4),
    "edges": CNN(depth=11, width=4),
    "nodes": MPNN(hidden=8),
    "graph": MPNN(hidden=8),
    "tree": RecNN(units=8),
    "table": FFNN(layers=2, units=16, dropout=0.0),
}
PAIRS = [(name, view, kind) for name, samples in SAMPLES.items() for view, kind in VIEWS if isinstance(samples, kind)]
VARIANTS = [
    ("rings", CNN(architecture="vgg", width=4)),
    ("rings", CNN(architecture="jet", width=4)),
    ("rings", CNN(architecture="maxout", width=4)),
    ("films", CNN(architecture="convlstm", width=4)),
    ("rings", CNN(depth=50, width=4)),
    ("particles", FFNN(pooling="deep-sets", layers=1, units=16, dropout=0.0)),
    ("particles", MPNN(hidden=8, adjacency="undirected", readout="set2set")),
    ("particles", MPNN(hidden=8, aggregated=True, readout="sum")),
    ("particles", MPNN(hidden=8, relations=True)),
    ("chains", MPNN(hidden=8, adjacency="undirected", iterations=1)),
    ("chains", MPNN(hidden=8, adjacency="identity")),
    ("chains", MPNN(hidden=8, relations=True)),
    ("particles", RecNN(units=8, gated=False)),
    ("particles", RecNN(units=8, jets=3)),
    ("particles", RecNN(units=8, topology="pt-descending")),
]
INDEX = torch.tensor([3, 0, 7, 7, 20, 59, 41, 5])


def learned(network: torch.nn.Module, inputs: Any, labels: torch.Tensor) -> torch.Tensor:
    """Logits; the network then holds gradients."""
    logits = network(*inputs)
    cross_entropy(logits, labels).backward()
    return logits.detach()


@pytest.mark.parametrize("prepared", ["device", "cpu"])
@pytest.mark.parametrize(("name", "view_name", "kind"), PAIRS, ids=lambda part: part if isinstance(part, str) else "")
def test_a_step_is_the_same(name: str, view_name: str, kind: type[Samples], prepared: str) -> None:
    """For samples that are prepared on the device, or before they are moved to it."""
    compare(MODELS[view_name], SAMPLES[name], prepared)


@pytest.mark.parametrize(("name", "model"), VARIANTS, ids=lambda part: part if isinstance(part, str) else part.name)
def test_a_step_of_variants_is_the_same(name: str, model: TorchModel) -> None:
    compare(model, SAMPLES[name], "device")


def compare(model: TorchModel, samples: Samples, prepared: str) -> None:
    """Compare logits and gradients of a batch; a step on the device never makes the host wait."""
    view = model.view(samples)
    torch.manual_seed(0)
    network = model.network(view.shape(samples), len(samples.classes)).eval()
    labels = torch.arange(len(INDEX)) % len(samples.classes)
    ready = view.prepare(samples)
    expected = learned(network, view.batch(ready, INDEX), labels)
    with gpu() as waits:
        own = view.prepare(samples.to("cuda")).to("cuda") if prepared == "device" else ready.to("cuda")
        inputs, answers, other = view.batch(own, INDEX.to("cuda")), labels.to("cuda"), moved(network)
        assert {part.device.type for part in inputs} == {"cuda"}
        waits.clear()
        logits = learned(other, inputs, answers)
        assert not waits, "a step that makes the host wait can't be recorded"
        logits = logits.cpu()
        gradients = [parameter.grad.cpu() for parameter in other.parameters() if parameter.grad is not None]
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    found = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    scale = max(float(gradient.abs().max()) for gradient in found)
    for mine, theirs in zip(gradients, found, strict=True):
        torch.testing.assert_close(mine / scale, theirs / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_the_same(name: str) -> None:
    """All arrays that samples can return are bit-identical."""

    def arrays(samples: Samples, index: torch.Tensor) -> list[torch.Tensor]:
        match samples:
            case Images():
                several = len(samples.panels) > 1
                pictures = samples.dense_panels(index) if several else (samples.dense(index), samples.stored(index))
                return [*pictures, *samples.entries(index), samples.pixels.take(index).values]
            case Vectors():
                return [*samples.padded(index, samples.capacity), samples.particles.take(index).values]
            case Graphs():
                joined = samples.joined(index)
                return [joined.nodes, joined.event, joined.pairs, *joined.edges]
        raise AssertionError(f"unknown kind {type(samples).__name__}")

    expected = arrays(SAMPLES[name], INDEX)
    with gpu():
        found = [part.cpu() for part in arrays(SAMPLES[name].to("cuda"), INDEX.to("cuda"))]
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize(("name", "view_name", "kind"), PAIRS, ids=lambda part: part if isinstance(part, str) else "")
def test_batches_are_the_same(name: str, view_name: str, kind: type[Samples]) -> None:
    """Inputs, masses, weights, losses with their penalty, and standardisation."""
    samples, view = SAMPLES[name], VIEWS[view_name, kind]
    mass = 90 + 60 * torch.rand(EVENTS, generator=torch.Generator().manual_seed(0))
    samples = replace(samples, mass=mass)
    logits = torch.randn(len(INDEX), len(samples.classes), generator=torch.Generator().manual_seed(1))
    penalty = Penalty(strength=1.0, neighbours=3)
    on_cpu = Batches(view, samples, "cpu")
    with gpu() as waits:
        on_gpu = Batches(view, samples, "cuda")
        own = on_gpu(INDEX.to("cuda"))
        on_device = logits.to("cuda")
        waits.clear()
        lost = losses(on_device, own, penalty)
        assert not waits
        assert on_gpu.order(torch.Generator().manual_seed(0)).is_cuda
        found = [lost.cpu(), *(part.cpu() for part in own[1:])]
        measured = [None if part is None else tuple(one.cpu() for one in part) for part in on_gpu.moments()]
    batch = on_cpu(INDEX)
    for mine, expected in zip(found, [losses(logits, batch, penalty), *batch[1:]], strict=True):
        torch.testing.assert_close(mine, expected, equal_nan=True, atol=1e-5, rtol=1e-5)
    for part, known in zip(measured, on_cpu.moments(), strict=True):
        assert (part is None) == (known is None)
        if part is not None and known is not None:
            torch.testing.assert_close(part, known, atol=1e-4, rtol=1e-4)


def test_the_fake_gpu_refuses_what_a_real_one_does() -> None:
    on_cpu = torch.ones(3)
    with gpu() as waits:
        on_gpu = on_cpu.to("cuda")
        assert (on_gpu.device.type, on_gpu.is_cuda, (on_gpu + 1).device.type) == ("cuda", True, "cuda")
        with pytest.raises(RuntimeError, match=r"on one device, found one of \(3,\) on the CPU"):
            on_gpu + on_cpu
        with pytest.raises(RuntimeError, match=r"on one device"):
            torch.cat([on_gpu, on_cpu])
        with pytest.raises(RuntimeError):
            on_cpu[torch.tensor([0, 1], device="cuda")]
        with pytest.raises(RuntimeError, match="numpy"):
            on_gpu.numpy()
        assert not waits
        assert on_gpu[torch.tensor([0])].tolist() == [1.0]
        assert len(on_gpu[on_gpu > 0]) == 3
        assert len(waits) == 2, "the host waits for a list and a mask"
    np.testing.assert_array_equal(on_cpu.numpy(), 1)
