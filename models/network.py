"""`TorchModel`, the base class of torch networks: subclass it and write `network`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.core.errors import Skip, UserError
from benchmark.core.plugin import Range
from models.card import Card, ModelWithCard, read_tensors, write_tensors
from models.inputs import view_of
from models.training.augment import augmentation, wanted
from models.training.batches import Batches, in_chunks
from models.training.loop import check_samples, deterministic, optimise, reproducible
from models.training.memory import halving
from models.training.penalty import Penalty
from models.training.step import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.inputs import Shape, View
    from models.model import Context
    from representations.samples import Samples

OPTIMISATION: Mapping[str, Mapping[str, Any]] = {
    "standard": {"weight_decay": 0.01, "patience_steps": 600, "average": 0.99},
    "paper": {"weight_decay": 0.0, "patience_steps": 0, "average": 0.0},
}
"""What a recipe means beside the values of its parameters."""
_MOMENT = re.compile(r"(?:mean|scale)[0-9]{1,2}")
"""The names of mean and scale of an input."""


class Standardised(nn.Module):
    """A network on standardised inputs, (input - mean) * scale; mean and scale are saved with the weights.

    Parameters
    ----------
    moments : mean and scale (columns,) of each input tensor, or None for a tensor that is not standardised.
    """

    def __init__(self, network: nn.Module, moments: Sequence[tuple[Tensor, Tensor] | None]) -> None:
        super().__init__()
        self.network = network
        for place, moment in enumerate(moments):
            mean, scale = moment or (None, None)
            self.register_buffer(f"mean{place}", mean)
            self.register_buffer(f"scale{place}", scale)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits (batch, classes)."""
        logits: Tensor = self.network(*(self._standardise(place, part) for place, part in enumerate(inputs)))
        return logits

    def columns(self, inputs: int) -> list[int | None]:
        """The number of columns of each of the inputs, or None for one that is not standardised."""
        means = (getattr(self, f"mean{place}", None) for place in range(inputs))
        return [None if mean is None else len(mean) for mean in means]

    def _standardise(self, place: int, part: Tensor) -> Tensor:
        mean = getattr(self, f"mean{place}")
        if not isinstance(mean, Tensor):
            return part
        columns = (-1, *[1] * (part.ndim - 2))
        scale: Tensor = getattr(self, f"scale{place}")
        return (part - mean.view(columns)) * scale.view(columns)


def _moments(tensors: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor] | None]:
    """Mean and scale of each input in the state of a `Standardised`. Raises ValueError for any that are none."""
    found = {match[0]: tensors[match[0]] for match in map(_MOMENT.fullmatch, tensors) if match}
    places = {int(name.removeprefix("mean").removeprefix("scale")) for name in found}
    moments: list[tuple[Tensor, Tensor] | None] = []
    for place in range(1 + max(places, default=-1)):
        mean, scale = found.get(f"mean{place}"), found.get(f"scale{place}")
        if mean is None or scale is None:  # then either is a tensor of no model
            moments.append(None)
        elif mean.ndim == 1 and mean.shape == scale.shape and mean.dtype == scale.dtype == torch.float32:
            moments.append((mean, scale))
        else:
            raise ValueError(f"mean and scale of input {place} are {tuple(mean.shape)} and {tuple(scale.shape)}")
    return moments


