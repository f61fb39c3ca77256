"""Data that were changed, broken, or can't be written."""

import json
import os
import re
from pathlib import Path

import pytest

from benchmark.core.errors import PluginError, UserError
from tasks.data.generation import _has_made, _table, plan
from tasks.data.manifest import MANIFEST, PlannedShard, read_manifest
from tasks.data.store import load, prepare
from tests.tasks.data_sets import coins, quiet, rewrite


def test_a_changed_byte_is_found(copied, tmp_path):
    path = copied / "tails-train-0001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"tails-train-0001\.parquet: changed since it was written"):
        load(coins(), tmp_path)


def test_a_missing_shard_is_found(copied, tmp_path):
    (copied / "heads-valid-0000.parquet").unlink()
    with pytest.raises(UserError, match=r"heads-valid-0000\.parquet: no such file, expected a shard"):
        load(coins(), tmp_path)


def test_a_process_speaks_of_its_own_shard_alone():
    """A process that a task has forked may send what it likes."""

    class Process:
        def __init__(self, file: str) -> None:
            self.file = file

        def receive(self):
            return [{"kind": "made", "file": self.file}], False

    task = coins().task
    first, second = plan(coins())[:2]
    assert _has_made(Process(first.file), first, task)
    with pytest.raises(PluginError, match="coins: a generating process sent an unknown message"):
        _has_made(Process(second.file), first, task)


def test_no_data_set(tmp_path):
    with pytest.raises(UserError, match="no complete data set"):
        load(coins(), tmp_path)


def change(**values):
    return lambda text: json.dumps(json.loads(text) | values)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda text: text[:-20], "Expecting|Unterminated"),
        (lambda text: "[]", "no JSON object"),
        (lambda text: "{}", "field 'task': Field required"),
        (change(schema_version=99), "field 'schema_version': Input should be 2"),
        (change(surprise=1), "field 'surprise': Extra inputs"),
        (change(level=3), "field 'level': Input should be a valid string"),
    ],
)
def test_a_broken_manifest_is_an_error(copied, tmp_path, broken, reason):
    path = copied / MANIFEST
    path.write_text(broken(path.read_text()))
    for action in (lambda: load(coins(), tmp_path), lambda: prepare(coins(), tmp_path, 1, quiet)):
        with pytest.raises(UserError, match=rf"not a valid manifest \(.*({reason})"):
            action()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "CMS data"),
        ("level", "detector"),
        ("task", "dice"),
        ("task_version", "2"),
        ("fast_simulation", True),
        ("fingerprint", "0" * 64),
        ("counts", {"tails": {"train": 1, "valid": 0, "test": 0}, "heads": {"train": 99, "valid": 0, "test": 0}}),
        ("detector", "0"),
    ],
)
def test_a_manifest_that_was_changed_is_not_used(copied, tmp_path, field, value):
    """Without a new seal, and with one: then it disagrees with what the request asks for, where that is known."""
    whole = (copied / MANIFEST).read_text()
    (copied / MANIFEST).write_text(change(**{field: value})(whole))
    for action in (lambda: load(coins(), tmp_path), lambda: prepare(coins(), tmp_path, 1, quiet)):
        with pytest.raises(UserError, match=r"manifest\.json: changed since it was written \(its seal is wrong\)"):
            action()
    (copied / MANIFEST).write_text(whole)
    rewrite(copied, lambda record: record.update({field: value}))
    if field != "fingerprint":  # it is in no request: `data verify` compares it with the events
        for action in (lambda: coins().manifest(tmp_path), lambda: prepare(coins(), tmp_path, 1, quiet)):
            with pytest.raises(UserError, match=r"manifest\.json: has .*expected .* as in the request"):
                action()


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("shards", 0, "file"), "../../heads-train-0000.parquet", "field 'shards.0.file': String should match"),
        (("shards", 0, "file"), "/etc/heads-train-0000.parquet", "field 'shards.0.file': String should match"),
        (("shards", 0, "file"), "a\\heads-train-0000.parquet", "field 'shards.0.file': String should match"),
        (("shards", 0, "file"), ".heads-train-0000.parquet", "field 'shards.0.file': String should match"),
        (("shards", 0, "file"), "x" * 9000 + "-0000.parquet", "field 'shards.0.file': String should have at most"),
        (("shards", 0, "file"), "manifest.json", "field 'shards.0.file': String should match"),
        (("shards", 1, "file"), "heads-train-0000.parquet", "a shard is listed twice"),
        (("shards", 0, "events"), 10**30, "field 'shards.0.events': "),
        (("shards", 0, "events"), -1, "field 'shards.0.events': "),
        (("shards", 0, "events"), 21, "the shards have 101 events, and counts 100"),
        (("shards", 0, "sha256"), "", "field 'shards.0.sha256': "),
        (("shards", 0, "size"), 0, "field 'shards.0.size': "),
        (("shards",), [], "field 'shards': List should have at least 1"),
        (("counts", "heads"), {"train": 50, "test": 0}, "counts of 'heads' are of train, test"),
        (("counts", "heads", "train"), -5, "field 'counts.heads.train': "),
    ],
)
def test_a_manifest_out_of_bounds_is_refused(copied, path, value, reason):
    def put(record):
        for part in path[:-1]:
            record = record[part]
        record[path[-1]] = value

    rewrite(copied, put)
    with pytest.raises(UserError, match=rf"not a valid manifest \({re.escape(reason)}"):
        read_manifest(copied)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": ' * 100_000, "9" * 5000, '"\\ud800"', "\x00", ""])
def test_text_that_parsers_dislike_is_refused(copied, content):
    (copied / MANIFEST).write_text(content)
    with pytest.raises(UserError, match="not a valid manifest"):
        read_manifest(copied)


def test_a_shard_of_another_size_is_said_before_a_run_begins(copied, tmp_path):
    path = copied / "tails-train-0001.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        UserError, match=r"tails-train-0001\.parquet: has [\d,]+ bytes, expected [\d,]+\. Delete its folder"
    ):
        prepare(coins(), tmp_path, 1, quiet)
    path.unlink()
    with pytest.raises(UserError, match=r"tails-train-0001\.parquet: no such file"):
        prepare(coins(), tmp_path, 1, quiet)


@pytest.mark.parametrize("name", [MANIFEST, "tails-train-0001.parquet"])
@pytest.mark.parametrize("kind", ["a folder", "a pipe"])
def test_what_is_no_file_is_not_called_damaged(copied, tmp_path, name, kind):
    (copied / name).unlink()
    (Path.mkdir if kind == "a folder" else os.mkfifo)(copied / name)
    for action in (lambda: load(coins(), tmp_path), lambda: prepare(coins(), tmp_path, 1, quiet)):
        with pytest.raises(UserError, match=rf"{name}: is {kind}, expected a file .*\. Move it away\.$"):
            action()


@pytest.mark.parametrize("name", [MANIFEST, "tails-train-0001.parquet"])
def test_links_to_whole_files_are_read(made, copied, tmp_path, name):
    (copied / name).unlink()
    (copied / name).symlink_to(coins().folder(made.root) / name)
    assert prepare(coins(), tmp_path, 1, quiet) == made.manifest
    assert len(load(coins(), tmp_path)) == 100


def test_a_manifest_comes_back_as_it_was(made, tmp_path):
    manifest = made.manifest
    manifest.write(tmp_path)
    assert read_manifest(tmp_path) == manifest


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
    shard = PlannedShard(file="heads-train-0000.parquet", events=20, process="heads", split="train", seed=1)
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
