"""Saved models, their record, and checkpoints of trainings."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import torch

from benchmark.engine import model_store
from models.model import Context
from models.registry import MODELS
from models.training.checkpoint import Checkpoint
from tests.faults.fuzz import Fuzzed
from tests.faults.mutations import damaged, json_changed, safetensors_changed
from tests.models.conftest import particles, rings

if TYPE_CHECKING:
    from pathlib import Path


def model_file(model: str, folder: Path) -> Path:
    """The weights of a fitted model."""
    torch.manual_seed(0)
    made = MODELS.load(model).resolve("smoke")
    draw = particles if model in ("ffnn", "mpnn", "recnn") else rings
    made.fit(draw(40), draw(20), Context())
    made.save(folder)
    return next(path for path in folder.iterdir() if path.suffix in (".ubj", ".safetensors"))


def read_model(model: str, path: Path) -> None:
    MODELS.load(model).resolve("smoke").load(path.parent, Context())


def origin(folder: Path) -> Path:
    plugin = {"name": "a", "target": "a", "version": "1", "file": None, "parameters": {}}
    identity = {
        "data": {"task": "ttbar", "version": "1", "file": None, "level": "detector", "parameters": {}, "origin": {}},
        "task": plugin,
        "representation": plugin,
        "model": plugin,
    }
    text = json.dumps({"key": "0" * 64, "identity": identity, "classes": ["a", "b"], "code": {"version": "0.1.0"}})
    (folder / model_store.ORIGIN).write_text(text)
    return folder / model_store.ORIGIN


def read_origin(path: Path) -> None:
    model_store.read(path.parent)


def checkpoint(folder: Path) -> Path:
    torch.manual_seed(0)
    path = folder / "checkpoint.safetensors"
    MODELS.load("ffnn").resolve("smoke").fit(particles(40), particles(20), Context(checkpoint=path))
    return path


def read_checkpoint(path: Path) -> None:
    Checkpoint(path).read()


TENSORS = (damaged, safetensors_changed)
apart = partial(Fuzzed, apart=True)

READERS: dict[str, Fuzzed] = {
    "bdt": apart(partial(model_file, "bdt"), partial(read_model, "bdt")),
    "cnn": apart(partial(model_file, "cnn"), partial(read_model, "cnn"), TENSORS),
    "ffnn": apart(partial(model_file, "ffnn"), partial(read_model, "ffnn"), TENSORS),
    "checkpoint": apart(checkpoint, read_checkpoint, TENSORS),
    "model_json": Fuzzed(origin, read_origin, (damaged, json_changed)),
}
