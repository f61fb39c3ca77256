"""Commands are killed, at random moments and at changes of files; given again, they have to end as if they were not.

    python -m tests.faults.kills --kills 100 --output kills.jsonl     `run` at random moments, started as a user does
    python -m tests.faults.kills --changes --output kills.jsonl       every command at every change of a file

Trials that are in the output already are not repeated. `python -m tests.faults.report kills.jsonl` prints a table.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.commands import KILLED, Ended, Fresh, Running
from tests.faults.report import Log, Trial
from tests.faults.scenarios import SCENARIOS, Scenario, Workshop, change, workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Start: TypeAlias = Callable[[Scenario, Path], Running | Fresh]

AT_A_MOMENT = "kill at a random moment"
AT_A_CHANGE = "kill at a change of a file"

_measured: dict[str, float] = {}


def kill_at_change(shop: Workshop, scenario: Scenario, number: int, *, fork: bool = True) -> Trial:
    """Kill a command at a change of a file, and run it again."""
    shop.reference(scenario)  # first, since the kill needs its folders whole
    place = shop.place(scenario)
    plan = shop.plan(place, number)
    ended = shop.run(scenario, place, plan=plan, fork=fork)
    what = change(plan, number).replace(str(place), "")
    return _again(shop, scenario, place, ended, Trial(AT_A_CHANGE, scenario.name, str(number), what), shop.start)


def kill_at_moment(shop: Workshop, scenario: Scenario, share: float, start: Start | None = None) -> Trial:
    """Kill a command after a share of the time that it takes, and run it again.

    It is started by the nursery unless `start` does it.
    """
    start = start or shop.start
    seconds = share * _seconds(shop, scenario, start)
    place = shop.place(scenario)
    running = start(scenario, place)
    if not running.ends_within(seconds):
        running.kill()
    trial = Trial(AT_A_MOMENT, scenario.name, f"{share:.4f}", f"{seconds:.2f} s")
    return _again(shop, scenario, place, running.wait(), trial, start)


def _again(shop: Workshop, scenario: Scenario, place: Path, ended: Ended, trial: Trial, start: Start) -> Trial:
    """Run a command again that was killed, and compare the folders with those of a run that was not."""
    expected = shop.reference(scenario).state
    trial.add(ended)
    if ended.code not in (KILLED, 0):
        trial.problems.append(f"ended with {ended.code}: {ended.err[-300:]}")
    partial = shop.state(scenario, place).differences(expected, whole=False)
    trial.problems += [f"after the kill: {line}" for line in partial]
    again = start(scenario, place).wait()
    trial.add(again)
    if again.code != 0:
        trial.problems.append(f"the second run ended with {again.code}: {again.err[-300:]}")
    trial.problems += shop.state(scenario, place).differences(expected)
    trial.leftovers = shop.leftovers(scenario, place)
    return trial


def _seconds(shop: Workshop, scenario: Scenario, start: Start) -> float:
    """How long the scenario takes without a kill when it is started in this way; measured once."""
    if start == shop.start:
        return shop.reference(scenario).seconds
    if scenario.name not in _measured:
        shop.reference(scenario)
        _measured[scenario.name] = start(scenario, shop.place(scenario)).wait().seconds
    return _measured[scenario.name]


def moments(count: int, seed: int) -> list[float]:
    """Random moments of a run, as shares of its time."""
    rng = random.Random(seed)
    return [rng.random() for _ in range(count)]


def _trials(shop: Workshop, log: Log, kills: int, seed: int, *, every_change: bool) -> Iterator[Trial]:
    run = SCENARIOS["run"]
    for moment in moments(kills, seed):
        if not log.has(AT_A_MOMENT, run.name, f"{moment:.4f}"):
            yield kill_at_moment(shop, run, moment, shop.start_fresh)
    for scenario in SCENARIOS.values() if every_change else ():
        for number in range(1, len(shop.reference(scenario).changes) + 1):
            if not log.has(AT_A_CHANGE, scenario.name, str(number)):
                yield kill_at_change(shop, scenario, number)


def main() -> None:
    """Try what the command line asks for."""
    parser = argparse.ArgumentParser(description="Kill commands and run them again.")
    parser.add_argument("--kills", type=int, default=0, help="how many kills of `run` at random moments")
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--changes", action="store_true", help="kill every command at every change of a file")
    parser.add_argument("--output", type=Path, default=Path("kills.jsonl"), help="file to which trials are added")
    given = parser.parse_args()
    log = Log(given.output)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, workshop(Path(folder)) as shop:
        for trial in _trials(shop, log, given.kills, given.seed, every_change=given.changes):
            log.add(trial)
            print(trial, flush=True)


if __name__ == "__main__":
    main()
