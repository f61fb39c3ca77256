"""Fuzzing of the readers of files that strangers may have written or disks may have damaged.

    python -m tests.faults.fuzz --cases 10000 --reader sources.dimuon_csv

runs cases in child processes with a gigabyte of memory beyond what the process has, and five seconds of CPU time each,
and prints a table. Only a UserError (or a Skip) of one line may come out of a reader. A case is a number: `--first`
starts at it, `--keep` writes its file. The readers are listed in
`tests/faults/readers/`, a line each.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.core.errors import Skip, UserError
from tests.faults.mutations.damage import damaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.mutations import Mutator

GIGABYTE = 2**30
CPU_S = 5
WALL_S = 60
"""Of a case; it uses next to no CPU time if it waits for ever."""
LONGEST_LINE = 2000
MOST_ERRORS = 20
GOOD = ("refused", "read")


@dataclass(frozen=True)
class Fuzzed:
    """A reader, and how to make valid files for it.

    Parameters
    ----------
    make : writes a valid file, and others that the reader needs, below an empty folder; returns the file to change.
    read : reads it.
    mutators : of which one is taken for each case.
    apart : whether it runs in a process of its own in the tests: its parser is native code, and may crash.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    mutators: tuple[Mutator, ...] = (damaged,)
    apart: bool = False

    def mutated(self, content: bytes, random: Random) -> bytes:
        """A changed content."""
        return random.choice(self.mutators)(content, random)


def outcome_of(read: Callable[[Path], object], path: Path) -> tuple[str, str]:
    """What reading a file ends in: "read", "refused", "memory" or "wrong"; and the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except (UserError, Skip) as error:
        text = str(error)
        if _is_about_memory(error):
            return "memory", text
        one_line = len(text.splitlines()) == 1 and len(text) <= LONGEST_LINE
        return ("refused" if one_line else "wrong"), text
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return ("memory" if _is_about_memory(error) else "wrong"), f"{type(error).__name__}: {error}"
    return "read", ""


def _is_about_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def check(fuzzed: Fuzzed, folder: Path, cases: int = 200) -> None:
    """Assert, in this process, that nothing but a UserError comes out of a reader. hypothesis picks the cases."""
    path = fuzzed.make(folder)
    content = path.read_bytes()
    fuzzed.read(path)

    @settings(
        max_examples=cases, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(random=st.randoms(use_true_random=False))
    def holds(random: Random) -> None:
        path.write_bytes(fuzzed.mutated(content, random))
        found, error = outcome_of(fuzzed.read, path)
        assert found in GOOD, f"{found}: {error}"

    holds()


def bounded(task: str, path: Path) -> str:
    """How a task refuses an event file, in a process of its own with the limits of a case."""
    words = [sys.executable, "-m", "tests.faults.fuzz", "--refuse", task, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, env=_environment(), timeout=WALL_S * 2, check=False)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr[-500:]}"
    return done.stdout.strip()


def _refuse(task: str, path: Path) -> None:
    from tasks.registry import TASKS

    reader = TASKS.load(task).resolve("smoke").reader
    assert reader is not None
    _limit()
    found, error = outcome_of(lambda source: [len(table) for table in reader.read_new(source).chunks], path)
    assert found == "refused", f"{found}: {error}"
    print(error)


# --- in child processes ----------------------------------------------------------------------------------------------


@dataclass
class Summary:
    """What came of all cases of a reader. `errors` has the first case of each kind of failure."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether every case was read or refused."""
        return set(self.counts) <= set(GOOD)

    def add(self, case: int, found: str, error: str, seconds: float, peak_mb: float) -> None:
        """Count a case."""
        self.counts[found] += 1
        self.slowest_s, self.peak_mb = max(self.slowest_s, seconds), max(self.peak_mb, peak_mb)
        if found not in GOOD:
            kind = f"{found}: {error[:60]}"
            if len(self.errors) < MOST_ERRORS or kind in self.errors:
                self.errors.setdefault(kind, f"case {case}: {found}: {error[:300]}")

    def row(self) -> str:
        """A line of the table."""
        numbers = [self.counts.total(), *(self.counts[name] for name in COLUMNS)]
        return f"{self.name:24}" + "".join(f"{n:9,}" for n in numbers) + f"{self.slowest_s:9.2f}{self.peak_mb:9.0f}"


