import pytest

from benchmark.core.errors import UserError
from benchmark.core.files import sha256
from tasks.data.inventory import find
from tasks.data.manifest import MANIFEST, UnsealedError, read_manifest
from tasks.data.store import load, prepare
from tasks.data.verification import verify, verify_folder
from tasks.events import read, write
from tests.tasks.data_sets import coins, quiet, rewrite, unseal


def problems(folder):
    return verify(folder, read_manifest(folder), quiet)


def test_what_was_made_is_fine(copied):
    reports = []
    assert verify(copied, read_manifest(copied), lambda *report: reports.append(report)) == []
    assert (reports[0], reports[-1]) == (("verify", 0, 100), ("verify", 100, 100))


def test_every_shard_is_looked_at(copied):
    (copied / "heads-train-0000.parquet").unlink()
    path = copied / "tails-valid-0000.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert problems(copied) == [
        "heads-train-0000.parquet: missing",
        "tails-valid-0000.parquet: changed since it was written (another SHA-256 is recorded)",
    ]


def with_fewer_events(folder):
    """One event is taken out of a shard, and its SHA-256 put right: by someone who knows the manifest."""
    path = folder / "heads-train-0001.parquet"
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
        if also_counts:
            record["counts"]["heads"]["valid"] -= 1

    rewrite(copied, change)
    found = problems(copied)
    if also_counts:
        assert [line.partition(":")[0] for line in found] in (
            ["counts", "content"],
            ["counts", "fingerprint", "content"],
        )
    else:
        assert found == ["heads-train-0001.parquet: not a shard of events (claims 19 events, expected 20)"]


@pytest.mark.parametrize("name", ["fingerprint", "content"])
def test_a_manifest_that_says_something_else(copied, name):
    rewrite(copied, lambda record: record.update({name: "0" * 64}))
    (line,) = problems(copied)
    assert line.startswith(f"{name}: the events give ")
    assert line.endswith("0" * 64)


def test_a_file_that_is_no_parquet_with_the_right_hash(copied):
    path = copied / "heads-train-0000.parquet"
    path.write_bytes(b"nothing")
    rewrite(copied, lambda record: record["shards"][0].update({"sha256": sha256(path)}))
    (line,) = problems(copied)
    assert "heads-train-0000.parquet: " in line
    assert "not a shard of events (Parquet file size is 7 bytes" in line


def test_a_manifest_without_a_seal_is_verified_and_sealed(copied, tmp_path, capsys):
    manifest, expected = read_manifest(copied), (copied / MANIFEST).read_bytes()
    unseal(copied)
    with pytest.raises(UnsealedError, match="has no seal, which shows whether it changed"):
        read_manifest(copied)
    assert prepare(coins(), tmp_path, 1, quiet) == manifest
    assert (copied / MANIFEST).read_bytes() == expected
    assert "had no seal; its events are as it says, and it is sealed now" in capsys.readouterr().err
    unseal(copied)
    (item,) = find(tmp_path)
    assert verify_folder(item, quiet) == {"status": "ok", "problems": [], "remark": "had no seal; it is sealed now"}
    assert (copied / MANIFEST).read_bytes() == expected


@pytest.mark.parametrize("name", ["fingerprint", "content"])
def test_a_manifest_without_a_seal_that_is_wrong_is_refused(copied, tmp_path, name):
    rewrite(copied, lambda record: record.update({name: "0" * 64}))
    unseal(copied)
    before = (copied / MANIFEST).read_bytes()
    with pytest.raises(UserError, match=rf"{name}: the events give .*Delete the folder"):
        prepare(coins(), tmp_path, 1, quiet)
    (item,) = find(tmp_path)
    assert verify_folder(item, quiet)["status"] == "damaged"
    assert (copied / MANIFEST).read_bytes() == before


def test_a_manifest_without_a_seal_on_a_read_only_disk_is_verified_each_time(copied, tmp_path, monkeypatch, capsys):
    manifest, reports = read_manifest(copied), []

    def refuse(path, write):
        raise UserError(f"{path}: can't be written (Read-only file system).")

    monkeypatch.setattr("tasks.data.manifest.write_atomically", refuse)
    unseal(copied)
    for _ in range(2):
        again = prepare(coins(), tmp_path, 1, lambda stage, *_: reports.append(stage))
        assert again.content == manifest.content
    assert reports.count("verify") == 2 * 7
    assert "Read-only file system" in capsys.readouterr().err
    assert coins().manifest(tmp_path).content == manifest.content
    assert len(load(coins(), tmp_path).table) == 100


def test_a_shard_that_can_not_be_read_is_not_damaged(copied, tmp_path):
    (copied / "heads-train-0001.parquet").unlink()
    (copied / "heads-train-0001.parquet").mkdir()
    (item,) = find(tmp_path)
    state = verify_folder(item, quiet)
    assert state["status"] == "unreadable"
    assert "is a folder, expected a file with a shard of events. Move it away." in state["problems"][0]
