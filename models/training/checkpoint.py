"""The state of a training, and the checkpoint file in which it is stored.

One safetensors file holds the weights, the best weights so far, Adam's moments and the states of random numbers as
tensors, and the rest as JSON in its header. Two files could belong to different epochs after a kill.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmark.core.files import replacing, warn_once

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


SCHEMA = 2


@dataclass(frozen=True)
class TrainingProgress:
    """Number of epochs, the best epoch (counted from 1), its loss, and the batch size.

    resumed : number of epochs read from a checkpoint. resumed_s : seconds that these epochs took.
    """

    epochs: int
    best_epoch: int
    valid_loss: float
    batch_size: int = 0
    resumed: int = 0
    resumed_s: float = 0.0

    def details(self) -> dict[str, float]:
        """All fields as floats; `resumed` and `resumed_s` only if training resumed from a checkpoint."""
        numbers = {name: float(value) for name, value in asdict(self).items()}
        return numbers if self.resumed else {k: v for k, v in numbers.items() if not k.startswith("resumed")}


@dataclass
class TrainingState:
    """Everything that changes from one epoch to the next."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    shuffle: torch.Generator
    progress: TrainingProgress
    best_weights: dict[str, Tensor]
    started: float = field(default_factory=time.monotonic)

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next((value.device for value in self.best_weights.values()), torch.device("cpu"))

    def tensors(self) -> dict[str, Tensor]:
        """Weights, best weights, the state of the optimiser for each parameter, and the states of random numbers."""
        found = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        found |= {f"best.{name}": value for name, value in self.best_weights.items()}
        for place, parameter in enumerate(self._parameters()):
            found |= {f"optimiser.{place}.{name}": value for name, value in self.optimiser.state[parameter].items()}
        found |= {f"random.{name}": value for name, value in random_states(self.device).items()}
        return {**found, "random.shuffle": self.shuffle.get_state()}

    def restore(self, tensors: Mapping[str, Tensor], progress: TrainingProgress) -> None:
        """Restore a state that `tensors` returned."""
        self.network.load_state_dict(_part(tensors, "network"))
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
        header = {"schema": SCHEMA, "progress": {**asdict(state.progress), "resumed_s": state.seconds()}}
        tensors = {name: value.detach().cpu().contiguous() for name, value in state.tensors().items()}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as temporary:
                save_file(tensors, temporary, {"training": json.dumps(header)})
        except (OSError, SafetensorError) as error:  # training continues without a checkpoint
            warn_once(f"{self.path}: the checkpoint can't be written ({error})")

    def read(self) -> tuple[dict[str, Tensor], TrainingProgress] | None:
        """Tensors and progress, or None without a checkpoint. A damaged file is ignored with a warning."""
        if self.path is None or not self.path.is_file():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                header: dict[str, Any] = json.loads((file.metadata() or {})["training"])
                if header["schema"] != SCHEMA:
                    return None
                return {name: file.get_tensor(name) for name in file.keys()}, TrainingProgress(**header["progress"])  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            warn_once(f"{self.path}: not a checkpoint ({error}); training starts from the beginning")
            return None


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
