"""Commands of the benchmark in processes of their own, which a test starts, waits for and kills."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.faults.hooks import kill_tree
from tests.faults.nursery import Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.hooks import Plan

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
"""Seconds after which a command hangs."""
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Parameters
    ----------
    code : exit code, negative for a signal; None if it hung and was killed.
    """

    arguments: tuple[str, ...]
    code: int | None
    out: str
    err: str
    seconds: float
    peak_mb: float = 0.0

    @property
    def is_clear(self) -> bool:
        """Whether it did its work, or said in lines of its own what went wrong: no traceback, no signal, no hanging."""
        return self.code in (0, 1, 2) and "Traceback" not in self.err and (self.code == 0 or bool(self.err.strip()))


@dataclass
class Running:
    """A command that runs, as the process `process`."""

    arguments: tuple[str, ...]
    process: int
    output: Path
    answers: socket.socket
    started: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float = PATIENCE_S) -> Ended:
        """Wait for its end; kill it when it takes longer."""
        answer: dict[str, Any] = {"code": None}
        if self.ends_within(seconds):
            answer = json.loads(_line(self.answers))
        else:
            self.kill()
            _line(self.answers)
        self.answers.close()
        texts = (self.output.with_suffix(ending).read_text(errors="replace") for ending in (".out", ".err"))
        return Ended(
            self.arguments, answer["code"], *texts, time.monotonic() - self.started, answer.get("peak_mb", 0.0)
        )

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends in this time."""
        return bool(select.select([self.answers], [], [], seconds)[0])

    def kill(self) -> None:
        """Kill it and all its processes at once."""
        kill_tree(self.process)


class Nursery:
    """Starts commands in processes that are forked from one which has imported everything."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="faults-")
        self._home = Path(self._folder.name)
        self._socket = str(self._home / "socket")
        self._running: list[Running] = []
        self._count = 0
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.faults.nursery", self._socket]
        with (self._home / "nursery.err").open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=environment
            )
        assert self._process.stdout
        ready = select.select([self._process.stdout], [], [], PATIENCE_S)[0] and self._process.stdout.readline()
        if not ready:
            self.close()
            raise RuntimeError((self._home / "nursery.err").read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(
        self,
        arguments: Sequence[object],
        *,
        plan: Plan | None = None,
        limits: dict[str, int] | None = None,
        folder: Path | None = None,
        environment: dict[str, str] | None = None,
        room: int = 0,
        fork: bool = True,
        catalogue: Path | str = "",
    ) -> Running:
        """Start a command; see `Order` for its circumstances."""
        words = [str(argument) for argument in arguments]
        self._count += 1
        output = self._home / f"command-{self._count}.txt"
        order = Order(
            words,
            str(output.with_suffix("")),
            str(folder or self._home),
            plan.words() if plan else None,
            limits or {},
            environment or {},
            fork,
            room,
            str(catalogue),
        )
        answers = socket.socket(socket.AF_UNIX)
        answers.connect(self._socket)
        answers.sendall(order.line())
        running = Running(tuple(words), json.loads(_line(answers))["process"], output, answers)
        self._running.append(running)
        return running

    def run(self, arguments: Sequence[object], **circumstances: Any) -> Ended:
        """Run a command to its end."""
        return self.start(arguments, **circumstances).wait()

    def counter(self) -> str:
        """A new file for the changes of a plan."""
        self._count += 1
        return str(self._home / f"changes-{self._count}")

    def close(self) -> None:
        """Kill all commands that still run, and end."""
        for running in self._running:
            running.answers.close()  # it is killed
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        self._process.wait(PATIENCE_S)
        self._folder.cleanup()


def _line(answers: socket.socket) -> bytes:
    """The next line that a nursery sent."""
    line = b""
    while not line.endswith(b"\n"):
        byte = answers.recv(1)
        if not byte:
            raise RuntimeError("the nursery has ended")
        line += byte
    return line


class Fresh:
    """A command that is started as a user starts it, with an interpreter of its own."""

    def __init__(self, arguments: Sequence[object], output: Path, folder: Path, environment: dict[str, str]) -> None:
        self.arguments = tuple(map(str, arguments))
        self._output, self._started = output, time.monotonic()
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmark", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
                start_new_session=True,
            )
        self._ended = os.pidfd_open(self._process.pid)

    def wait(self, seconds: float = 10 * PATIENCE_S) -> Ended:
        """Wait for its end; kill it when it takes longer."""
        hangs = not self.ends_within(seconds)
        if hangs:
            self.kill()
        os.close(self._ended)
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = code = os.waitstatus_to_exitcode(status)
        text = self._output.read_text(errors="replace")
        spent = time.monotonic() - self._started
        return Ended(self.arguments, None if hangs else code, "", text, spent, usage.ru_maxrss / 1000)

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends in this time."""
        return bool(select.select([self._ended], [], [], seconds)[0])

    def kill(self) -> None:
        """Kill it and all its processes at once."""
        kill_tree(self._process.pid)
