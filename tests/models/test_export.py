"""ONNX files: onnxruntime gives the scores that the model gives."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.errors import UserError
from models.bdt import BDT
from models.cnn import CNN
from models.export import EXAMPLES, write_onnx
from models.ffnn import FFNN
from models.inputs import INPUTS, shown_as
from models.network import TorchModel
from tests.models.conftest import particles, rings

if TYPE_CHECKING:
    from pathlib import Path

    from models.inputs import Shape
    from models.model import Model
    from representations.samples import Samples

CASES = {
    "picture": (lambda: CNN(depth=7, width=4, epochs=1, batch_size=16), rings(60, channels=2)),
    "sequence": (lambda: CNN(depth=7, width=4, epochs=1, batch_size=16), particles(60, features=2)),
    "table": (lambda: FFNN(layers=2, units=8, epochs=1, batch_size=16), particles(60, classes=3)),
}


def fitted(make: type[Model], samples: Samples) -> Model:
    model = make()
    model.fit(samples[:40], samples[40:])
    return model


@pytest.mark.parametrize("view", list(CASES))
def test_onnxruntime_gives_the_same_scores(view: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime (the extra `onnx`)")
    pytest.importorskip("onnxscript", reason="needs onnxscript (the extra `onnx`)")
    make, samples = CASES[view]
    model = fitted(make, samples)
    names = write_onnx(model, tmp_path, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    for events in (1, 7, 60):  # other numbers than it was traced with, and other longest lists of particles
        shown = shown_as(model.views, samples, model.name).batch(samples, torch.arange(events))
        (found,) = session.run(["probabilities"], {name: part.numpy() for name, part in zip(names, shown, strict=True)})
        np.testing.assert_allclose(found, model.predict_proba(samples[:events]), atol=1e-6)
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == list(samples.classes)
    assert json.loads(told["columns"]) == list(shown_as(model.views, samples, model.name).shape(samples).columns)


@pytest.mark.parametrize("view", list(CASES))
def test_examples_are_what_the_view_shows(view: str) -> None:
    """The same number of tensors, of the same types and sizes but for the axes that are free."""
    make, samples = CASES[view]
    look = shown_as(make().views, samples, "any")
    places, shown = EXAMPLES[view](look.shape(samples)), look.batch(samples, torch.arange(11))
    for place, part in zip(places, shown, strict=True):
        assert place.example.dtype == part.dtype
        fixed = [axis for axis in range(part.ndim) if axis not in place.free]
        assert [place.example.shape[axis] for axis in fixed] == [part.shape[axis] for axis in fixed]


def test_views_are_views() -> None:
    assert set(EXAMPLES) <= {view for view, _ in INPUTS}


class Counting(nn.Linear):
    """Takes as many steps as the largest number in the batch says, which no graph of operators can."""

    def forward(self, table: Tensor) -> Tensor:
        for _ in range(int(table.abs().max())):
            table = table / 2
        return super().forward(table)


@dataclass(kw_only=True)
class Odd(TorchModel):
    """A network that can't be written."""

    name = "odd"
    views = ("table",)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        return Counting(len(shape.columns), classes)


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    trees = fitted(lambda: BDT(trees=2), particles(60))
    trees.save(tmp_path)
    with pytest.raises(UserError, match=r"bdt: networks alone .* model\.json, model\.ubj in"):
        write_onnx(trees, tmp_path, tmp_path / "model.onnx")
    pytest.importorskip("onnxscript", reason="needs onnxscript (the extra `onnx`)")
    with pytest.raises(UserError, match="odd: torch can't write this network as ONNX"):
        write_onnx(fitted(lambda: Odd(epochs=1), particles(60)), tmp_path, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    model = fitted(CASES["table"][0], particles(60))
    with pytest.raises(UserError, match=r"onnx is not installed\. Type: pip install 'collision-benchmark\[onnx\]'"):
        write_onnx(model, tmp_path, tmp_path / "model.onnx")