@dataclass(kw_only=True)
class TorchModel(ModelWithCard, ABC):
    """A torch network, with the training loop of all networks.

    Subclass as a dataclass whose fields are the hyperparameters, and write `network`.
    """

    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {"learning_rate": 5e-4, "schedule": "constant"}}

    views: ClassVar[tuple[str, ...]]
    """Views of `models/inputs.py` that the network takes; the first one that exists for the samples is used."""

    recipe: Annotated[
        Literal["standard", "paper"],
        "'standard': AdamW with a weight decay of 0.01, a patience of at least 600 steps, and the average of the "
        "weights over about 100 steps. 'paper': what the paper did (for most networks arXiv:1807.11916, section 5.3): "
        "Adam with a constant learning rate, early stopping",
    ] = "standard"
    epochs: Annotated[int, Range(1, 10_000), "largest number of passes over the training events"] = 60
    patience: Annotated[
        int,
        Range(1, 100_000),
        "training stops after this many epochs (with recipe=standard after 600 steps, if these take longer) in which "
        "the validation loss has not fallen by a thousandth",
    ] = 5
    batch_size: Annotated[
        int,
        Range(1, 1_000_000),
        "training events per step; halved until they fit into the memory of the device",
    ] = 128
    learning_rate: Annotated[float, Range(1e-9, 10), "learning rate in the first epoch"] = 1e-3
    schedule: Annotated[
        Literal["plateau", "constant", "linear", "cosine"],
        "the learning rate over the epochs: 'plateau': multiplied by 0.3 whenever half of the patience has brought no "
        "smaller validation loss. 'constant', or falling towards 0 at the last epoch, 'linear' or as a 'cosine'",
    ] = "plateau"
    clip: Annotated[float, Range(0, torch.inf), "largest norm of the gradient; 0 for no limit"] = 0.0
    balance: Annotated[
        Literal["weights", "clone"],
        "'weights': all classes have the same total weight in the loss. 'clone': events of smaller classes are "
        "repeated in each epoch, as in the circle paper",
    ] = "weights"
    augment: Annotated[
        str,
        "random changes of training events: mirror (eta and phi), rotation (in phi), and for pictures translation "
        "and shear (up to a tenth), joined as in mirror+rotation; 'none' for no change",
    ] = "none"
    decorrelation: Annotated[
        float,
        Range(0, torch.inf),
        "weight in the loss of the dependence between the signal's score and the mass of background events "
        "(models/training/penalty.py); 0 for none. Its effect depends on batch_size",
    ] = 0.0
    neighbours: Annotated[
        int,
        Range(2, 1_000_000),
        "events in each neighbourhood in mass that decorrelation compares",
    ] = 12

    _network: Standardised | None = field(default=None, init=False, repr=False, compare=False)
    _batch: int = field(default=1024, init=False, repr=False, compare=False)
    _tried: bool = field(default=True, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted(self.augment, self.name)

    @abstractmethod
    def network(self, shape: Shape, classes: int) -> nn.Module:
        """A new network: its `forward` takes the inputs of the view and returns logits (batch, classes)."""

    def view(self, samples: Samples) -> View[Any]:
        """The view of these samples; override it if it depends on hyperparameters."""
        return view_of(self.views, samples, self.name)

    def accept(self, samples: Samples) -> None:
        """Raise Skip if view, network, augmentation or decorrelation do not apply to such samples."""
        self._check_mass(samples)
        view = self.view(samples)
        shape = view.shape(samples)
        augmentation(self.augment, view, samples, self.name)
        with torch.device("meta"):  # uses neither memory nor random numbers
            self.network(shape, len(samples.classes))

    def _check_mass(self, samples: Samples) -> None:
        if self.decorrelation and samples.mass is None:
            raise Skip(
                f"{self.name}: decorrelation={self.decorrelation:g} needs the mass of background events, and this task "
                "has none. Leave it out."
            )

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        """Train a new network; its weights are those of the epoch with the smallest loss on `valid`."""
        check_samples(self.name, train, valid)
        self._context = context
        self._check_mass(train)
        view = self.view(train)
        shape, device = view.shape(train), context.device
        if view.shape(valid) != shape:
            raise UserError(
                f"{self.name}: training samples are a {shape}, but validation samples a {view.shape(valid)}."
            )
        augment = augmentation(self.augment, view, train, self.name)
        with reproducible(context.seed, device):
            batches = Batches(view, train, device, balance=self.balance, augment=augment)
            network = self._placed(self.network(shape, len(train.classes)), batches.moments())
            checks = Batches(view, valid, device)
            training, details = optimise(network, batches, checks, self._settings(), context)
        dropped = view.dropped(checks.samples)
        self._network = network
        details |= {} if dropped is None else {"dropped": float(dropped.mean())}
        self._card = Card.of(self, train.classes, shape, details, training)

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Softmax of the logits, in float32 on every device, because bfloat16 makes different scores equal."""
        network, card = self.fitted()
        view = self.view(samples)
        card.check(samples, view.shape(samples))
        if not self._tried and len(samples):
            self._try(view, samples)
        samples = view.prepare(samples).to(self._context.device)

        def attempt(events: int) -> list[Tensor]:
            scores, done = [], 0
            for index in in_chunks(samples, events):
                if len(index):
                    scores.append(network(*view.batch(samples, index)).softmax(dim=1).cpu())
                done += len(index)
                self._context.report("predict", done, len(samples))
            return scores

        with torch.inference_mode(), deterministic(self._context.device):
            scores, self._batch = halving(self._batch, attempt, f"{self.name}: prediction")
        probabilities = torch.cat(scores).numpy() if scores else np.empty((0, len(card.classes)), np.float32)
        if not np.isfinite(probabilities).all():
            bad = int(samples.event_ids[int(np.argwhere(~np.isfinite(probabilities))[0, 0])])
            raise UserError(
                f"{self.name}: the scores of event {bad} are not finite. Look for NaN or infinities in its samples."
            )
        return probabilities

    def save(self, folder: Path) -> None:
        """Write `model.safetensors`: weights, standardisation and the card."""
        network, card = self.fitted()
        write_tensors(folder / "model.safetensors", network.state_dict(), card)

    def load(self, folder: Path, context: Context) -> None:
        """Read a saved network and its hyperparameters."""
        weights, card = read_tensors(folder / "model.safetensors", self, self._expected)
        self._context = context
        network = self._placed(self.network(card.shape, len(card.classes)), _moments(weights))
        network.load_state_dict(weights)
        network.eval()
        self._network, self._card, self._tried = network, card, False

    def _expected(self, card: Card, found: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        with torch.device("meta"):
            network = Standardised(self.network(card.shape, len(card.classes)), _moments(found))
        return network.state_dict()

    def _try(self, view: View[Any], samples: Samples) -> None:
        """Raise UserError unless the standardisation that was loaded is for inputs like these."""
        first = view.prepare(samples[:1])
        rows = view.rows(first, torch.arange(len(first), device=first.event_ids.device))
        expected = [None if part is None else part.shape[1] for part in rows]
        if (found := self.fitted()[0].columns(len(rows))) != expected:
            raise UserError(
                f"{self.name}: standardises {found} columns of its inputs, expected {expected}. Fit it again."
            )
        self._tried = True

    def parameters_count(self) -> int | None:
        """Number of weights."""
        return None if self._network is None else sum(weight.numel() for weight in self._network.parameters())

    def details(self) -> dict[str, float]:
        """The `batch_size`, and if training resumed from a checkpoint, its epochs and their seconds.

        `dropped` is the mean share of energy that the view leaves out of validation events, for views that do.
        """
        return super().details()

    def fitted(self) -> tuple[Standardised, Card]:
        """The network and its card. Raises UserError before `fit` or `load`."""
        card = self._fitted()
        assert self._network is not None
        return self._network, card

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            clip=self.clip,
            schedule=self.schedule,
            **OPTIMISATION[self.recipe],
            penalty=Penalty(self.decorrelation, self.neighbours) if self.decorrelation else None,
        )

    def _placed(self, network: nn.Module, moments: Sequence[tuple[Tensor, Tensor] | None]) -> Standardised:
        # convolutions on CPUs and tensor cores are fastest with channels last; other tensors stay as they are
        return Standardised(network, moments).to(self._context.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
