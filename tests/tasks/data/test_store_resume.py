"""Runs that were ended half way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.data.manifest import MANIFEST
from tasks.data.store import prepare
from tests.tasks.coins import GATE
from tests.tasks.data_sets import coins, quiet

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

    leftover = folder / ".heads-0002-x.tmp"
    leftover.write_bytes(b"half a shard")
    times = {name: (folder / name).stat().st_mtime_ns for name in left}
    reports = []
    again = prepare(coins(), tmp_path, 1, lambda *report: reports.append(report))
    assert (again.fingerprint, again.content) == (manifest.fingerprint, manifest.content)
    assert content(folder) == whole
    assert {name: (folder / name).stat().st_mtime_ns for name in left} == times
    assert not leftover.exists()
    assert reports[0] == ("generate", 20 * len(left) - 10 * ("heads-0002.parquet" in left), 100)


def test_shards_without_a_manifest_only_need_one(made, tmp_path, monkeypatch):
    root, manifest, _ = made
    folder = coins().folder(tmp_path)
    folder.mkdir(parents=True)
    for name, data in content(coins().folder(root)).items():
        (folder / name).write_bytes(data)
    monkeypatch.setattr("tasks.data.generation.Supervised", None)
    again = prepare(coins(), tmp_path, 1, quiet)
    assert again.model_dump(exclude={"created"}) == manifest.model_dump(exclude={"created"})
    assert coins().manifest(tmp_path) == again


def test_a_run_waits_for_another_and_finds_its_data_made(made, tmp_path, monkeypatch):
    """The other process finishes between the first check and the lock."""
    manifest = made.manifest
    folder = coins().folder(tmp_path)
    folder.mkdir(parents=True)

    class Lock:
        def __init__(self, path):
            assert path.parent == folder

        def acquire(self, timeout):
            manifest.write(folder)

        def release(self):
            pass

    monkeypatch.setattr("filelock.FileLock", Lock)
    monkeypatch.setattr("tasks.data.generation.generate", None)
    assert prepare(coins(), tmp_path, 1, quiet) == manifest
