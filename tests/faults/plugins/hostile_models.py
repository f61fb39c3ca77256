"""Models that do to their process, and to others, what plug-ins must not be able to do to a run."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from models.model import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.model import Context
    from representations.samples import Samples

FOLDER = "BENCHMARK_TEST_FOLDER"
"""Environment variable: where each process that a plug-in forks leaves a file, named after its id."""


def leave_trace() -> None:
    (Path(os.environ[FOLDER]) / str(os.getpid())).touch()


def stay() -> None:
    """Be a process that never ends by itself."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave_trace()
    while True:
        time.sleep(60)


@dataclass(kw_only=True)
class Good(Model):
    """The same probabilities for all events, and a memory of the modes of its process."""

    name: ClassVar[str] = "good"

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        self.attack(train)

    def attack(self, train: Samples) -> None:
        """Do nothing."""

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        return np.full((len(samples), len(samples.classes)), 1 / len(samples.classes), np.float32)

    def save(self, folder: Path) -> None:
        (folder / "nothing").write_text("")

    def load(self, folder: Path, context: Context) -> None:
        pass

    def details(self) -> dict[str, float]:
        here = Path.cwd() == Path(os.environ.get("PWD", "/"))
        return {
            "float64": float(torch.get_default_dtype() == torch.float64),
            "raises": float(np.geterr()["all" if "all" in np.geterr() else "invalid"] == "raise"),
            "environment": float("POISON" in os.environ),
            "moved": float(not here and Path.cwd() == Path("/")),
            "alarm": float(signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL),
            "patched": float(np.log.__class__.__name__ == "function"),
        }


@dataclass(kw_only=True)
class Poisons(Good):
    """Changes the state of its process in every way."""

    name: ClassVar[str] = "poisons"

    def attack(self, train: Samples) -> None:
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(0)
        torch.use_deterministic_algorithms(True)
        np.seterr(all="raise")
        warnings.simplefilter("error")
        os.environ["POISON"] = "1"
        os.chdir("/")
        signal.signal(signal.SIGALRM, lambda *_: None)
        np.log = lambda values: values * 0  # type: ignore[assignment]


@dataclass(kw_only=True)
class Holds(Good):
    """Forks a child that holds everything open, and ends."""

    name: ClassVar[str] = "holds"

    def attack(self, train: Samples) -> None:
        if os.fork() == 0:
            stay()
        os._exit(3)


@dataclass(kw_only=True)
class Doubles(Good):
    """Forks a child that goes on with the cell as well, slower."""

    name: ClassVar[str] = "doubles"

    def attack(self, train: Samples) -> None:
        if os.fork() == 0:
            leave_trace()


@dataclass(kw_only=True)
class Haunts(Good):
    """Leaves a daemon behind, in a session of its own."""

    name: ClassVar[str] = "haunts"

    def attack(self, train: Samples) -> None:
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() == 0:
                stay()
            os._exit(0)
        os.waitpid(child, 0)


@dataclass(kw_only=True)
class Babbles(Good):
    """Writes to every file that is open."""

    name: ClassVar[str] = "babbles"
    text: ClassVar[bytes] = b"\x80\x05cposix\nsystem\n\xff\x00\n"

    def attack(self, train: Samples) -> None:
        for number in range(3, 64):
            try:
                os.set_blocking(number, False)
                os.write(number, self.text)
            except OSError:
                continue


@dataclass(kw_only=True)
class Limits(Good):
    """Lets its process write no file."""

    name: ClassVar[str] = "limits"

    def attack(self, train: Samples) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@dataclass(kw_only=True)
class Masks(Good):
    """Makes new files of its process unreadable."""

    name: ClassVar[str] = "masks"

    def attack(self, train: Samples) -> None:
        os.umask(0o777)


@dataclass(kw_only=True)
class Closes(Good):
    """Closes every file of its process."""

    name: ClassVar[str] = "closes"

    def attack(self, train: Samples) -> None:
        os.closerange(0, 4000)


@dataclass(kw_only=True)
class Exits(Good):
    """Says that all is well, and leaves."""

    name: ClassVar[str] = "exits"

    def attack(self, train: Samples) -> None:
        sys.exit(0)


@dataclass(kw_only=True)
class Leaves(Good):
    """Leaves without a word."""

    name: ClassVar[str] = "leaves"

    def attack(self, train: Samples) -> None:
        os._exit(0)


class UnspeakableError(Exception):
    """An error whose text is an error."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@dataclass(kw_only=True)
class Mute(Good):
    """Raises an error that can't be printed."""

    name: ClassVar[str] = "mute"

    def attack(self, train: Samples) -> None:
        raise UnspeakableError


@dataclass(kw_only=True)
class Interrupts(Good):
    """Presses Ctrl-C, it says."""

    name: ClassVar[str] = "interrupts"

    def attack(self, train: Samples) -> None:
        raise KeyboardInterrupt


@dataclass(kw_only=True)
class Vanishes(Good):
    """Deletes its own file."""

    name: ClassVar[str] = "vanishes"

    def attack(self, train: Samples) -> None:
        Path(__file__).unlink()


@dataclass(kw_only=True)
class Half(Good):
    """Counts half a parameter."""

    name: ClassVar[str] = "half"

    def parameters_count(self) -> int:
        return 3.5  # type: ignore[return-value]
