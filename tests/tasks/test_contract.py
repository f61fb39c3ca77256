"""The contract that every registered task keeps."""

import json
import pickle

import pytest

from benchmark.core.plugin import PRESETS
from tasks.data.dataset import DataSet, info_of
from tasks.data.generation import plan
from tasks.events import KINDS
from tasks.registry import TASKS
from tasks.task import LEVELS

NAMES = TASKS.names()
PRESET_NAMES = [preset.name for preset in PRESETS]

pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def task(name):
    return TASKS.load(name)


def test_there_is_a_summary_and_a_name(name, task):
    assert len(TASKS.find(name).summary) > 10
    assert task.name == name
    assert task.__doc__.startswith(TASKS.find(name).summary)
    assert task.version


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_presets_resolve(name, task, preset):
    resolved = task.resolve(preset)
    assert json.loads(json.dumps(resolved.parameters())) == resolved.parameters()
    assert resolved.events_per_class >= 80
    shards = plan(DataSet(name, resolved, "detector"))
    for process in resolved.processes:
        sizes = [shard.events for shard in shards if shard.process == process]
        assert sum(sizes) == resolved.events_per_class
        assert max(sizes) <= resolved.shard_events
    assert task(**resolved.parameters()) == resolved


def test_presets_grow_and_are_known(task):
    sizes = [task.resolve(preset).events_per_class for preset in PRESET_NAMES]
    assert sizes == sorted(sizes)
    assert set(task.presets) <= set(PRESET_NAMES)


def test_generated_events_of_our_tasks_pass_through_our_detector(task, name):
    assert task.fast_simulation is (name in TASKS.core())


def test_a_reader_says_what_it_takes_and_gives(task):
    reader = task.resolve("quick").reader
    assert len(reader.files) > 10
    assert len(reader.holds) > 10
    assert reader.columns


def test_levels(task):
    assert set(task.skipped_levels) < set(LEVELS)
    assert "detector" not in task.skipped_levels
    assert all(len(reason) > 10 for reason in task.skipped_levels.values())


@pytest.mark.parametrize("level", LEVELS)
def test_info_agrees_with_the_task(task, level):
    if level in task.skipped_levels:
        return
    resolved = task.resolve("quick")
    info = resolved.info(level)
    assert (info.task, info.classes, info.level) == (task.name, resolved.classes, level)
    assert len(set(info.classes)) == len(info.classes) >= 2
    assert info.particles in ("objects", "constituents", "ecal")
    assert info.magnitude in ("pt", "energy")
    if info.particles == "objects":
        assert set(info.slots) <= set(KINDS)
    assert info.slots
    assert all(count > 0 for count in info.slots.values())


@pytest.mark.parametrize("level", LEVELS)
def test_settings_are_recorded_for_every_process(task, name, level):
    resolved = task.resolve("smoke")
    assert len(set(resolved.processes)) == len(resolved.processes) >= 2
    if level not in task.skipped_levels and not TASKS.find(name).extra:
        lines = [resolved.settings(process, level) for process in resolved.processes]
        assert all(isinstance(line, str) for settings in lines for line in settings)
        assert len(set(lines)) == len(lines)


def test_data_parameters_leave_the_views_out(task):
    resolved = task.resolve("quick")
    assert task.applied_parameters <= set(resolved.parameters())
    nominal = {name for shift in task.shifts.values() for name in shift}
    assert set(resolved.data_parameters()) == set(resolved.parameters()) - task.applied_parameters - nominal


def test_shifts_are_other_events_of_the_same_classes(task, name, tmp_path):
    """Each shift differs from the task and from the other shift, in parameters that the identity has only then."""
    resolved = task.resolve("quick")
    assert len(task.shifts) == (2 if name in TASKS.core() else 0)
    variants = [task(**{**resolved.parameters(), **shift}) for shift in task.shifts.values()]
    folders = {DataSet(name, variant, "detector").folder(tmp_path) for variant in (resolved, *variants)}
    assert len(folders) == 1 + len(variants)
    for variant, shift in zip(variants, task.shifts.values(), strict=True):
        assert variant.classes == resolved.classes
        assert shift.items() <= variant.data_parameters().items()
        assert any(variant.settings(p, "detector") != resolved.settings(p, "detector") for p in variant.processes)


def test_the_expert_line_has_columns_or_a_reason(task, name):
    info = info_of(task.resolve("quick"), "detector", from_files=False)
    assert info.expert == task.expert
    assert bool(info.expert) == (name in {"ttbar", "wprime", "diphoton", "egamma"})
    assert bool(info.expert_note) != bool(info.expert)


def test_a_data_set_crosses_to_workers(task, name):
    data = DataSet(name, task.resolve("standard"), "detector")
    assert pickle.loads(pickle.dumps(data)) == data


def test_folders_of_levels_and_presets_differ(task, name, tmp_path):
    folders = {
        DataSet(name, task.resolve(preset), level).folder(tmp_path) for preset in PRESET_NAMES for level in LEVELS
    }
    assert len(folders) == len(LEVELS) * len({json.dumps(task.resolve(p).data_parameters()) for p in PRESET_NAMES})
