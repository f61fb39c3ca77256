"""Disks that are full, read-only or broken: a command says so in a line, loses nothing, and works afterwards.

    python -m tests.faults.disks --output disks.jsonl     every command, with each fault at every change of a file

Changes of files fail in the process, and real file systems in memory are too small or read-only.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.faults.report import Log, Trial
from tests.faults.scenarios import SCENARIOS, Scenario, Workshop, change, workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.commands import Ended
    from tests.faults.folders import State

FAULTS = {"ENOSPC": "full disk", "EROFS": "read-only disk", "EIO": "broken disk"}
"""Errors of the system, and what they stand for. The first two last, the third happens once."""
LONG_FILE, SMALL, MOUNTED = "bound on files", "small disk", "disk mounted read-only"
PAGE = 4096
"""Bytes of which a file system in memory is made."""
MOST_LINES = 3
"""Lines on standard error, at most: the error, and warnings of what was tolerated."""


def fail_at_change(shop: Workshop, scenario: Scenario, number: int, fault: str) -> Trial:
    """Let a change of a file fail, and run the command again on a good disk."""
    shop.reference(scenario)  # first, since the fault needs its folders whole
    place = shop.place(scenario)
    before = shop.state(scenario, place)
    plan = shop.plan(place, number, fault, lasting=fault != "EIO")
    ended = shop.run(scenario, place, plan=plan)
    trial = Trial(FAULTS[fault], scenario.name, str(number), change(plan, number).replace(str(place), ""))
    return check(shop, scenario, before, ended, trial)


def fail_in_long_files(shop: Workshop, scenario: Scenario, size: int) -> Trial:
    """Let writes fail beyond this size of a file, also those of other languages, and run the command again."""
    shop.reference(scenario)
    place = shop.place(scenario)
    before = shop.state(scenario, place)
    ended = shop.run(scenario, place, limits={"RLIMIT_FSIZE": size})
    return check(shop, scenario, before, ended, Trial(LONG_FILE, scenario.name, f"{size} bytes"))


def run_on_small_disk(shop: Workshop, scenario: Scenario, kilobytes: int) -> Trial:
    """Run a command on a file system with so much space beyond what is there, and again with enough."""
    shop.reference(scenario)
    place = shop.place(scenario)
    taken = sum(-(-file.stat().st_size // PAGE) * PAGE for file in place.rglob("*") if file.is_file())
    with Room(place, f"size={max(taken + kilobytes * 1024, PAGE)}") as room:  # a size of 0 is no bound
        before = shop.state(scenario, room.view)
        ended = shop.run(scenario, place, room=room.process)
        room.mount("remount,size=1g")
        trial = Trial(SMALL, scenario.name, f"{kilobytes} kB")
        return check(shop, scenario, before, ended, trial, room)


def run_on_readonly_disk(shop: Workshop, scenario: Scenario) -> Trial:
    """Run a command on a file system that is mounted read-only, and again when it is not."""
    shop.reference(scenario)
    place = shop.place(scenario)
    with Room(place, "size=1g") as room:
        before = shop.state(scenario, room.view)
        room.mount("remount,ro")
        ended = shop.run(scenario, place, room=room.process)
        room.mount("remount,rw")
        trial = Trial(MOUNTED, scenario.name, "all")
        return check(shop, scenario, before, ended, trial, room)


class Room:
    """A process with a file system of its own, in memory, over a folder of which it has a copy.

    Other processes see it as `view`; commands of the nursery that run in the room see it in its place.
    """

    def __init__(self, place: Path, options: str) -> None:
        self.place = place
        command = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private", "sh"]
        self._shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process = self._shell.pid
        self._say("true")  # it has entered its namespaces
        self.view = Path(f"/proc/{self.process}/root{place}")
        self.mount(options, "-t tmpfs tmpfs")
        shutil.copytree(place, self.view, dirs_exist_ok=True)

    def mount(self, options: str, what: str = "") -> None:
        """Mount the file system, or again with other options."""
        self._say(f"mount -o {options} {what} {shlex.quote(str(self.place))}")

    def _say(self, command: str) -> None:
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f"{command} >&2; echo $?\n")
        self._shell.stdin.flush()
        code = self._shell.stdout.readline().strip()
        if code != "0":
            raise OSError(f"{command}: ended with {code or 'nothing'}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._shell.communicate()


def _is_unstored_sample(difference: str) -> bool:
    """Samples that can't be stored are held in memory; a second run has its result and does not make them."""
    return "/samples/" in difference and difference.endswith(": missing")


@cache
def no_rooms() -> str:
    """Why rooms can't be had on this machine; empty if they can."""
    try:
        with tempfile.TemporaryDirectory() as folder, Room(Path(folder), "size=1m") as room:
            (room.view / "file").touch()
            return "the file system is not of its own" if os.listdir(folder) else ""
    except OSError as error:
        return f"no file system of its own for a process: {error}"


def check(
    shop: Workshop, scenario: Scenario, before: State, ended: Ended, trial: Trial, room: Room | None = None
) -> Trial:
    """Judge how a command ended on a bad disk, and run it again on a good one."""
    place = shop.folder / "place"
    expected = shop.reference(scenario).state
    trial.add(ended)
    lines = ended.err.splitlines()
    if not ended.is_clear or len(lines) > MOST_LINES:
        trial.problems.append(f"ended with {ended.code} and {len(lines)} lines: {ended.err[-400:]}")
    view = room.view if room else place
    partial = shop.state(scenario, view)
    trial.problems += [f"lost: {name}" for name in before.files if name not in partial.files]
    trial.problems += [f"after the fault: {line}" for line in partial.differences(expected, whole=False)]
    again = shop.run(scenario, place, room=room.process if room else 0)
    trial.add(again)
    if again.code != 0:
        trial.problems.append(f"the second run ended with {again.code}: {again.err[-300:]}")
    found = shop.state(scenario, view)
    trial.problems += [line for line in found.differences(expected) if not _is_unstored_sample(line)]
    trial.leftovers = shop.leftovers(scenario, place, room.process if room else 0, view)
    return trial


def _trials(shop: Workshop, log: Log, names: list[str], step: int) -> Iterator[Trial]:
    for scenario in (SCENARIOS[name] for name in names):
        for fault, kind in FAULTS.items():
            for number in range(1, len(shop.reference(scenario).changes) + 1, step):
                if not log.has(kind, scenario.name, str(number)):
                    yield fail_at_change(shop, scenario, number, fault)
        for power in range(13, 21):
            if not log.has(LONG_FILE, scenario.name, f"{2**power} bytes"):
                yield fail_in_long_files(shop, scenario, 2**power)
        if no_rooms():
            continue
        for kilobytes in (0, 40, 160, 640):
            if not log.has(SMALL, scenario.name, f"{kilobytes} kB"):
                yield run_on_small_disk(shop, scenario, kilobytes)
        if not log.has(MOUNTED, scenario.name, "all"):
            yield run_on_readonly_disk(shop, scenario)


def main() -> None:
    """Try what the command line asks for."""
    parser = argparse.ArgumentParser(description="Run commands on bad disks, and again on good ones.")
    parser.add_argument("--only", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS), help="commands")
    parser.add_argument("--step", type=int, default=1, help="only every n-th change of a file fails")
    parser.add_argument("--output", type=Path, default=Path("disks.jsonl"), help="file to which trials are added")
    given = parser.parse_args()
    log = Log(given.output)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, workshop(Path(folder)) as shop:
        for trial in _trials(shop, log, given.only, given.step):
            log.add(trial)
            print(trial, flush=True)


if __name__ == "__main__":
    main()
