"""The state of a training, and the checkpoint file in which it is stored.

One safetensors file holds the weights, their average, the best weights so far, AdamW's moments and the states of random
numbers as tensors, and the rest as JSON in its header, with a hash of everything: a flipped bit would change the result
without a word. Two files could belong to different epochs after a kill.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmark.core.errors import UserError
from benchmark.core.files import replacing, warn_once
from benchmark.core.stored import MB, StoredFile
from benchmark.records.training import Epoch  # noqa: TC001 - pydantic evaluates the annotations of TrainingProgress
from models.tensors import check_like, parse_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from models.training.average import Average


SCHEMA = 5
FILE = StoredFile("a checkpoint of this training", 20_000 * MB, "Training starts from the beginning.")


@dataclass(frozen=True)
class TrainingProgress:
    """What a training has done so far.

    Parameters
    ----------
    history : the epochs, first to last; learning rate and end of the training follow from their losses.
    batch_size : events of a step.
    resumed, resumed_s : number of epochs read from a checkpoint, and the seconds that these took.
    """

    history: tuple[Epoch, ...] = ()
    batch_size: int = 0
    resumed: int = 0
    resumed_s: float = 0.0

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return len(self.history)

    @property
    def losses(self) -> list[float]:
        """The validation loss of each epoch."""
        return [epoch.valid_loss for epoch in self.history]

    def details(self) -> dict[str, float]:
        """The batch size, and, if training resumed from a checkpoint, `resumed` and `resumed_s`."""
        resumed = {"resumed": float(self.resumed), "resumed_s": self.resumed_s}
        return {"batch_size": float(self.batch_size), **(resumed if self.resumed else {})}


PROGRESS = TypeAdapter(TrainingProgress)


@dataclass
class TrainingState:
    """Everything that changes from one epoch to the next."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    shuffle: torch.Generator
    progress: TrainingProgress
    best_weights: dict[str, Tensor]
    average: Average
    started: float = field(default_factory=time.monotonic)

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next((value.device for value in self.best_weights.values()), torch.device("cpu"))

    def tensors(self) -> dict[str, Tensor]:
        """Weights, average, best weights, the state of the optimiser of each parameter, and of random numbers."""
        found = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        found |= {f"average.{name}": value for name, value in self.average.tensors().items()}
        found |= {f"best.{name}": value for name, value in self.best_weights.items()}
        for place, parameter in enumerate(self._parameters()):
            found |= {f"optimiser.{place}.{name}": value for name, value in self.optimiser.state[parameter].items()}
        found |= {f"random.{name}": value for name, value in random_states(self.device).items()}
        return {**found, "random.shuffle": self.shuffle.get_state()}

    def restore(self, tensors: Mapping[str, Tensor], progress: TrainingProgress) -> None:
        """Restore a state that `tensors` returned."""
        self.network.load_state_dict(_part(tensors, "network"))
        self.average.restore(_part(tensors, "average"))
        self.best_weights = {name: value.to(self.device) for name, value in _part(tensors, "best").items()}
        for place, parameter in enumerate(self._parameters()):
            state = _part(tensors, f"optimiser.{place}")
            if state:
                step = state.pop("step").to(self._step_device())
                # in the memory format of the parameter, which a fused step assumes
                moments = {name: torch.empty_like(parameter).copy_(value) for name, value in state.items()}
                self.optimiser.state[parameter] = {"step": step, **moments}
        set_random_states(_part(tensors, "random"), self.device)
        self.shuffle.set_state(tensors["random.shuffle"])
        self.progress = replace(progress, resumed=progress.epochs)

    def seconds(self) -> float:
        """Seconds of all epochs so far, those before a restart included."""
        return self.progress.resumed_s + time.monotonic() - self.started

    def _parameters(self) -> list[nn.Parameter]:
        return [parameter for group in self.optimiser.param_groups for parameter in group["params"]]

    def _step_device(self) -> torch.device:
        return self.device if self.optimiser.param_groups[0]["capturable"] else torch.device("cpu")


@dataclass(frozen=True)
class Checkpoint:
    """The file in which a training stores its state after each epoch; None for no file.

    Each training has its own file, named after the identity of the training.
    """

    path: Path | None

    def write(self, state: TrainingState) -> None:
        """Replace the checkpoint. It is not flushed: it must survive a killed process, not a power cut."""
        if self.path is None:
            return
        progress = PROGRESS.dump_python(replace(state.progress, resumed_s=state.seconds()), mode="json")
        tensors = {name: value.detach().cpu().contiguous() for name, value in state.tensors().items()}
        header = {"schema": SCHEMA, "progress": progress, "sha256": _digest(tensors, progress)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as temporary:
                save_file(tensors, temporary, {"training": json.dumps(header)})
        except (OSError, SafetensorError) as error:  # training continues without a checkpoint
            warn_once(f"{self.path}: the checkpoint can't be written ({error})")

    def read(self, network: nn.Module, device: torch.device) -> tuple[dict[str, Tensor], TrainingProgress] | None:
        """Tensors and progress, or None without a checkpoint.

        A file that is damaged, or of another network, is ignored with a warning.
        """
        if self.path is None or not self.path.exists():
            return None

        def parse(content: bytes) -> tuple[dict[str, Tensor], TrainingProgress] | None:
            tensors, texts = parse_tensors(content)
            header: dict[str, Any] = json.loads(texts["training"])
            if header["schema"] != SCHEMA:
                return None
            if header["sha256"] != _digest(tensors, header["progress"]):
                raise ValueError("changed since it was written")
            _check(tensors, network, device)
            return tensors, PROGRESS.validate_python(header["progress"])

        try:
            return FILE.parse(self.path, parse)
        except UserError as error:
            warn_once(str(error))
            return None


def _digest(tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> str:
    """SHA-256 of the content of a checkpoint."""
    digest = hashlib.sha256(json.dumps(progress, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check(tensors: Mapping[str, Tensor], network: nn.Module, device: torch.device) -> None:
    """Raise ValueError unless tensors are those of a training of this network."""
    weights = network.state_dict()
    expected = {f"{part}.{name}": value for part in ("network", "best") for name, value in weights.items()}
    if any(name.startswith("average.") for name in tensors):  # not of a training without it
        expected |= {f"average.{name}": value for name, value in weights.items() if value.is_floating_point()}
    expected |= {f"random.{name}": value for name, value in random_states(device).items()}
    expected["random.shuffle"] = torch.Generator().get_state()
    for place, parameter in enumerate(network.parameters()):
        if f"optimiser.{place}.step" in tensors:  # not of a parameter that no batch has used
            state = {"step": torch.zeros(()), "exp_avg": parameter, "exp_avg_sq": parameter}
            expected |= {f"optimiser.{place}.{name}": value for name, value in state.items()}
    check_like(tensors, expected)


def random_states(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's random generators, from which dropout draws."""
    states = {"cpu": torch.get_rng_state()}
    return {**states, "cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else states


def set_random_states(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Restore the states that `random_states` returned."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)


def _part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
