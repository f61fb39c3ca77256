"""Models that learn in milliseconds, or misbehave in the ways that models do."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from models.ffnn import FFNN
from models.model import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.model import Context
    from representations.samples import Samples, Vectors

FLAG = "BENCHMARK_TEST_FLAG"
"""Environment variable: a file. Models that misbehave `Once` make it, and behave if it exists."""


def leading_pt(samples: Vectors) -> NDArray[np.float64]:
    return np.log(samples.particles.values[:, 0].numpy()[samples.particles.offsets[:-1].numpy()].astype(np.float64))


@dataclass(kw_only=True)
class Nearest(Model):
    """The class whose mean leading pt is nearest."""

    name: ClassVar[str] = "nearest"

    noise: Annotated[float, "standard deviation of what is added to the means"] = 0.0

    means: NDArray[np.float64] | None = field(default=None, init=False, compare=False)

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        pt, labels = leading_pt(train), train.labels.numpy()
        rng = np.random.default_rng(context.seed)
        self.means = np.array([pt[labels == code].mean() for code in range(len(train.classes))])
        self.means = self.means + self.noise * rng.normal(size=len(self.means))

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        odds = np.exp(-((leading_pt(samples)[:, None] - self.means) ** 2))
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    def save(self, folder: Path) -> None:
        np.save(folder / "means.npy", self.means, allow_pickle=False)

    def load(self, folder: Path, context: Context) -> None:
        self.means = np.load(folder / "means.npy", allow_pickle=False)


@dataclass(kw_only=True)
class Rewrites(Nearest):
    """Changes the truth of the events, and later the probabilities that it returned; lies about its time."""

    name: ClassVar[str] = "rewrites"

    last: NDArray[np.float32] | None = field(default=None, init=False, compare=False)

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        super().fit(train, valid, context)
        train.weights[:] = 0
        valid.labels[:] = 0

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        if self.last is not None:
            self.last[:] = np.nan
        self.last = super().predict_proba(samples)
        samples.labels.numpy()[:] = self.last.argmax(axis=1)
        samples.weights[:] = 0
        samples.event_ids[:] = 7
        return self.last

    def details(self) -> dict[str, float]:
        return {"resumed_s": -1e99}


@dataclass(kw_only=True)
class Raises(Nearest):
    """Fails in its own way."""

    name: ClassVar[str] = "raises"

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        raise RuntimeError("the loss became a butterfly\nand flew away")


@dataclass(kw_only=True)
class FailsOnce(Nearest):
    """Fails with one seed of all."""

    name: ClassVar[str] = "fails-once"

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        if context.seed == 3:
            raise RuntimeError("the fourth seed never works")
        super().fit(train, valid, context)


@dataclass(kw_only=True)
class Derived(Nearest):
    """Has a parameter that is no field."""

    name: ClassVar[str] = "derived"

    def parameters(self) -> dict[str, Any]:
        return {**super().parameters(), "twice": 2 * self.noise}


@dataclass(kw_only=True)
class Forgets(Nearest):
    """Does not know what has changed."""

    name: ClassVar[str] = "forgets"

    def changed(self, preset: str) -> tuple[str, ...]:
        raise KeyError(preset)


@dataclass(kw_only=True)
class Leaver(Nearest):
    """Ends the process that asks whether it accepts samples."""

    name: ClassVar[str] = "leaver"

    def accept(self, samples: Samples) -> None:
        os._exit(7)


@dataclass(kw_only=True)
class Half(Nearest):
    """Fails with half a surrogate pair in its words."""

    name: ClassVar[str] = "half"

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        raise RuntimeError("half \ud83d")


@dataclass(kw_only=True)
class Unsaved(Nearest):
    """Can't be saved."""

    name: ClassVar[str] = "unsaved"

    def save(self, folder: Path) -> None:
        (folder / "half").write_text("half of a model")
        raise NotImplementedError("later")


@dataclass(kw_only=True)
class Nan(Nearest):
    """Says that nothing is a number."""

    name: ClassVar[str] = "nan"

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        return np.full((len(samples), len(samples.classes)), np.nan, np.float32)


@dataclass(kw_only=True)
class Meets(Nearest):
    """Waits until the other seed is there as well; each opens its end of a pipe, which the other's opening ends."""

    name: ClassVar[str] = "meets"

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        super().fit(train, valid, context)
        with Path(os.environ[FLAG]).open("rb" if context.seed else "wb"):
            pass

    def details(self) -> dict[str, float]:
        return {"threads": float(os.environ.get("OMP_NUM_THREADS", 0))}


@dataclass(kw_only=True)
class Dies(Nearest):
    """Kills its own process."""

    name: ClassVar[str] = "dies"

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(kw_only=True)
class Leaves(Nearest):
    """Ends its own process."""

    name: ClassVar[str] = "leaves"

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        os._exit(7)


@dataclass(kw_only=True)
class Loops(Nearest):
    """Never comes to an end."""

    name: ClassVar[str] = "loops"

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        signal.pause()


@dataclass(kw_only=True)
class KillsOnce(Nearest):
    """Kills the whole run the first time, and is a good model after that."""

    name: ClassVar[str] = "killsonce"
    signal_sent: ClassVar[signal.Signals] = signal.SIGKILL

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        flag = Path(os.environ[FLAG])
        if not flag.exists():
            flag.touch()
            os.kill(os.getppid(), self.signal_sent)
            signal.pause()
        super().fit(train, valid, context)


@dataclass(kw_only=True)
class InterruptsOnce(KillsOnce):
    """Presses Ctrl-C the first time."""

    name: ClassVar[str] = "interruptsonce"
    signal_sent: ClassVar[signal.Signals] = signal.SIGINT


@dataclass(kw_only=True)
class DiesInEpochThree(FFNN):
    """A network whose process is killed in its third epoch, the first time."""

    name: ClassVar[str] = "diesinepochthree"
    epochs: int = 5
    units: int = 8

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        flag = Path(os.environ[FLAG])

        def watch(stage: str, done: float, total: float) -> None:
            if stage == "train" and done > 2 and not flag.exists():
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            context.report(stage, done, total)

        super().fit(train, valid, replace(context, report=watch))
