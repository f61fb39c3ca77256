"""Commands are killed with all their processes: ten kills here, many more in `python -m tests.faults.kills`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.faults.kills import kill_at_change, kill_at_moment, moments
from tests.faults.report import Log, Trial, rows, table
from tests.faults.scenarios import SCENARIOS, Scenario, changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.scenarios import Workshop

QUICK = [scenario for scenario in SCENARIOS.values() if not scenario.slow]


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
def test_a_kill_at_a_change_of_a_file(scenario: Scenario, shop: Workshop, survives: Callable[[Trial], None]):
    count = len(shop.reference(scenario).changes)
    survives(kill_at_change(shop, scenario, random.Random(scenario.name).randint(1, count)))


@pytest.mark.parametrize("share", moments(2, seed=16))
def test_a_kill_at_a_random_moment(share: float, shop: Workshop, survives: Callable[[Trial], None]):
    survives(kill_at_moment(shop, SCENARIOS["run"], share))


def test_a_kill_before_the_checkpoint_is_deleted(shop: Workshop, survives: Callable[[Trial], None]):
    scenario = SCENARIOS["train"]
    survives(kill_at_change(shop, scenario, shop.reference(scenario).number_of("remove", ".checkpoint")))


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_kills_at_many_changes(scenario: Scenario, shop: Workshop, survives: Callable[[Trial], None]):
    count = len(shop.reference(scenario).changes)
    for number in sorted(random.Random(scenario.name).sample(range(1, count + 1), min(count, 12))):
        survives(kill_at_change(shop, scenario, number))


@pytest.mark.slow
def test_spawned_workers_count_and_are_killed_as_well(shop: Workshop, survives: Callable[[Trial], None]):
    scenario = SCENARIOS["run"]
    place = shop.place(scenario, "spawned")
    plan = shop.plan(place)
    assert shop.run(scenario, place, plan=plan, fork=False).code == 0
    count = len(shop.reference(scenario).changes)
    assert len(changes(plan)) == count
    survives(kill_at_change(shop, scenario, count // 2, fork=False))


def test_a_kill_is_noticed_where_it_does_harm(shop: Workshop):
    """The harness tells a state from a whole one: an empty score file, a missing one, and one too many."""
    scenario = SCENARIOS["leaderboard"]
    expected = shop.reference(scenario).state
    place = shop.place(scenario, "harm")
    assert shop.run(scenario, place).code == 0
    assert shop.state(scenario, place).differences(expected) == []
    (place / "pages" / "boards.csv").write_bytes(b"")
    (place / "pages" / "index.html").unlink()
    (place / "pages" / "more.html").touch()
    (place / "pages" / ".index-1a2b.tmp").touch()
    found = shop.state(scenario, place)
    names = ["pages/boards.csv: other content", "pages/more.html: not expected", "pages/index.html: missing"]
    assert found.differences(expected) == names
    assert found.differences(expected, whole=False) == names[:2]
    assert found.temporary == ("pages/.index-1a2b.tmp",)


def test_trials_are_kept_in_a_file_and_make_a_table(tmp_path):
    log = Log(tmp_path / "faults.jsonl")
    log.add(Trial("kill", "run", "1", peak_mb=100.0))
    log.add(Trial("kill", "run", "2", problems=["a.json: missing"], leftovers=[".a.tmp"], peak_mb=300.0))
    log.add(Trial("fork", "run", "1", hung=True))
    again = Log(log.path)
    assert again.trials == log.trials
    assert again.has("kill", "run", "2")
    assert not again.has("kill", "run", "3")
    assert rows(again.trials) == [
        ("kill", "2", "1", "1", "0", "0", "1", "300"),
        ("fork", "1", "0", "0", "1", "0", "0", "0"),
        ("all", "3", "1", "1", "1", "0", "1", "300"),
    ]
    assert table(again.trials).splitlines()[1].split() == ["kill", "2", "1", "1", "0", "0", "1", "300"]
