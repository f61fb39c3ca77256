import gc
import pickle
import shutil
import tracemalloc
from collections import Counter
from functools import partial
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.core.files import sha256
from tasks.data.dataset import DataSet
from tasks.data.fingerprint import fingerprint
from tasks.data.store import PACKAGES, load, prepare, shards
from tasks.data.verification import verify
from tasks.events import SPLITS, split_of
from tasks.reader import Imported
from tasks.registry import TASKS
from tests.leftovers import leftover_of_a_killed_process
from tests.tasks.coins import REPORTS
from tests.tasks.data_sets import COINS, coins, quiet

# --- making ----------------------------------------------------------------------------------------------------------


def test_two_workers_make_the_same_bytes_as_one(made, tmp_path):
    root, manifest, _ = made
    other = prepare(coins(), tmp_path, 2, quiet)
    assert other.model_dump(exclude={"created"}) == manifest.model_dump(exclude={"created"})
    assert {f.name: f.read_bytes() for f in coins().folder(root).glob("*.parquet")} == {
        f.name: f.read_bytes() for f in coins().folder(tmp_path).glob("*.parquet")
    }


def test_progress_moves_within_a_shard(made, tmp_path, monkeypatch):
    monkeypatch.setenv(REPORTS, "1000000")
    monkeypatch.setattr("tasks.data.generation.LOOK_EVERY_S", 0.05)
    reports = []
    other = prepare(coins(), tmp_path, 2, lambda *report: reports.append(report))
    assert other.content == made.manifest.content
    steps = [done for stage, done, _ in reports if stage == "generate"]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 100)
    assert set(steps) & {5, 10, 15}, "before the first shard, of 20 events, is whole"


def test_only_events_of_our_detector_are_called_fast_simulation(tmp_path, monkeypatch):
    assert not prepare(coins("detector"), tmp_path, 1, quiet).fast_simulation
    monkeypatch.setattr(TASKS.load(COINS), "fast_simulation", True)
    assert prepare(coins("detector"), tmp_path / "ours", 1, quiet).fast_simulation
    assert not prepare(coins("hadron"), tmp_path / "ours", 1, quiet).fast_simulation


def test_manifest_says_what_was_made(made):
    root, manifest, reports = made
    assert [(s.file, s.events) for s in manifest.shards] == [
        (f"{process}-{split}-{number:04d}.parquet", size)
        for split, number, size in (("train", 0, 20), ("train", 1, 20), ("valid", 0, 10))
        for process in ("heads", "tails")
    ]
    assert len({s.seed for s in manifest.shards}) == 6
    assert all(0 < s.seed < 450_000_000 for s in manifest.shards)  # Pythia's limit, and room for a second stream
    assert all(sha256(coins().folder(root) / s.file) == s.sha256 for s in manifest.shards)
    assert manifest.settings["tails"] == ["coin=tails", "level=hadron", "bias=0"]
    assert manifest.parameters == {"events_per_class": 50, "shard_events": 20, "bias": 0.0}
    assert (manifest.task, manifest.level, manifest.source) == ("coins", "hadron", "generated")
    assert set(manifest.packages) == set(PACKAGES)
    assert not manifest.fast_simulation
    assert manifest.events() == 100 == sum(s.events for s in manifest.shards)
    assert sum(manifest.events(split) for split in SPLITS) == 100
    assert manifest.counts == {name: {"train": 40, "valid": 10, "test": 0} for name in ("heads", "tails")}
    for stage in ("generate", "describe"):
        steps = [(done, total) for name, done, total in reports if name == stage]
        assert (steps[0], steps[-1]) == ((0, 100), (100, 100))
        assert steps == sorted(steps)


def test_counts_and_fingerprints_are_those_of_the_events_that_are_loaded(made):
    root, manifest, _ = made
    events = load(coins(), root)
    assert events.info.classes == ("heads", "tails")
    for code, process in enumerate(events.info.classes):
        for name, part in events.splits().items():
            assert manifest.counts[process][name] == np.count_nonzero(part.column("label") == code)
    assert fingerprint(events.table) == manifest.fingerprint
    assert fingerprint(events.table, everything=True) == manifest.content


def test_columns_that_a_task_need_not_think_of(made):
    events = load(coins(), made.root)
    ids = events.column("event_id")
    assert len(set(ids.tolist())) == 100
    assert np.array_equal(ids, events.column("group"))
    types = {"event_id": np.int64, "group": np.int64, "label": np.int8, "weight": np.float32, "split": np.int8}
    assert {name: events.column(name).dtype for name in types} == types
    assert (events.column("weight") == 1).all()


def test_a_class_is_drawn_from_its_own_seeds(made):
    lists = ak.to_list(load(coins(), made.root).table.objects.pt)
    assert len({str(pt) for pt in lists if pt}) == sum(map(bool, lists))


def test_what_is_made_is_found_again(made, monkeypatch):
    monkeypatch.setattr("tasks.data.generation.generate", None)
    root, manifest, _ = made
    assert prepare(coins(), root, 1, quiet) == manifest
    assert coins().manifest(root) == manifest


