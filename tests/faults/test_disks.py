"""Full, read-only and broken disks: a few faults of each kind here, all in `python -m tests.faults.disks`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.faults.disks import (
    FAULTS,
    fail_at_change,
    fail_in_long_files,
    no_rooms,
    run_on_readonly_disk,
    run_on_small_disk,
)
from tests.faults.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.report import Trial
    from tests.faults.scenarios import Workshop

SHORT = ("generate", "import", "predict to csv", "predict to parquet", "fetch")
"""Commands that take little time."""


@pytest.fixture
def rooms() -> None:
    """Skip a test where a process can't have a file system of its own."""
    if reason := no_rooms():
        pytest.skip(reason)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SHORT)
def test_a_change_of_a_file_fails(name: str, fault: str, shop: Workshop, survives: Callable[[Trial], None]):
    count = len(shop.reference(SCENARIOS[name]).changes)
    survives(fail_at_change(shop, SCENARIOS[name], random.Random(name + fault).randint(1, count), fault))


def test_a_disk_that_is_full_when_the_run_is_half_done(shop: Workshop, survives: Callable[[Trial], None]):
    scenario = SCENARIOS["run and keep"]
    survives(fail_at_change(shop, scenario, len(shop.reference(scenario).changes) // 2, "ENOSPC"))


def test_a_disk_that_becomes_readonly_in_an_import(shop: Workshop, survives: Callable[[Trial], None]):
    scenario = SCENARIOS["import"]
    number = shop.reference(scenario).number_of("rename", "events-0000.parquet")
    survives(fail_at_change(shop, scenario, number + 1, "EROFS"))


def test_a_checkpoint_that_cannot_be_deleted(shop: Workshop, survives: Callable[[Trial], None]):
    scenario = SCENARIOS["run and keep"]
    survives(fail_at_change(shop, scenario, shop.reference(scenario).number_of("remove", ".checkpoint"), "EIO"))


def test_a_record_says_that_its_model_was_not_saved(shop: Workshop, survives: Callable[[Trial], None]):
    """The disk fails once, while the model is saved; then the record is written."""
    scenario = SCENARIOS["run and keep"]
    survives(fail_at_change(shop, scenario, shop.reference(scenario).number_of("mkdir", "/models/peak"), "EIO"))


def test_half_of_the_trees_are_not_kept(shop: Workshop, survives: Callable[[Trial], None]):
    """XGBoost writes as many bytes as it may, and reports no error."""
    survives(fail_in_long_files(shop, SCENARIOS["run and keep"], 8192))


@pytest.mark.usefixtures("rooms")
def test_a_small_disk(shop: Workshop, survives: Callable[[Trial], None]):
    survives(run_on_small_disk(shop, SCENARIOS["generate"], 8))


@pytest.mark.usefixtures("rooms")
def test_a_disk_mounted_readonly(shop: Workshop, survives: Callable[[Trial], None]):
    survives(run_on_readonly_disk(shop, SCENARIOS["import"]))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_many_changes_fail(scenario: Scenario, fault: str, shop: Workshop, survives: Callable[[Trial], None]):
    count = len(shop.reference(scenario).changes)
    for number in sorted(random.Random(scenario.name).sample(range(1, count + 1), min(count, 12))):
        survives(fail_at_change(shop, scenario, number, fault))


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_files_cannot_grow(scenario: Scenario, shop: Workshop, survives: Callable[[Trial], None]):
    for size in (10_000, 30_000, 100_000):
        survives(fail_in_long_files(shop, scenario, size))


@pytest.mark.slow
@pytest.mark.usefixtures("rooms")
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_small_disks(scenario: Scenario, shop: Workshop, survives: Callable[[Trial], None]):
    survives(run_on_readonly_disk(shop, scenario))
    for kilobytes in (0, 8, 40, 160, 640):
        survives(run_on_small_disk(shop, scenario, kilobytes))
