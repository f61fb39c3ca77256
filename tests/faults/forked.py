"""Run command lines in forks of one process, which has imported everything: python forked.py FILE, a list of `Command`.

Each has its own standard streams, and ends as a process of its own does, with Python's last flush of them.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

CLOSED, BROKEN = "closed", "broken"
"""Instead of the path of a file: a closed stream, and a pipe without a reader."""
WARM = (
    ("list", "cnn"),
    ("data", "fetch"),
    ("data", "verify"),
    ("results", "--results", "data"),
    ("run", "--task", "none"),
)
"""Commands that import what others need, too."""


class Command(NamedTuple):
    """A command line, and where its output goes: a path, `CLOSED` or `BROKEN`."""

    words: tuple[str, ...]
    output: str
    errors: str


def exit_codes(commands: list[Command], folder: Path) -> list[int]:
    """Run each command in `folder`. Returns their exit codes; a signal counts as a negative one."""
    (folder / "data").mkdir(exist_ok=True)
    plan = folder / "plan.json"
    plan.write_text(json.dumps(commands))
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.forked", str(plan)],
        cwd=folder,
        env={**os.environ, "BENCHMARK_DATA": str(folder / "data"), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    codes: list[int] = json.loads(done.stdout)
    return codes


def _open(number: int, place: str) -> None:
    """Put a file of this kind in place of a standard stream."""
    if place == CLOSED:
        os.close(number)
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)  # as Python has it
        return
    if place == BROKEN:
        reader, file = os.pipe()
        os.close(reader)
    else:
        file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, number)
    os.close(file)


def _end(main: Callable[[tuple[str, ...]], None], words: tuple[str, ...]) -> None:
    """End this process as Python does, but without a fifth of a second for its memory."""
    code: object = 0
    try:
        main(words)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BaseException:
        code = 120
    os._exit(int(str(code)))


def _run_all(commands: list[Command]) -> None:
    from benchmark import cli

    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for words in WARM:
            cli.exit_code(words)
    codes = []
    for command in commands:
        child = os.fork()
        if not child:
            _open(1, command.output)
            _open(2, command.errors)
            _end(cli.main, command.words)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(codes))


if __name__ == "__main__":
    _run_all([Command(*fields) for fields in json.loads(Path(sys.argv[1]).read_text())])