def test_events_that_are_not_finite_are_refused_and_not_kept(tmp_path):
    with pytest.raises(UserError, match=r"coins, heads: event 3 has candidate\.ht that is missing, NaN"):
        prepare(coins(bias=-1.0), tmp_path, 1, quiet)
    assert coins(bias=-1.0).manifest(tmp_path) is None
    assert not list(tmp_path.rglob("*.parquet"))


# --- shard by shard --------------------------------------------------------------------------------------------------


def test_shards_come_one_by_one_in_the_order_of_the_manifest(made):
    root, manifest, _ = made
    parts = list(shards(coins(), root))
    assert [len(part) for part in parts] == [shard.events for shard in manifest.shards]
    assert ak.to_list(ak.concatenate([part.table for part in parts])) == ak.to_list(load(coins(), root).table)


def test_only_the_columns_asked_for_and_the_truth_are_read(made):
    truth = ["event_id", "group", "label", "weight"]  # and the split, in the last column
    for columns, found in (((), []), (("candidate", "ecal"), ["candidate"]), (None, ["objects", "candidate"])):
        for part in shards(coins(), made.root, columns):
            assert part.table.fields == [*truth, *found, "split"]


def test_columns_of_a_view_are_always_read(made, monkeypatch):
    monkeypatch.setattr(TASKS.load(COINS), "applied_columns", frozenset({"candidate"}))
    assert next(shards(coins(swapped=True), made.root, ())).has("candidate")


def test_a_shard_is_verified_when_it_is_reached(made, copied, tmp_path):
    (copied / "tails-valid-0000.parquet").write_bytes(b"")  # the last
    some = shards(coins(), tmp_path)
    assert len([next(some) for _ in range(5)]) == 5
    with pytest.raises(UserError, match=r"tails-valid-0000\.parquet: changed since it was written"):
        next(some)


def peak(action):
    """Bytes that Python and numpy held at most while `action` ran, beyond what they held before."""
    action()  # imports and caches of the first call do not count
    gc.collect()
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


EVENTS, HITS = 50, 400