COLUMNS = ("refused", "read", "wrong", "memory", "crash", "hang")
HEADER = f"{'reader':24}" + "".join(f"{name:>9}" for name in ("cases", *COLUMNS, "slow s", "peak MB"))


def run(name: str, cases: int, first: int = 0) -> Summary:
    """Run cases of a reader in child processes; a case that ends its process is counted, and the next one follows."""
    summary = Summary(name)
    case, end = first, first + cases
    while case < end:
        with _child(name, case, end) as child:
            assert child.stdout is not None
            for line in child.stdout:
                summary.add(case, *json.loads(line))
                case += 1
        if case < end:
            signalled = -child.returncode
            kind = "hang" if signalled in (signal.SIGALRM, signal.SIGPROF) else "crash"
            if child.returncode > 0:
                raise RuntimeError(f"{name}: case {case} can't be made or run; see --serve --first {case} --cases 1")
            slow = CPU_S if signalled == signal.SIGPROF else 0.0
            summary.add(case, kind, f"exit code {child.returncode}", slow, 0.0)
            case += 1
    return summary


def _child(name: str, first: int, end: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.faults.fuzz", "--serve", "--reader", name]
    words += ["--first", str(first), "--cases", str(end - first)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def serve(fuzzed: Fuzzed, name: str, cases: range) -> None:
    """In a child process: run cases, and print the outcome of each as a line of JSON."""
    with os.fdopen(os.dup(1), "w") as output, tempfile.TemporaryDirectory() as folder:
        os.dup2(2, 1)  # parsers may print
        path = fuzzed.make(Path(folder))
        content = path.read_bytes()
        fuzzed.read(path)  # imports, and memory that stays
        limit = _status("VmSize") + GIGABYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for case in cases:
            path.write_bytes(fuzzed.mutated(content, Random(f"{name}-{case}")))
            print(json.dumps(_measured(fuzzed, path)), file=output, flush=True)


def _limit() -> None:
    """Limit the memory of this process, and the CPU and waiting time of what follows."""
    limit = _status("VmSize") + GIGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.setitimer(signal.ITIMER_PROF, CPU_S)  # the default action of both signals ends the process,
    signal.setitimer(signal.ITIMER_REAL, WALL_S)  # also while native code runs


def _measured(fuzzed: Fuzzed, path: Path) -> tuple[str, str, float, float]:
    Path("/proc/self/clear_refs").write_text("5")
    base, started = _status("VmRSS"), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, CPU_S)  # the default action of both signals ends the process,
    signal.setitimer(signal.ITIMER_REAL, WALL_S)  # also while native code runs
    found, error = outcome_of(fuzzed.read, path)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return found, error[:400], time.process_time() - started, (_status("VmHWM") - base) / 2**20


def _status(name: str) -> int:
    """A field of the memory of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def main(words: list[str] | None = None) -> int:
    """The command line."""
    from tests.faults.readers import KINDS, every_reader, readers

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--reader", action="append", help=f"KIND.NAME, or a kind ({', '.join(KINDS)}). Default: all")
    parser.add_argument("--keep", type=Path, help="write the file of case --first here, and run nothing")
    parser.add_argument("--refuse", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.refuse:
        _refuse(given.refuse[0], Path(given.refuse[1]))
        return 0
    wanted = given.reader or KINDS
    known = every_reader() if not given.serve else readers(wanted[0].partition(".")[0])
    names = [name for name in known if name in wanted or name.partition(".")[0] in wanted]
    cases = range(given.first, given.first + given.cases)
    if given.serve:
        serve(known[names[0]], names[0], cases)
    elif given.keep:
        with tempfile.TemporaryDirectory() as folder:
            content = known[names[0]].make(Path(folder)).read_bytes()
        given.keep.write_bytes(known[names[0]].mutated(content, Random(f"{names[0]}-{given.first}")))
    else:
        print(HEADER)
        for name in names:
            summary = run(name, given.cases, given.first)
            print(summary.row(), *(f"    {error}" for error in summary.errors.values()), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
