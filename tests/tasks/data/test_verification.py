import json

import pytest

from benchmark.core.files import sha256
from tasks.data.manifest import MANIFEST, read_manifest
from tasks.data.verification import verify
from tasks.events import read, write
from tests.tasks.data_sets import quiet


def problems(folder):
    return verify(folder, read_manifest(folder), quiet)


def test_what_was_made_is_fine(copied):
    reports = []
    assert verify(copied, read_manifest(copied), lambda *report: reports.append(report)) == []
    assert (reports[0], reports[-1]) == (("verify", 0, 100), ("verify", 100, 100))


def test_every_shard_is_looked_at(copied):
    (copied / "heads-0000.parquet").unlink()
    path = copied / "tails-0002.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert problems(copied) == [
        "heads-0000.parquet: missing",
        "tails-0002.parquet: changed since it was made (SHA-256 differs)",
    ]


def rewrite(folder, change):
    path = folder / MANIFEST
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def with_fewer_events(folder):
    """One event is taken out of a shard, and its SHA-256 put right: by someone who knows the manifest."""
    path = folder / "heads-0001.parquet"
    rows = read(path)[1:]
    with path.open("wb") as file:
        write(rows, file)
    return path


@pytest.mark.parametrize("also_counts", [False, True])
def test_a_shard_that_was_replaced_hash_and_all(copied, also_counts):
    path = with_fewer_events(copied)

    def change(record):
        (shard,) = (shard for shard in record["shards"] if shard["file"] == path.name)
        shard |= {"sha256": sha256(path)} | ({"events": 19} if also_counts else {})

    rewrite(copied, change)
    found = problems(copied)
    if also_counts:
        assert [line.partition(":")[0] for line in found] in (
            ["counts", "content"],
            ["counts", "fingerprint", "content"],
        )
    else:
        assert found == ["heads-0001.parquet: has 19 events, the manifest says 20"]


@pytest.mark.parametrize("name", ["fingerprint", "content"])
def test_a_manifest_that_says_something_else(copied, name):
    rewrite(copied, lambda record: record.update({name: "0" * 64}))
    (line,) = problems(copied)
    assert line.startswith(f"{name}: the events give ")
    assert line.endswith("0" * 64)


def test_a_file_that_is_no_parquet_with_the_right_hash(copied):
    path = copied / "heads-0000.parquet"
    path.write_bytes(b"nothing")
    rewrite(copied, lambda record: record["shards"][0].update({"sha256": sha256(path)}))
    (line,) = problems(copied)
    assert "heads-0000.parquet: " in line
    assert "not a readable Parquet file" in line
