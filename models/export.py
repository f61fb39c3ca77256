"""Networks as ONNX files, which need neither this program nor torch to be used."""

from __future__ import annotations

import json
import logging
import warnings
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmark.core.errors import UserError
from benchmark.core.files import write_atomically
from models.network import TorchModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from models.inputs import Shape
    from models.model import Model

EVENTS, PLACES, SENDERS = 3, 8, 5
"""Events, particles and neighbours of the example that a network is traced with; what is shown later may have any."""


class Place(NamedTuple):
    """One tensor that a network is shown: its name, an example, and the axes that may have any size."""

    name: str
    example: Tensor
    free: tuple[int, ...] = (0,)


def _table(shape: Shape) -> list[Place]:
    return [Place("table", torch.zeros(EVENTS, len(shape.columns)))]


def _pictures(shape: Shape) -> list[Place]:
    panels = shape.panels or (shape,)
    names = ["picture"] if len(panels) == 1 else [f"picture{number}" for number in range(1, len(panels) + 1)]
    examples = [torch.zeros(EVENTS, len(panel.columns), *panel.size) for panel in panels]
    return [*map(Place, names, examples), *_features(shape)]


def _sequence(shape: Shape) -> list[Place]:
    return [*_places("particles", shape), *_features(shape)]


def _nodes(shape: Shape) -> list[Place]:
    return [*_places("nodes", shape), *_features(shape)]


def _graph(shape: Shape) -> list[Place]:
    senders = Place("senders", torch.zeros(EVENTS, PLACES, SENDERS, dtype=torch.int64), (0, 1, 2))
    pairs = Place("pairs", torch.zeros(EVENTS, shape.size[0], PLACES, SENDERS), (0, 2, 3))
    joined = Place("joined", torch.ones(EVENTS, PLACES, SENDERS, dtype=torch.bool), (0, 1, 2))
    return [*_places("nodes", shape), senders, pairs, joined, *_features(shape)]


def _edges(shape: Shape) -> list[Place]:
    nodes = Place("nodes", torch.zeros(EVENTS * PLACES, len(shape.columns)))
    pairs = Place("pairs", torch.zeros(EVENTS * SENDERS, shape.size[0]))
    ends = Place("ends", torch.arange(EVENTS * SENDERS).remainder(EVENTS * PLACES).repeat(2, 1), (1,))
    events = Place("events", torch.arange(EVENTS).repeat_interleave(PLACES))
    return [nodes, pairs, ends, events, *_features(shape)]


def _places(name: str, shape: Shape) -> list[Place]:
    particles = Place(name, torch.zeros(EVENTS, len(shape.columns), PLACES), (0, 2))
    return [particles, Place("mask", torch.ones(EVENTS, PLACES, dtype=torch.bool), (0, 1))]


def _features(shape: Shape) -> list[Place]:
    return [Place("features", torch.zeros(EVENTS, len(shape.features)))]


EXAMPLES: Mapping[str, Callable[[Shape], Sequence[Place]]] = {
    "table": _table,
    "picture": _pictures,
    "sequence": _sequence,
    "nodes": _nodes,
    "graph": _graph,
    "edges": _edges,
}
"""What a network is shown in each view, as the views of `models/inputs.py` have it."""
REASONS = {"tree": "they take a step for each level of the trees, and a graph of operators has as many for all events"}
"""Why networks on a view can't be written."""


class Probabilities(nn.Module):
    """What `predict_proba` gives: the softmax of a network's logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *shown: Tensor) -> Tensor:
        """Class probabilities (batch, classes)."""
        probabilities: Tensor = self.network(*shown).softmax(dim=1)
        return probabilities


def write_onnx(model: Model, folder: Path, file: Path) -> list[str]:
    """Write a fitted model so that onnxruntime gives the scores of `predict_proba`; the names of what it is shown.

    The metadata of the file hold the classes, and the names of columns and features, as JSON. Raises UserError for a
    model that can't be written, with the reason; `folder` is where its own files are.
    """
    if not isinstance(model, TorchModel):
        own = ", ".join(sorted(path.name for path in folder.iterdir() if path.stem == "model"))
        raise UserError(
            f"{model.name}: networks alone are written as ONNX. Its own files are open, too: {own} in {folder}."
        )
    network, card = model._fitted()
    if card.shape.view not in EXAMPLES:
        reason = REASONS.get(card.shape.view, "nothing is known of what they are shown")
        raise UserError(
            f"{model.name}: networks on the view '{card.shape.view}' can't be written as ONNX: {reason}. "
            f"Expected one on {', '.join(EXAMPLES)}. Use `predict`."
        )
    shown = EXAMPLES[card.shape.view](card.shape)
    program = _exported(model.name, Probabilities(deepcopy(network).cpu()).eval(), shown)
    told = {"classes": card.classes, "columns": card.shape.columns, "features": card.shape.features}
    program.model.metadata_props.update({name: json.dumps(value) for name, value in told.items()})
    write_atomically(file, lambda stream: stream.write(program.model_proto.SerializeToString()))
    return [place.name for place in shown]


def _exported(name: str, network: nn.Module, shown: Sequence[Place]) -> Any:
    try:
        import onnx  # noqa: F401 - what torch's exporter needs, and asks for in many words
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"export: the package {error.name} is not installed. Type: pip install 'collision-benchmark[onnx]'."
        ) from error
    any_size = torch.export.Dim.DYNAMIC
    try:
        with _silent():
            return torch.onnx.export(
                network,
                tuple(place.example for place in shown),
                input_names=[place.name for place in shown],
                output_names=["probabilities"],
                dynamic_shapes=(tuple(dict.fromkeys(place.free, any_size) for place in shown),),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # networks are of any kind, and so is what the exporter makes of them
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"{name}: torch can't write this network as ONNX ({type(error).__name__}: {reason}). Use `predict`."
        ) from error


@contextmanager
def _silent() -> Iterator[None]:
    """The exporter tells of packages that nobody asked for, and the optimiser of what it leaves as it is."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
