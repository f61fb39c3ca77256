"""Showers with pile-up do not depend on how many processes make them.

That the pool of pile-up, which each process makes for itself, is the same in all is tested with `egamma`.
Other tasks have hits of collisions that Pythia makes, in processes of their own as well.
"""

from pathlib import Path

import awkward as ak
import pytest

from benchmark.core.files import sha256
from tasks.data.dataset import DataSet
from tasks.data.store import prepare, shards
from tasks.events import read
from tasks.registry import TASKS
from tests.tasks.data_sets import quiet

TARGET = f"{Path(__file__).with_name('small_pool.py')}:SmallPool"
SIZES = {"events_per_class": "10", "shard_events": "2", "pileup": "3"}
"""Ten shards, which three workers cannot share evenly."""


def data_set(**changes):
    return DataSet(TARGET, TASKS.load(TARGET).resolve("smoke", SIZES | changes), "detector")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Made by one worker: root and manifest."""
    root = tmp_path_factory.mktemp("alone")
    return root, prepare(data_set(), root, 1, quiet)


def test_three_workers_make_the_same_bytes_as_one(alone, tmp_path):
    root, manifest = alone
    other = prepare(data_set(), tmp_path, 3, quiet)
    assert other.model_dump(exclude={"created"}) == manifest.model_dump(exclude={"created"})
    first, second = (
        {file.name: sha256(file) for file in data_set().folder(place).glob("*.parquet")} for place in (root, tmp_path)
    )
    assert len(first) == 10 == len(set(first.values()))
    assert second == first


@pytest.mark.parametrize(("name", "process"), [("dimuon", "z"), ("ttbar", "wjets")])
def test_workers_make_the_same_collisions_as_this_process(smoke_data, name, process):
    data = DataSet(name, TASKS.load(name).resolve("smoke"), "detector")
    shard = next(shard for shard in data.manifest(smoke_data).shards if shard.process == process)
    table = data.task.generate(process, "detector", shard.events, shard.seed)
    kept = read(data.folder(smoke_data) / shard.file)
    assert set(table.fields) >= {"objects", "ecal", "hcal", "tracks"}
    assert ak.array_equal(kept[table.fields], table, dtype_exact=True)


def test_this_process_makes_the_same_events(alone):
    root, manifest = alone
    task = data_set().task
    found = list(zip(manifest.shards, shards(data_set(), root), strict=True))
    # in another order, as workers have it: what came before leaves no trace
    for shard, part in reversed(found):
        table = task.generate(shard.process, "detector", shard.events, shard.seed)
        assert table.to_list() == part.table[table.fields].to_list()


def test_there_is_pileup(alone):
    _, manifest = alone
    shard = manifest.shards[0]
    over, bare = (
        data_set(pileup=mean).task.generate(shard.process, "detector", shard.events, shard.seed) for mean in ("30", "0")
    )
    assert ak.sum(ak.num(over.ecal.energy)) > ak.sum(ak.num(bare.ecal.energy))
