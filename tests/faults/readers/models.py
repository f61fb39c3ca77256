"""Saved models, their record, and checkpoints of trainings."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stderr
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch

from benchmark.core import seal
from benchmark.engine import model_store
from benchmark.engine.job import build
from benchmark.engine.request import Cell, Choice
from models.model import Context
from models.registry import MODELS
from models.training.checkpoint import Checkpoint
from tests.faults.fuzz import Fuzzed
from tests.faults.mutations.arrays import safetensors_changed
from tests.faults.mutations.damage import damaged
from tests.faults.mutations.text import json_changed
from tests.models.conftest import particles, rings

if TYPE_CHECKING:
    from random import Random

    from torch import nn


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


def read_and_apply_trees(path: Path) -> None:
    model = MODELS.load("bdt").resolve("smoke")
    model.load(path.parent, Context())
    model.predict_proba(rings(20))


def trees_changed(content: bytes, random: Random) -> bytes:
    """Numbers of the trees are others."""
    places = [match.end() + 4 for match in re.finditer(rb"\[\$[lU]#L", content)]
    for _ in range(random.choice((1, 2, 5))):
        place = random.choice(places) + 4 * random.randint(0, 12)
        number = random.choice((-(2**31), -2, -1, 0, 1, 3, 10, 1000, 2**31 - 1)).to_bytes(4, "big", signed=True)
        content = content[:place] + number + content[place + 4 :]
    return content


def saved_model(model: str, folder: Path) -> Path:
    """The record of a saved model, next to its file."""
    choices = Choice("dimuon"), Choice("fourvectors"), Choice(model)
    job = build(Cell(*choices, preset="smoke", level="detector", seed=0, device="cpu"))
    job.model.fit(particles(40), particles(20), Context())
    identity = job.identity(None)
    result = job.record(None, identity)
    model_store.save(job.model, identity, result, folder)
    return model_store.folder_of(folder, result) / model_store.ORIGIN


def saved_weights(model: str, folder: Path) -> Path:
    return next(path for path in saved_model(model, folder).parent.iterdir() if path.name != model_store.ORIGIN)


def restore(path: Path) -> None:
    model_store.restore(path.parent, "cpu")


def record_changed(content: bytes, random: Random) -> bytes:
    """Another record, with a seal that is right."""
    fields = json.loads(json_changed(json.dumps(seal.unsealed(json.loads(content))[0]).encode(), random))
    return json.dumps({**fields, seal.SEAL: seal._hash(fields)} if isinstance(fields, dict) else fields).encode()


@cache
def trained() -> tuple[nn.Module, bytes]:
    """A network, and the checkpoint of its training."""
    torch.manual_seed(0)
    made = MODELS.load("ffnn").resolve("smoke")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint"
        made.fit(particles(40), particles(20), Context(checkpoint=path))
        return made.fitted()[0], path.read_bytes()


def checkpoint(folder: Path) -> Path:
    path = folder / "checkpoint.safetensors"
    path.write_bytes(trained()[1])
    return path


def read_checkpoint(path: Path) -> None:
    """A checkpoint that can't be used is ignored with a warning, which is once for each file."""
    with redirect_stderr(None):
        Checkpoint(path).read(trained()[0], torch.device("cpu"))


TENSORS = (damaged, safetensors_changed)
apart = partial(Fuzzed, apart=True)

READERS: dict[str, Fuzzed] = {
    "bdt": apart(partial(model_file, "bdt"), read_and_apply_trees, (damaged, trees_changed)),
    "bdt_in_folder": Fuzzed(partial(saved_weights, "bdt"), restore),
    "cnn": apart(partial(model_file, "cnn"), partial(read_model, "cnn"), TENSORS),
    "ffnn": apart(partial(model_file, "ffnn"), partial(read_model, "ffnn"), TENSORS),
    "checkpoint": apart(checkpoint, read_checkpoint, TENSORS),
    "model_json": Fuzzed(partial(saved_model, "constant"), restore, (damaged, record_changed, record_changed)),
}
