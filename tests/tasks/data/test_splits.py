"""Shards belong to one split: no collision is in the training part of one data set and the test part of another."""

from collections import defaultdict

import awkward as ak
import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.core.plugin import PRESETS
from benchmark.records.scores import IDS_OF_A_PROCESS
from tasks.data import generation
from tasks.data.dataset import DataSet
from tasks.data.generation import events_of, plan, seed_of
from tasks.data.manifest import MANIFEST
from tasks.data.store import load, prepare
from tasks.data.verification import verify
from tasks.dimuon.dimuon import seeds_of
from tasks.events import SPLITS
from tasks.registry import TASKS
from tests.tasks.data_sets import coins, quiet

PYTHIA = 900_000_000
SECOND = 450_000_000
"""What a task adds to a seed for another generator."""


def every_data_set():
    """The data sets of all tasks that are generated: each preset and level, and test sets of several sizes."""
    for name in TASKS.core():
        for preset in PRESETS:
            task = TASKS.load(name).resolve(preset.name)
            yield DataSet(name, task, "hadron")
            yield from (DataSet(name, task, "detector", test_events=events) for events in (1, 800, 5000, 49_800))


def test_no_seed_is_in_two_splits():
    seeds = defaultdict(set)
    for data in every_data_set():
        for shard in plan(data):
            seeds[shard.split] |= {shard.seed, shard.seed + SECOND}
    assert all(0 < seed <= PYTHIA for numbers in seeds.values() for seed in numbers)
    assert set(seeds) == set(SPLITS)
    assert len(set().union(*seeds.values())) == sum(map(len, seeds.values()))


def test_no_seed_of_a_component_of_dimuon_is_in_two_splits():
    seeds = defaultdict(set)
    for data in every_data_set():
        if data.task.name == "dimuon":
            for shard in plan(data):
                components = range(len(data.task.components(shard.process)))
                seeds[shard.split] |= {seeds_of(shard.seed, component)[0] for component in components}
    assert all(0 < seed <= PYTHIA for numbers in seeds.values() for seed in numbers)
    assert len(set().union(*seeds.values())) == sum(map(len, seeds.values()))


def test_a_seed_depends_on_task_process_split_and_number_alone():
    one, other = (
        DataSet("ttbar", TASKS.load("ttbar").resolve(preset, given), level)
        for preset, given, level in (("quick", {}, "detector"), ("standard", {"min_jets": "2"}, "hadron"))
    )
    first = {shard.file: shard.seed for shard in plan(one)}
    assert first.items() <= {shard.file: shard.seed for shard in plan(other)}.items()
    words = ("ttbar", "wjets", "train", 0)
    changed = [("egamma", *words[1:]), ("ttbar", "drellyan", *words[2:]), (*words[:2], "test", 0), (*words[:3], 1)]
    assert len({seed_of(*word) for word in (words, *changed)}) == 5


def hashes(variant, split, count=25):
    """Hashes of generated muons and electrons of events of a variant, which no detector has smeared."""
    task = TASKS.load("dimuon").resolve("smoke", variant)
    table = task.generate("jpsi", "hadron", count, seed_of("dimuon", "jpsi", split, 0))
    return {hash(ak.to_numpy(event.pt).tobytes()) for event in table.objects}


def test_variants_share_collisions_within_a_split_alone():
    plain, other = {"continuum": "false"}, {"continuum": "true"}
    train, test = hashes(plain, "train"), hashes(other, "test")
    assert len(train) == len(test) == 25
    assert not train & test
    assert hashes(other, "train") & train, "the same collisions are seen to be the same"


@pytest.mark.parametrize("events", [1, 100, 101, 800, 801, 5000])
def test_the_shards_of_a_test_set_do_not_depend_on_its_size(events):
    small, large = ({s.file: s for s in plan(coins().test_set(number))} for number in (events, 6000))
    assert small.keys() <= large.keys()
    assert all((s.seed, s.in_file) == (large[name].seed, large[name].in_file) for name, s in small.items())
    assert sum(shard.events for shard in small.values()) == 2 * events
    assert [s.in_file for s in plan(coins().test_set(1500))][::2] == [100, 100, 200, 400, 600, 600]


