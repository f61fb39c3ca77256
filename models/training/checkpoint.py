"""A training under way: what changes from one epoch to the next, and the file that keeps it.

One safetensors file: weights, the best ones so far, Adam's moments and the states of random numbers as tensors, the
rest as JSON in its header. One file, so that one rename puts it in place: of two, one could be an epoch older.
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


SCHEMA = 1


@dataclass(frozen=True)
class Progress:
    """Where training ended, the epoch (counted from 1) whose weights were kept, and the batch size that fitted.

    resumed : epochs that a checkpoint took over, 0 when there was none. resumed_s : seconds that these had taken.
    """

    epochs: int
    best_epoch: int
    valid_loss: float
    batch_size: int = 0
    resumed: int = 0
    resumed_s: float = 0.0

    def details(self) -> dict[str, float]:
        """What is worth recording; of a checkpoint only where there was one."""
        told = {name: float(value) for name, value in asdict(self).items()}
        return told if self.resumed else {k: v for k, v in told.items() if not k.startswith("resumed")}


@dataclass
class Course:
    """All that changes from one epoch to the next, of a network that is trained."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    shuffle: torch.Generator
    best: Progress
    kept: dict[str, Tensor]
    started: float = field(default_factory=time.monotonic)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next((value.device for value in self.kept.values()), torch.device("cpu"))

    def tensors(self) -> dict[str, Tensor]:
        """Weights, best weights, the optimiser's state of each parameter, and states of random numbers."""
        found = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        found |= {f"kept.{name}": value for name, value in self.kept.items()}
        for place, parameter in enumerate(self._parameters()):
            found |= {f"optimiser.{place}.{name}": value for name, value in self.optimiser.state[parameter].items()}
        found |= {f"random.{name}": value for name, value in random_states(self.device).items()}
        return {**found, "random.shuffle": self.shuffle.get_state()}

    def restore(self, tensors: Mapping[str, Tensor], best: Progress) -> None:
        """Go on where these tensors were taken."""
        self.network.load_state_dict(_part(tensors, "network"))
        self.kept = {name: value.to(self.device) for name, value in _part(tensors, "kept").items()}
        for place, parameter in enumerate(self._parameters()):
            state = _part(tensors, f"optimiser.{place}")
            if state:
                step = state.pop("step").to(self._home_of_steps())
                # in the parameter's own memory format, which a fused step takes for granted
                moments = {name: torch.empty_like(parameter).copy_(value) for name, value in state.items()}
                self.optimiser.state[parameter] = {"step": step, **moments}
        set_random_states(_part(tensors, "random"), self.device)
        self.shuffle.set_state(tensors["random.shuffle"])
        self.best = replace(best, resumed=best.epochs)

    def seconds(self) -> float:
        """That all epochs have taken so far."""
        return self.best.resumed_s + time.monotonic() - self.started

    def _parameters(self) -> list[nn.Parameter]:
        return [parameter for group in self.optimiser.param_groups for parameter in group["params"]]

    def _home_of_steps(self) -> torch.device:
        return self.device if self.optimiser.param_groups[0]["capturable"] else torch.device("cpu")


@dataclass(frozen=True)
class Checkpoint:
    """The file in which a training stores its state after each epoch; None for no file.

    The file belongs to one training alone: its name is made from the identity of the training.
    """

    path: Path | None

    def write(self, course: Course) -> None:
        """Put the course in place of what was there. Not flushed to disk: that is for results, this is for kills."""
        if self.path is None:
            return
        told = {"schema": SCHEMA, "best": {**asdict(course.best), "resumed_s": course.seconds()}}
        tensors = {name: value.detach().cpu().contiguous() for name, value in course.tensors().items()}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as temporary:
                save_file(tensors, temporary, {"training": json.dumps(told)})
        except (OSError, SafetensorError) as error:  # a full disk costs the checkpoint, not the training
            warn_once(f"{self.path}: the checkpoint can't be written ({error})")

    def read(self) -> tuple[dict[str, Tensor], Progress] | None:
        """Tensors and progress of the training, or None. A broken file is ignored with a warning."""
        if self.path is None or not self.path.is_file():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                told: dict[str, Any] = json.loads((file.metadata() or {})["training"])
                if told["schema"] != SCHEMA:
                    return None
                return {name: file.get_tensor(name) for name in file.keys()}, Progress(**told["best"])  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            warn_once(f"{self.path}: not a checkpoint ({error}); training starts anew")
            return None


def random_states(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's own random numbers, those that dropout takes."""
    states = {"cpu": torch.get_rng_state()}
    return {**states, "cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else states


def set_random_states(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Go on from the states that `random_states` gave."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)


def _part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
