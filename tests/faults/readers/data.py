"""Data sets: manifests, shards, and stored samples."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError
from representations.samples import store as sample_store
from tasks import events
from tasks.data.manifest import Manifest, read_manifest
from tasks.data.parquet import parse_events
from tasks.data.shards import FILE
from tasks.registry import TASKS
from tests.faults.fuzz import Fuzzed
from tests.faults.mutations.damage import damaged
from tests.faults.mutations.parquet import parquet_changed
from tests.faults.mutations.text import json_changed
from tests.representations.samples.test_samples import graphs
from tests.tasks.sources.files import write_root
from tests.tasks.sources.test_read_new import two_photons

if TYPE_CHECKING:
    from pathlib import Path


def manifest(folder: Path) -> Path:
    Manifest(**MANIFEST).write(folder)
    return folder / "manifest.json"


MANIFEST = {
    "schema_version": 2,
    "task": "ttbar",
    "task_version": "1",
    "parameters": {"min_jets": 2},
    "level": "detector",
    "source": "generated",
    "fast_simulation": True,
    "settings": {"ttbar": ["Top:all = on"]},
    "packages": {"numpy": "2.0"},
    "detector": "1",
    "counts": {"ttbar": {"train": 3, "valid": 0, "test": 2}},
    "shards": [{"file": "ttbar-0000.parquet", "events": 5, "sha256": "0" * 64, "process": "ttbar", "seed": 1}],
    "fingerprint": "f" * 64,
    "content": "0" * 64,
    "created": "2026-01-01T00:00:00+00:00",
}


def shard(folder: Path) -> Path:
    (folder / "source").mkdir()
    made = two_photons()
    task = TASKS.load("diphoton").resolve("smoke")
    table = task.reader.read(write_root(folder / "source" / "higgs.root", "Events", made)).table
    with (folder / "events-0000.parquet").open("wb") as file:
        events.write(table, file)
    return folder / "events-0000.parquet"


def read_events(path: Path) -> None:
    FILE.parse_at(path, parse_events)


def samples(name: str, folder: Path) -> Path:
    with sample_store.Writer(folder) as writer:
        for split in events.SPLITS:
            writer.add(split, graphs([2, 0, 3]))
        writer.finish({"key": "0" * 64})
    return folder / name


def read_samples(path: Path) -> None:
    try:
        sample_store.load(path.parent)
    except sample_store.DamagedError as error:  # the samples are made again
        raise UserError(str(error)) from error


READERS: dict[str, Fuzzed] = {
    "manifest": Fuzzed(manifest, lambda path: read_manifest(path.parent), (damaged, json_changed)),
    "shard": Fuzzed(shard, read_events, (damaged, parquet_changed), apart=True),
    "samples_json": Fuzzed(partial(samples, "samples.json"), read_samples, (damaged, json_changed)),
    "samples_bin": Fuzzed(partial(samples, "test-labels.bin"), read_samples),
}