def chunks(count):
    """Tables of some 160 kB each, made one at a time."""
    for number in range(count):
        rng = np.random.default_rng(number)
        ids = EVENTS * number + np.arange(EVENTS)
        hits = {name: rng.random(EVENTS * HITS).astype(np.float32) for name in ("energy", "time")}
        columns = {"event_id": ids, "group": ids, "label": (ids % 2).astype(np.int8), "weight": np.ones(EVENTS, "f4")}
        yield ak.zip({**columns, "ecal": ak.unflatten(ak.zip(hits), np.full(EVENTS, HITS))}, depth_limit=1)


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Makes a data set of so many shards from a file, and returns it with its root."""

    def make(count):
        source, root = tmp_path / f"{count}.txt", tmp_path / f"data-{count}"
        source.write_text(str(count))
        monkeypatch.setattr(TASKS.load(COINS).reader, "read", lambda path: Imported(chunks(count), "coins"))
        data = coins(source=source)
        shutil.rmtree(root, ignore_errors=True)
        return data, root, prepare(data, root, 1, quiet)

    return make


def test_memory_does_not_grow_with_shards(imported):
    """Arrow's memory is not measured here, but numpy's is: the arrays of each event, and all that is stored."""
    few, many = peak(lambda: imported(5)), peak(lambda: imported(20))
    shard = EVENTS * HITS * 8
    assert few > shard, "numpy's memory is measured"
    assert many < few + shard
    for read in (lambda data, root: sum(map(len, shards(data, root))), lambda data, root: verify_all(data, root)):
        few, many = (peak(partial(read, *imported(count)[:2])) for count in (5, 20))
        assert many < few + shard


def verify_all(data, root):
    folder = data.folder(root)
    assert verify(folder, data.manifest(root), quiet) == []


# --- which data set --------------------------------------------------------------------------------------------------


def test_a_view_shares_the_folder_and_a_variant_does_not(made, tmp_path):
    root, _, _ = made
    assert coins(swapped=True).folder(tmp_path) == coins().folder(tmp_path)
    others = [coins(bias=1.0), coins("detector"), coins(events_per_class=60), coins(shard_events=25)]
    assert len({data.folder(tmp_path) for data in (coins(), *others)}) == 5
    plain, swapped = load(coins(), root), load(coins(swapped=True), root)
    assert (plain.column("label") + swapped.column("label") == 1).all()
    assert (split_of(plain.table) == split_of(swapped.table)).all()


def test_a_data_set_crosses_to_a_worker_without_the_class_of_its_task():
    data = pickle.dumps(coins(bias=2.0, swapped=True))
    assert b"benchmark_plugin" not in data
    assert pickle.loads(data) == coins(bias=2.0, swapped=True)


def test_another_file_of_the_same_name_is_another_data_set(tmp_path):
    copy = tmp_path / "coins.py"
    copy.write_text(Path(COINS.removesuffix(":Coins")).read_text() + "\n# changed\n")
    target = f"{copy}:Coins"
    other = DataSet(target, TASKS.load(target).resolve("smoke"), "hadron")
    assert other.folder(tmp_path) != coins().folder(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [({"events_per_class": 1}, "'events_per_class' is 1, expected 2"), ({"shard_events": -5}, "'shard_events' is -5")],
)
def test_sizes_that_make_no_sense_are_refused(given, message):
    with pytest.raises(UserError, match=rf"coins: parameter {message}"):
        coins(**given)


def test_an_unknown_level_is_refused():
    with pytest.raises(UserError, match=r"unknown level 'hadrons'\. Did you mean 'hadron'"):
        coins("hadrons")


def test_real_files_have_no_other_level(tmp_path):
    with pytest.raises(UserError, match="real files are of the level detector"):
        coins(level="generator", source=tmp_path)


def test_a_missing_source_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"coins: no file or folder .*nowhere"):
        coins(source=tmp_path / "nowhere")


def test_a_task_without_files_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(TASKS.load(COINS), "reader", None)
    with pytest.raises(UserError, match="coins: real files are not read for this task"):
        coins(source=tmp_path)


# --- real files ------------------------------------------------------------------------------------------------------


def test_imported_events_and_their_source(tmp_path, monkeypatch):
    source = tmp_path / "real"
    source.mkdir()
    (source / "b.csv").write_text("2")
    (source / "a.csv").write_text("1")
    (source / ".hidden").write_text("0")
    ids = np.arange(5)
    truth = {"event_id": ids, "group": ids, "label": np.array([0, 1, 0, 0, 1], np.int8)}
    table = ak.zip({**truth, "weight": np.ones(5, "f4"), "split": np.full(5, 2, np.int8)})
    found = Imported([table[:3], table[3:]], "coins of 2010", Counter({"too soft": 3}), ["of silver"])
    monkeypatch.setattr(TASKS.load(COINS).reader, "read", lambda path: found)
    data = coins(source=source)
    manifest = prepare(data, tmp_path / "data", 2, quiet)
    assert (manifest.source, manifest.dropped, manifest.settings) == ("coins of 2010", {"too soft": 3}, {})
    assert manifest.notes == ["of silver"]
    assert load(data, tmp_path / "data").info.holds == "coins only"
    assert manifest.files == {name: sha256(source / name) for name in ("a.csv", "b.csv")}
    assert manifest.counts["tails"] == {"train": 0, "valid": 0, "test": 2}
    assert load(data, tmp_path / "data").column("event_id").tolist() == ids.tolist()
    assert coins(source=source, events_per_class=7).folder(tmp_path) == data.folder(tmp_path)
    (source / "a.csv").write_text("one")
    assert data.manifest(tmp_path / "data") is None


def test_an_import_tells_how_far_it_is_and_passes_over_empty_chunks(tmp_path, monkeypatch):
    first, second = chunks(2)
    found = Imported(iter([first[:0], first, first[:0], second]), "coins")
    monkeypatch.setattr(TASKS.load(COINS).reader, "read", lambda path: found)
    reports = []
    manifest = prepare(coins(source=tmp_path), tmp_path / "data", 1, lambda *report: reports.append(report))
    assert [shard.file for shard in manifest.shards] == ["events-0000.parquet", "events-0001.parquet"]
    assert [done for stage, done, total in reports if (stage, total) == ("import", 0)] == [0, 50, 100]


@pytest.mark.parametrize("empty", [[], [next(chunks(1))[:0]]])
def test_an_import_without_events_is_refused(tmp_path, monkeypatch, empty):
    found = Imported(empty, "coins", Counter({"too soft": 3, "too hard": 0}))
    monkeypatch.setattr(TASKS.load(COINS).reader, "read", lambda path: found)
    with pytest.raises(
        UserError, match=r"coins: .* has no event left after the selection \(dropped: too soft: 3\), exp"
    ):
        prepare(coins(source=tmp_path), tmp_path / "data", 1, quiet)
    assert list((tmp_path / "data").rglob("*")) == [], "a refused import leaves no folder"


def test_an_import_that_fails_half_way_leaves_no_shard(tmp_path, monkeypatch):
    def broken():
        yield from chunks(2)
        raise UserError("cut short")

    def same():
        yield from chunks(1)
        yield from chunks(1)

    for tables, message in ((broken, "cut short"), (same, "50 event ids stand for more than one event")):
        found = Imported(tables(), "coins")
        monkeypatch.setattr(TASKS.load(COINS).reader, "read", lambda path, found=found: found)
        with pytest.raises(UserError, match=message):
            prepare(coins(source=tmp_path), tmp_path / "data", 1, quiet)
        assert list((tmp_path / "data").rglob("*")) == []


def test_what_another_user_left_is_no_error_where_it_can_not_be_deleted(tmp_path, monkeypatch):
    folder = coins().folder(tmp_path)
    folder.mkdir(parents=True)
    leftover_of_a_killed_process(folder / "heads-train-0000.parquet").touch()

    def refuse(path):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("tasks.data.store.remove", refuse)
    assert prepare(coins(), tmp_path, 1, quiet).events() == 100
