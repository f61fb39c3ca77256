"""ONNX files: onnxruntime gives the scores of the model."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.core.errors import UserError
from models.bdt import BDT
from models.cnn import CNN
from models.export import write_onnx
from models.ffnn import FFNN
from models.inputs import VIEWS, Shape
from models.model import Context
from models.mpnn import MPNN
from models.network import TorchModel
from models.recnn import RecNN
from tests.models.conftest import chains, films, panels, particles, rings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.model import Model
    from representations.samples import Samples

SMALL: dict[str, Any] = {"epochs": 1, "batch_size": 16}
VECTORS, PICTURES, GRAPHS = particles(60, features=2, empty=[3]), rings(60, channels=2), chains(60, empty=[1])
CASES: dict[str, tuple[Callable[[], TorchModel], Samples]] = {
    "resnet on pictures": (lambda: CNN(depth=7, width=4, **SMALL), PICTURES),
    "resnet-50": (lambda: CNN(depth=50, width=4, **SMALL), PICTURES),
    "vgg": (lambda: CNN(architecture="vgg", width=4, **SMALL), PICTURES),
    "jet": (lambda: CNN(architecture="jet", width=4, **SMALL), PICTURES),
    "maxout": (lambda: CNN(architecture="maxout", width=4, **SMALL), PICTURES),
    "convlstm": (lambda: CNN(architecture="convlstm", width=4, **SMALL), films(60)),
    "resnets of three panels": (lambda: CNN(depth=7, width=4, **SMALL), panels(60)),
    "convolutions along particles": (lambda: CNN(depth=7, width=4, **SMALL), VECTORS),
    "edge convolutions": (lambda: CNN(depth=11, width=4, **SMALL), GRAPHS),
    "ffnn on particles": (lambda: FFNN(layers=2, units=8, **SMALL), particles(60, classes=3)),
    "ffnn on pictures": (lambda: FFNN(layers=2, units=8, **SMALL), PICTURES),
    "ffnn on graphs": (lambda: FFNN(layers=2, units=8, **SMALL), GRAPHS),
    "deep sets": (lambda: FFNN(pooling="deep-sets", layers=1, units=8, **SMALL), VECTORS),
    "mpnn on particles": (lambda: MPNN(hidden=8, **SMALL), VECTORS),
    "mpnn on pictures": (lambda: MPNN(hidden=8, **SMALL), PICTURES),
    "mpnn on graphs": (lambda: MPNN(hidden=8, adjacency="undirected", **SMALL), GRAPHS),
    "set2set": (lambda: MPNN(hidden=8, adjacency="identity", readout="set2set", aggregated=True, **SMALL), VECTORS),
    "relations": (lambda: MPNN(hidden=8, relations=True, **SMALL), VECTORS),
    "relations along edges": (lambda: MPNN(hidden=8, relations=True, **SMALL), GRAPHS),
}
LONG = ("resnet-50", "mpnn on pictures", "relations along edges")
"""Shorter cases have the same layers and views."""


def fitted(make: Callable[[], Model], samples: Samples) -> Model:
    model = make()
    model.fit(samples[:40], samples[40:], Context())
    return model


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in CASES]
)
def test_onnxruntime_gives_the_same_scores(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime (the extra `onnx`)")
    pytest.importorskip("onnxscript", reason="needs onnxscript (the extra `onnx`)")
    make, samples = CASES[name]
    model = fitted(make, samples)
    assert isinstance(model, TorchModel)
    names = write_onnx(model, tmp_path, tmp_path / "model.onnx", samples.classes)
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    view = model.view(samples)
    for events in (1, 7, 60):  # other sizes than those it was traced with
        some = samples[torch.arange(events)]
        inputs = view.batch(view.prepare(some), torch.arange(events))
        (found,) = session.run(
            ["probabilities"], {name: part.numpy() for name, part in zip(names, inputs, strict=True)}
        )
        np.testing.assert_allclose(found, model.predict_proba(some), atol=1e-6)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == list(samples.classes)
    assert json.loads(metadata["columns"]) == list(view.shape(samples).columns)


@pytest.mark.parametrize("name", list(CASES))
def test_onnx_inputs_are_like_batches_of_the_view(name: str) -> None:
    """As many tensors, of the same types and sizes except along free axes."""
    make, samples = CASES[name]
    view = make().view(samples)
    examples, inputs = view.onnx_inputs(view.shape(samples)), view.batch(view.prepare(samples), torch.arange(11))
    for example, part in zip(examples, inputs, strict=True):
        assert example.example.dtype == part.dtype
        fixed = [axis for axis in range(part.ndim) if axis not in example.free_axes]
        assert [example.example.shape[axis] for axis in fixed] == [part.shape[axis] for axis in fixed]


def test_every_view_has_onnx_inputs_or_says_why_not(tmp_path: Path) -> None:
    written = {make().view(samples).name for make, samples in CASES.values()}
    for (name, _), view in VIEWS.items():
        if name not in written:
            with pytest.raises(UserError, match=rf"networks on the view '{name}' can't be written as ONNX: \w+"):
                view.onnx_inputs(Shape(name, ()))
    assert written == {name for name, _ in VIEWS} - {"tree"}
    with pytest.raises(UserError, match="on the view 'tree' can't be written as ONNX: their number of steps is"):
        write_onnx(
            fitted(lambda: RecNN(units=4, epochs=1), VECTORS), tmp_path, tmp_path / "model.onnx", VECTORS.classes
        )


class Counting(nn.Linear):
    """Takes as many steps as the largest value in the batch, which an ONNX graph can't."""

    def forward(self, table: Tensor) -> Tensor:
        for _ in range(int(table.abs().max())):
            table = table / 2
        return super().forward(table)


@dataclass(kw_only=True)
class Odd(TorchModel):
    """A network that can't be written as ONNX."""

    name = "odd"
    views = ("table",)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        return Counting(len(shape.columns), classes)


def test_networks_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    trees = fitted(lambda: BDT(trees=2), particles(60))
    trees.save(tmp_path)
    with pytest.raises(UserError, match=r"bdt: only networks .* model\.ubj in"):
        write_onnx(trees, tmp_path, tmp_path / "model.onnx", VECTORS.classes)
    pytest.importorskip("onnxscript", reason="needs onnxscript (the extra `onnx`)")
    odd = fitted(lambda: Odd(epochs=1), particles(60))
    with pytest.raises(UserError, match="odd: torch can't write this network as ONNX"):
        write_onnx(odd, tmp_path, tmp_path / "model.onnx", VECTORS.classes)
    with pytest.raises(UserError, match=r"fitted for the classes \('class0', 'class1'\), but the task has"):
        write_onnx(odd, tmp_path, tmp_path / "model.onnx", VECTORS.classes[::-1])
    assert not (tmp_path / "model.onnx").exists()


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    make, samples = CASES["ffnn on particles"]
    model = fitted(make, samples)
    with pytest.raises(UserError, match=r"onnx is not installed\. Type: pip install onnx onnxruntime onnxscript"):
        write_onnx(model, tmp_path, tmp_path / "model.onnx", samples.classes)
