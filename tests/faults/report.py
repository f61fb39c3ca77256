"""What faults did: trials, the file that collects them, and a table of them.

python -m tests.faults.report faults.jsonl more.jsonl
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.faults.commands import Ended

COLUMNS = ("fault", "tried", "survived", "lost", "hung", "executed", "leftovers", "peak MB")


@dataclass
class Trial:
    """One fault, and what came of it.

    Parameters
    ----------
    kind : of fault. subject : the command, or the kind of file. at : where or when, so that a trial is found again.
    problems : what is lost, wrong or unclear; empty if the fault was survived.
    leftovers : temporary files that stay, also after the next run and `data clean`.
    executed : whether code of a stranger ran.
    """

    kind: str
    subject: str
    at: str
    what: str = ""
    problems: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    hung: bool = False
    executed: bool = False
    peak_mb: float = 0.0

    @property
    def survived(self) -> bool:
        """Whether nothing was lost or wrong."""
        return not (self.problems or self.leftovers or self.hung or self.executed)

    def add(self, ended: Ended) -> None:
        """Take up the memory of a command, and whether it hung."""
        self.peak_mb = max(self.peak_mb, ended.peak_mb)
        self.hung |= ended.code is None

    def __str__(self) -> str:
        words = self.problems + [f"left: {name}" for name in self.leftovers] + ["hung"] * self.hung
        return f"{self.kind}, {self.subject}, {self.at} {self.what}: {'; '.join(words) or 'survived'}"


class Log:
    """A file with a trial on each line, as JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials = read(path) if path.exists() else []

    def has(self, kind: str, subject: str, at: str) -> bool:
        """Whether a trial was made."""
        return any((trial.kind, trial.subject, trial.at) == (kind, subject, at) for trial in self.trials)

    def add(self, trial: Trial) -> None:
        """Append a trial."""
        self.trials.append(trial)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(trial)) + "\n")


def read(path: Path) -> list[Trial]:
    """The trials of a file."""
    return [Trial(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def rows(trials: Iterable[Trial]) -> list[tuple[str, ...]]:
    """A row for each kind of fault, and one for all."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.kind, []).append(trial)
    every = [trial for group in groups.values() for trial in group]
    return [_row(kind, group) for kind, group in groups.items()] + [_row("all", every)]


def _row(kind: str, trials: Sequence[Trial]) -> tuple[str, ...]:
    counts = (
        len(trials),
        sum(trial.survived for trial in trials),
        sum(bool(trial.problems) for trial in trials),
        sum(trial.hung for trial in trials),
        sum(trial.executed for trial in trials),
        sum(bool(trial.leftovers) for trial in trials),
    )
    return kind, *map(str, counts), f"{max((trial.peak_mb for trial in trials), default=0.0):.0f}"


def table(trials: Iterable[Trial]) -> str:
    """The rows in aligned columns."""
    lines = [COLUMNS, *rows(trials)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = (
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    )
    return "\n".join(texts)


if __name__ == "__main__":
    every = [trial for name in sys.argv[1:] for trial in read(Path(name))]
    print(table(every))
    for trial in every:
        if not trial.survived:
            print(trial)
