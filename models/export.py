"""Networks as ONNX files, which run without this program and without torch."""

from __future__ import annotations

import json
import logging
import warnings
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from benchmark.core.errors import UserError
from benchmark.core.files import write_atomically
from models.inputs import VIEWS
from models.network import TorchModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from models.inputs import Shape
    from models.model import Model
    from models.views.view import OnnxInput


class Probabilities(nn.Module):
    """The softmax of a network's logits: the scores of `predict_proba`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """Class probabilities (batch, classes)."""
        probabilities: Tensor = self.network(*inputs).softmax(dim=1)
        return probabilities


def write_onnx(model: Model, folder: Path, file: Path, classes: tuple[str, ...]) -> list[str]:
    """Write a fitted network with which onnxruntime gives the scores of `predict_proba`.

    The metadata of the file hold the classes and the names of columns and features as JSON.

    Parameters
    ----------
    model : fitted model.
    folder : folder of the saved model, for messages.
    file : ONNX file to write.
    classes : names of the classes of the model's task.

    Returns
    -------
    The names of the inputs.

    Raises
    ------
    UserError
        If the model cannot be written, with the reason.
    """
    if not isinstance(model, TorchModel):
        own = ", ".join(sorted(path.name for path in folder.glob("model.*") if path.suffix != ".json"))
        raise UserError(
            f"{model.name}: only networks can be written as ONNX. The model's own files have open formats: "
            f"{own} in {folder}."
        )
    network, card = model.fitted()
    if card.classes != classes:
        raise UserError(f"{model.name}: fitted for the classes {card.classes}, but the task has {classes}.")
    inputs = _onnx_inputs(model.name, card.shape)
    program = _exported(model.name, Probabilities(deepcopy(network).cpu()).eval(), inputs)
    metadata = {"classes": card.classes, "columns": card.shape.columns, "features": card.shape.features}
    program.model.metadata_props.update({name: json.dumps(value) for name, value in metadata.items()})
    write_atomically(file, lambda stream: stream.write(program.model_proto.SerializeToString()))
    return [part.name for part in inputs]


def _onnx_inputs(model: str, shape: Shape) -> list[OnnxInput]:
    view = next((view for (name, _), view in VIEWS.items() if name == shape.view), None)
    if view is None:
        raise UserError(f"{model}: the view '{shape.view}' is not in VIEWS of models/inputs.py. Use `predict`.")
    try:
        return view.onnx_inputs(shape)
    except UserError as error:
        raise UserError(f"{model}: {error} Use `predict`.") from error


def _exported(name: str, network: nn.Module, inputs: Sequence[OnnxInput]) -> Any:
    try:
        import onnx  # noqa: F401 - needed by torch's exporter, whose own message is long
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"export: the package {error.name} is not installed. Type: pip install onnx onnxruntime onnxscript."
        ) from error
    any_size = torch.export.Dim.DYNAMIC
    try:
        with _silent():
            return torch.onnx.export(
                network,
                tuple(part.example for part in inputs),
                input_names=[part.name for part in inputs],
                output_names=["probabilities"],
                dynamic_shapes=(tuple(dict.fromkeys(part.free_axes, any_size) for part in inputs),),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter raises errors of many types
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"{name}: torch can't write this network as ONNX ({type(error).__name__}: {reason}). Use `predict`."
        ) from error


@contextmanager
def _silent() -> Iterator[None]:
    """Suppress messages about optional packages and skipped optimisations."""
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
