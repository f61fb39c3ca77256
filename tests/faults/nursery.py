"""A process that has imported what commands import, and forks a process for each: a command starts in no time.

    python -m tests.faults.nursery SOCKET

Each connection to the socket brings one order, as a line of JSON, and gets two answers: the process id of the command,
which leads a session, and later how it ended. When the connection closes first, it is killed with all its
processes.
The nursery ends with its standard input.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import multiprocessing.context
import os
import resource
import select
import signal
import socket
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmark.core.process import silenced
from tasks.sources import catalogue
from tests.faults.hooks import Hooks, Plan, kill_tree

MODULES = (
    "benchmark.cli",
    "benchmark.engine.api",
    "benchmark.engine.cell",
    "benchmark.engine.examples",
    "benchmark.engine.model_store",
    "benchmark.engine.prediction",
    "benchmark.engine.runner",
    "leaderboard.export",
    "leaderboard.pages.site",
    "leaderboard.terminal",
    "matplotlib.figure",
    "models.bdt",
    "models.ffnn",
    "models.reference",
    "pandas",
    "representations.fourvectors.fourvectors",
    "requests",
    "tasks.data.generation",
    "tasks.data.importing",
    "tasks.data.verification",
    "tasks.dimuon.dimuon",
    "tasks.sources.download",
    "torch",
    "xgboost",
)


SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Order:
    """A command to run.

    Parameters
    ----------
    arguments : of `python -m benchmark`.
    output : where standard output and standard error go; the names of two files without .out and .err.
    folder : the current folder.
    plan : the fault, as words; None for none.
    limits : bounds of the system by name, as {"RLIMIT_FSIZE": 1000}.
    environment : variables that are changed.
    fork : whether worker processes are forked as well. Otherwise they are spawned, as outside of tests.
    room : a process in whose mount namespace the command runs, so that it has the disks of that process; 0 for none.
    catalogue : the file of public data sets, empty for that of the product.
    """

    arguments: list[str]
    output: str
    folder: str
    plan: dict[str, Any] | None = None
    limits: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    fork: bool = True
    room: int = 0
    catalogue: str = ""

    def line(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


TOY = f"{Path(__file__).with_name('toy.py')}:Peak"
"""The task of most commands: its events are made at once."""


def serve(path: str) -> None:
    """Accept orders until standard input ends."""
    for module in MODULES:
        __import__(module)
    with TemporaryDirectory() as folder:
        _warm_up(Path(folder))
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # handlers are not waited for
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    _handle(connection)
                    os._exit(0)


def _warm_up(folder: Path) -> None:
    """Do once in this process what takes time at the first call: load compiled functions and plug-ins."""
    from benchmark.cli import exit_code
    from benchmark.engine import cell, throughput
    from benchmark.engine.api import parse_options
    from benchmark.engine.plan import plan
    from models.model import Context

    throughput.ENOUGH_SECONDS = 0.01  # speeds do not matter
    options = {"task": TOY, "representation": "fourvectors", "preset": "smoke", "results": folder, "data": folder}
    where = ["--task", TOY, "--data", str(folder), "--results", str(folder), "--preset", "smoke"]
    _fork_workers()
    with silenced(), contextlib.redirect_stderr(io.StringIO()):
        code = exit_code(["run", *where, "--representation", "fourvectors", "--model", "constant", "--workers", "1"])
        assert code == 0
    request, settings = parse_options(**options, model=["bdt", "ffnn[epochs=1]"])
    for item in plan(request, settings):
        result, _ = cell.run(item, settings.data, Context())
        assert result.status == "done", result.reason


def _fork_workers() -> None:
    contexts: Any = multiprocessing.context._concrete_contexts  # type: ignore[attr-defined]
    contexts["spawn"] = contexts["fork"]


def _handle(connection: socket.socket) -> None:
    with connection.makefile("rb") as lines:
        order = Order(**json.loads(lines.readline()))
    child = os.fork()
    if child == 0:
        connection.close()
        os._exit(_command(order))
    connection.sendall(json.dumps({"process": child}).encode() + b"\n")
    waiting = os.pidfd_open(child)
    if waiting not in select.select([connection, waiting], [], [])[0]:  # nobody waits for the command any more
        kill_tree(child)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps({"code": code, "peak_mb": usage.ru_maxrss / 1000}).encode() + b"\n")


def _enter(room: int) -> None:
    """Move this process to the user and mount namespaces of another."""
    library = ctypes.CDLL(None, use_errno=True)
    for kind in ("user", "mnt"):
        with open(f"/proc/{room}/ns/{kind}", "rb") as namespace:
            if library.setns(namespace.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), f"the {kind} namespace of process {room} can't be entered")


def _command(order: Order) -> int:
    """Run a command in this process, which is forked for it."""
    os.setsid()
    if order.room:
        _enter(order.room)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for descriptor, ending in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{order.output}.{ending}", flags), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order.folder)
    os.environ.update(order.environment)
    if not order.fork:
        multiprocessing.context._concrete_contexts["spawn"] = SPAWN  # type: ignore[attr-defined]
    if order.catalogue:
        catalogue.CATALOGUE = Path(order.catalogue)
    for name, most in order.limits.items():
        resource.setrlimit(getattr(resource, name), (most, most))
    plan = order.plan and {**order.plan, "root": os.getpid()}
    if plan:
        Hooks(Plan.of(plan)).install()
    sys.argv = ["benchmark", json.dumps(plan)]  # spawned processes get it, see below
    from benchmark.cli import exit_code

    try:
        return exit_code(order.arguments)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BaseException:  # as Python does outside of tests
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
elif __name__ == "__mp_main__" and sys.argv[1:] and (words := json.loads(sys.argv[1])):  # a spawned worker
    Hooks(Plan.of(words)).install()