@pytest.fixture
def generated(monkeypatch):
    """The files that are generated, in this process."""
    files, made = [], generation._generated

    def watch(data, missing, folder, pool):
        files.extend(shard.file for shard in missing)
        return made(data, missing, folder, pool)

    monkeypatch.setattr(generation, "_generated", watch)
    return files


def test_a_larger_test_set_begins_with_the_smaller_one(tmp_path, generated):
    small, large = coins().test_set(150), coins().test_set(250)
    first, second = prepare(small, tmp_path, 1, quiet), prepare(large, tmp_path, 1, quiet)
    assert generated == [f"{name}-test-{n:04d}.parquet" for n in range(3) for name in ("heads", "tails")]
    assert small.recipe() == large.recipe() != coins().recipe()
    assert first.counts["heads"] == {"train": 0, "valid": 0, "test": 150}
    assert len(generated) == 6, "the others are copied"
    assert first.fingerprint != second.fingerprint
    few, many = (load(data, tmp_path) for data in (small, large))
    alike = np.isin(many.column("event_id"), few.column("event_id"))
    assert np.count_nonzero(alike) == len(few) == 300
    assert ak.array_equal(many.table[alike], few.table)
    for label in (0, 1):
        ids, all_ids = (np.sort(e.column("event_id")[e.column("label") == label]) for e in (few, many))
        assert np.array_equal(ids, all_ids[:150]), "the first of each process, as boards expect"
        assert set(all_ids // IDS_OF_A_PROCESS) == {all_ids[0] // IDS_OF_A_PROCESS}
    assert all(verify(data.folder(tmp_path), data.manifest(tmp_path), quiet) == [] for data in (small, large))


def test_a_test_set_is_not_copied_from_a_damaged_one(tmp_path, generated):
    small, large = coins().test_set(150), coins().test_set(250)
    prepare(small, tmp_path, 1, quiet)
    (small.folder(tmp_path) / "heads-test-0000.parquet").write_bytes(b"")
    prepare(large, tmp_path, 1, quiet)
    assert generated.count("heads-test-0000.parquet") == 2
    (small.folder(tmp_path) / MANIFEST).write_text("{")
    prepare(coins().test_set(120), tmp_path, 1, quiet)
    again = load(coins().test_set(120), tmp_path)
    assert set(again.column("event_id")) < set(load(large, tmp_path).column("event_id"))


def test_views_and_sizes_share_a_test_set_and_variants_do_not(tmp_path):
    sets = [coins(), coins(swapped=True), coins(events_per_class=60), coins(shard_events=25)]
    assert len({data.test_set(100).folder(tmp_path) for data in sets}) == 1
    assert len({data.test_set(100).folder(tmp_path) for data in (coins(), coins(bias=1.0), coins("detector"))}) == 3


def test_ids_and_splits_of_training_and_test_differ(made, tmp_path):
    prepare(coins().test_set(100), tmp_path, 1, quiet)
    train, test = load(coins(), made.root), load(coins().test_set(100), tmp_path)
    assert not set(train.column("event_id").tolist()) & set(test.column("event_id").tolist())
    assert {name: len(part) for name, part in train.splits().items()} == {"train": 80, "valid": 20, "test": 0}
    assert {name: len(part) for name, part in test.splits().items()} == {"train": 0, "valid": 0, "test": 200}
    assert events_of(coins()) == {"train": 40, "valid": 10}


@pytest.mark.parametrize("events", [0, -5, 5_000_001])
def test_sizes_of_test_sets_that_make_no_sense_are_refused(events):
    with pytest.raises(UserError, match=rf"--test-events {events}: expected test events of each class, a whole number"):
        coins().test_set(events)


def test_files_have_no_test_set(tmp_path):
    with pytest.raises(UserError, match="coins: 800 test events of each class, but the test events of real files are"):
        coins(source=tmp_path).test_set(800)
