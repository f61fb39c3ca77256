"""Data that were changed, broken, or can't be written."""

import json

import pytest

from benchmark.core.errors import UserError
from tasks.data.generation import _table
from tasks.data.manifest import MANIFEST, Manifest, Shard
from tasks.data.store import load, prepare
from tests.tasks.data_sets import coins, quiet


def test_a_changed_byte_is_found(copied, tmp_path):
    path = copied / "tails-0001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"tails-0001\.parquet: missing, or changed"):
        load(coins(), tmp_path)


def test_a_missing_shard_is_found(copied, tmp_path):
    (copied / "heads-0002.parquet").unlink()
    with pytest.raises(UserError, match=r"heads-0002\.parquet: missing"):
        load(coins(), tmp_path)


def test_no_data_set(tmp_path):
    with pytest.raises(UserError, match="no complete data set"):
        load(coins(), tmp_path)


def change(**values):
    return lambda text: json.dumps(json.loads(text) | values)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda text: text[:-20], "Invalid JSON"),
        (lambda text: "[]", "Input should be an object"),
        (lambda text: "{}", "task: Field required"),
        (change(schema_version=99), "schema_version: Input should be 2"),
        (change(surprise=1), "surprise: Extra inputs"),
        (change(level=3), "level: Input should be a valid string"),
    ],
)
def test_a_broken_manifest_is_an_error(copied, tmp_path, broken, reason):
    path = copied / MANIFEST
    path.write_text(broken(path.read_text()))
    for action in (lambda: load(coins(), tmp_path), lambda: prepare(coins(), tmp_path, 1, quiet)):
        with pytest.raises(UserError, match=rf"not a valid manifest \(.*({reason})"):
            action()


def test_a_manifest_comes_back_as_it_was(made, tmp_path):
    manifest = made.manifest
    manifest.write(tmp_path)
    assert Manifest.model_validate_json((tmp_path / MANIFEST).read_text()) == manifest


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(UserError, match="the folder can't be made"):
        prepare(coins(), tmp_path / "data", 1, quiet)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, error):
    def refuse(lock, timeout):
        raise error

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(UserError, match=rf"hadron-50-.*can't be written \(.*{error.strerror}"):
        prepare(coins(), tmp_path, 1, quiet)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda table: None, "returned None, expected an Awkward array of 20 events"),
        (lambda table: table[:5], "returned 5 events, expected an Awkward array of 20 events"),
    ],
)
def test_what_generate_returns_is_checked(monkeypatch, returned, message):
    data = coins()
    generate = type(data.task).generate
    monkeypatch.setattr(type(data.task), "generate", lambda *words: returned(generate(*words)))
    shard = Shard(file="heads-0000.parquet", events=20, sha256="", process="heads", seed=1)
    with pytest.raises(UserError, match=rf"coins: generate\('heads', \.\.\.\) {message}"):
        _table(data, shard)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("processes", "ab", "coins: processes is 'ab', expected a tuple of names of at most 64 letters"),
        ("processes", (), r"coins: processes is \(\), expected a tuple"),
        ("info", lambda task, level: None, "coins: info returned None, expected an EventInfo"),
    ],
)
def test_processes_and_info_are_checked_before_events_are_made(monkeypatch, name, value, message):
    monkeypatch.setattr(type(coins().task), name, value)
    with pytest.raises(UserError, match=message):
        coins()
