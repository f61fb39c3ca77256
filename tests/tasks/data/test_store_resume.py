"""Runs that were ended half way."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from benchmark.core.errors import UserError
from benchmark.core.seal import SEAL
from tasks.data import generation
from tasks.data.generation import plan
from tasks.data.manifest import MANIFEST, read_manifest
from tasks.data.shards import RECORDS, record
from tasks.data.store import prepare
from tests.leftovers import leftover_of_a_killed_process
from tests.tasks.coins import GATE
from tests.tasks.data_sets import coins, quiet, rewrite

ROOT = Path(__file__).parents[3]

RUN = """
from pathlib import Path
from tasks.data.store import prepare
from tests.tasks.data_sets import coins
prepare(coins(), Path({root!r}), 2, lambda stage, done, total: print(done, flush=True))
"""


def content(folder):
    return {file.name: file.read_bytes() for file in folder.glob("*.parquet")}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_killed_run_leaves_whole_shards_and_is_gone_on_with(made, tmp_path):
    root, manifest, _ = made
    folder, gate = coins().folder(tmp_path), tmp_path / "gate"
    os.mkfifo(gate)
    run = subprocess.Popen(
        [sys.executable, "-c", RUN.format(root=str(tmp_path))],
        cwd=ROOT,
        env={**os.environ, GATE: str(gate)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # One worker waits at the gate for ever with tails, so the run is not over when its first shard is there.
        assert next(line for line in run.stdout if int(line) > 0)
    finally:
        run.kill()
        run.communicate(timeout=60)  # returns when the last worker has let go of the pipe: none outlives its parent
    whole, left = content(coins().folder(root)), content(folder)
    assert left
    assert not any(name.startswith("tails") for name in left)
    assert all(whole[name] == data for name, data in left.items())
    assert not (folder / MANIFEST).exists()

    leftover = leftover_of_a_killed_process(folder / "heads-valid-0000.parquet")
    leftover.write_bytes(b"half a shard")
    times = {name: (folder / name).stat().st_mtime_ns for name in left}
    reports = []
    again = prepare(coins(), tmp_path, 1, lambda *report: reports.append(report))
    assert (again.fingerprint, again.content) == (manifest.fingerprint, manifest.content)
    assert content(folder) == whole
    assert {name: (folder / name).stat().st_mtime_ns for name in left} == times
    assert not leftover.exists()
    assert not list(folder.glob(RECORDS)), "the manifest takes their place"
    assert reports[0] == ("generate", 20 * len(left) - 10 * ("heads-valid-0000.parquet" in left), 100)


@pytest.fixture
def ended(copied, monkeypatch):
    """The folder of a run that was killed before it wrote the manifest, and all shards that are made later."""
    manifest = read_manifest(copied)
    recipe = coins().recipe().key()
    for shard in plan(coins()):
        record(copied, shard, recipe)
    (copied / MANIFEST).unlink()
    made = []

    def here(data, missing, folder, pool):
        for shard in missing:
            generation._store(generation._table(data, shard), folder, shard, recipe)
            made.append(shard.file)
            yield shard

    monkeypatch.setattr(generation, "_generated", here)
    monkeypatch.setattr(generation, "_pool", lambda workers, counter: nullcontext([]))
    return copied, manifest, made


def test_shards_without_a_manifest_only_need_one(ended, tmp_path):
    _, manifest, made_again = ended
    again = prepare(coins(), tmp_path, 1, quiet)
    assert made_again == []
    assert again.model_dump(exclude={"created"}) == manifest.model_dump(exclude={"created"})
    assert coins().manifest(tmp_path) == again


def record_of(folder, name):
    return folder / f".{name}.json"


def other_recipe(folder):
    rewrite(record_of(folder, SHARD), lambda record: record.update(recipe="0" * 64))


def other_seed(folder):
    rewrite(record_of(folder, SHARD), lambda record: record["shard"].update(seed=1))


def no_seal(folder):
    path = record_of(folder, SHARD)
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != SEAL}))


def replaced(path, content):
    path.unlink()
    if content is not None:
        path.write_bytes(content)


def folder_instead(path):
    path.unlink()
    path.mkdir()


SHARD = "heads-train-0001.parquet"


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / SHARD).unlink(),
        lambda folder: replaced(folder / SHARD, b""),
        lambda folder: replaced(folder / SHARD, (folder / "heads-train-0000.parquet").read_bytes()),
        lambda folder: replaced(folder / SHARD, (folder / "tails-train-0001.parquet").read_bytes()[:-1]),
        lambda folder: record_of(folder, SHARD).unlink(),
        lambda folder: replaced(record_of(folder, SHARD), b""),
        lambda folder: replaced(record_of(folder, SHARD), b"[1, 2]"),
        lambda folder: replaced(record_of(folder, SHARD), record_of(folder, "heads-train-0000.parquet").read_bytes()),
        lambda folder: replaced(record_of(folder, SHARD), b"[" * 100_000),
        no_seal,
        other_recipe,
        other_seed,
    ],
)
def test_a_shard_that_its_record_does_not_prove_is_made_again(ended, tmp_path, change):
    folder, manifest, made_again = ended
    change(folder)
    assert prepare(coins(), tmp_path, 1, quiet).content == manifest.content
    assert made_again == [SHARD]
    assert not list(folder.glob(RECORDS))


@pytest.mark.parametrize("name", [SHARD, f".{SHARD}.json"])
def test_a_folder_in_the_place_of_a_file_is_an_error(ended, tmp_path, name):
    folder, _, _ = ended
    folder_instead(folder / name)
    with pytest.raises(UserError, match=rf"{name}: can't be written \(Is a directory\)"):
        prepare(coins(), tmp_path, 1, quiet)
    assert (folder / name).is_dir()


def test_a_run_waits_for_another_and_finds_its_data_made(made, tmp_path, monkeypatch):
    """The other process finishes between the first check and the lock."""
    root, manifest, _ = made
    folder = coins().folder(tmp_path)
    folder.mkdir(parents=True)

    class Lock:
        def __init__(self, path):
            assert path.parent == folder

        def acquire(self, timeout):
            for name, data in content(coins().folder(root)).items():
                (folder / name).write_bytes(data)
            manifest.write(folder)

        def release(self):
            pass

    monkeypatch.setattr("filelock.FileLock", Lock)
    monkeypatch.setattr("tasks.data.generation.generate", None)
    assert prepare(coins(), tmp_path, 1, quiet) == manifest
