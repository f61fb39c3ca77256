"""Data sets on disk: their state, and their removal without other files."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from benchmark.core.errors import UserError
from benchmark.core.temporary import temporary_for
from tasks.data.inventory import SAMPLES, _inspect, find, lock_of, remove, remove_samples, size_of
from tasks.data.manifest import MANIFEST
from tasks.registry import TASKS
from tests.tasks.data_sets import COINS, coins, unseal


def states(root, target=COINS):
    return {item.folder: item.state for item in find(root, target)}


@pytest.fixture
def half(copied):
    """A folder whose making was interrupted."""
    folder = copied.parent / "hadron-50-0123456789"
    folder.mkdir()
    (folder / "heads-train-0000.parquet").write_bytes(b"12345")
    return folder


def test_complete_and_interrupted(copied, half, tmp_path):
    assert states(tmp_path) == {copied: "complete", half: "incomplete"}
    found = {item.folder: item for item in find(tmp_path)}
    assert found[half].size == 5
    assert found[copied].size == sum(path.stat().st_size for path in copied.iterdir())
    assert found[copied].task == "coins"
    assert found[copied].manifest == coins().manifest(tmp_path)


def test_a_broken_manifest(copied, tmp_path):
    (copied / MANIFEST).write_text("{")
    (found,) = find(tmp_path)
    assert found.state == "damaged"
    assert "not a valid manifest" in found.reason


def test_a_manifest_without_a_seal_and_one_that_changed(copied, tmp_path):
    rewritten = (copied / MANIFEST).read_text()
    (copied / MANIFEST).write_text(rewritten.replace('"hadron"', '"parton"'))
    (found,) = find(tmp_path)
    assert found.state == "damaged"
    assert "its seal is wrong" in found.reason
    (copied / MANIFEST).write_text(rewritten)
    unseal(copied)
    (found,) = find(tmp_path)
    assert (found.state, found.manifest.events()) == ("unsealed", 100)


def test_what_can_not_be_read_is_not_damaged(copied, tmp_path, monkeypatch):
    def denied(path, *words):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("benchmark.core.stored.os.open", denied)
        (found,) = find(tmp_path)
    assert found.state == "unreadable"
    assert found.reason.endswith("manifest. Check permissions and disk.")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.iterdir", denied)
        found = _inspect(copied, tmp_path, COINS)
    assert (found.state, found.is_empty) == ("unreadable", False)
    (copied / MANIFEST).unlink()
    (copied / MANIFEST).mkdir()
    (found,) = find(tmp_path)
    assert (found.state, "is a folder, expected a file" in found.reason) == ("unreadable", True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda patch: patch.setattr(TASKS.load(COINS), "version", "2"), "version 1 of the task, which is 2 now"),
        (lambda patch: patch.setattr("tasks.data.inventory.DETECTOR_VERSION", "x"), "of the detector, which is x now"),
        (lambda patch: patch.setattr("tasks.data.inventory.version_of", lambda _: "9"), "of pythia8mc, which is 9 now"),
        (
            lambda patch: patch.setattr(TASKS.load(COINS), "applied_parameters", frozenset()),
            "made with other parameters, or from another file",
        ),
    ],
)
def test_outdated(copied, tmp_path, monkeypatch, change, reason):
    change(monkeypatch)
    (found,) = find(tmp_path, COINS)
    assert found.state == "outdated"
    assert reason in found.reason
    (found,) = find(tmp_path)  # by the folder's name alone the task is not known here, and can't be asked
    assert (found.state, found.reason) == ("complete", "")


def test_folders_of_other_names_are_not_looked_at(copied, tmp_path):
    for name in ("Documents", "hadron-50", "hadron-50-0123456789x", ".git"):
        (tmp_path / "home" / name).mkdir(parents=True)
        (tmp_path / "home" / name / MANIFEST).write_text("{}")
    (tmp_path / "home" / "files-0123456789").write_text("a file")
    assert list(states(tmp_path, None)) == [copied]


def test_every_folder_that_the_store_names_is_found(tmp_path):
    source = tmp_path / "real.csv"
    source.write_text("")
    folders = [coins("generator"), coins("detector"), coins(source=source), coins(events_per_class=7)]
    for data in folders:
        data.folder(tmp_path).mkdir(parents=True)
    assert set(states(tmp_path)) == {data.folder(tmp_path) for data in folders}


def test_an_unknown_task(tmp_path):
    with pytest.raises(UserError, match="unknown task 'coin'"):
        find(tmp_path, "coin")
    for outside in ("../coins", "..", "/"):
        with pytest.raises(UserError, match="unknown task"):
            find(tmp_path, outside)


# --- removing --------------------------------------------------------------------------------------------------------


def only(root):
    (found,) = find(root)
    return found


def test_removed_with_its_folder_and_nothing_else(copied, half, tmp_path):
    (copied / ".heads-0001-abc.tmp").write_bytes(b"half a shard")
    (copied / ".lock").write_bytes(b"")
    items = {item.folder: item for item in find(tmp_path)}
    remove(items[copied], tmp_path)
    assert list(copied.parent.iterdir()) == [half]
    remove(items[half], tmp_path)
    assert list(tmp_path.iterdir()) == []


def refused(root, reason):
    before = sorted(root.rglob("*"))
    with pytest.raises(UserError, match=reason):
        remove(only(root), root)
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize("name", ["notes.txt", "heads-train-0001.parquet.bak", ".hidden"])
def test_files_of_other_kinds_are_kept(copied, tmp_path, name):
    (copied / name).write_text("mine")
    refused(tmp_path, rf"holds {name}, which is of no data set")
    assert (copied / name).read_text() == "mine"


def test_folders_within_are_kept(copied, tmp_path):
    (copied / "plots-0001.parquet").mkdir()
    refused(tmp_path, "holds plots-0001.parquet")
    assert (copied / "plots-0001.parquet").is_dir()


def test_links_are_not_followed(copied, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    shard = copied / "heads-train-0000.parquet"
    shard.unlink()
    shard.symlink_to(precious)
    refused(tmp_path, "holds heads-train-0000.parquet")
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("level", ["task", "data set"])
def test_linked_folders_are_not_followed(copied, tmp_path, level):
    root = tmp_path / "linked"
    if level == "task":
        root.mkdir()
        (root / "coins").symlink_to(copied.parent)
    else:
        (root / "coins").mkdir(parents=True)
        (root / "coins" / copied.name).symlink_to(copied)
    refused(root, "is a link, or lies behind one")
    assert (copied / MANIFEST).is_file()


def test_what_lies_elsewhere_is_kept(copied, tmp_path):
    with pytest.raises(UserError, match="is no data set of"):
        remove(only(tmp_path), tmp_path / "other")
    assert (copied / MANIFEST).is_file()


def test_what_is_being_made_is_kept(half, copied, tmp_path):
    with FileLock(half / ".lock"):
        (item,) = (item for item in find(tmp_path) if item.folder == half)
        with pytest.raises(UserError, match="being made by another process"):
            remove(item, tmp_path)
    assert (half / "heads-train-0000.parquet").is_file()


# --- samples ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def sampled(copied):
    """A data set with the samples of two representations, and what a killed run left of a third."""
    home = copied / SAMPLES
    for name in ("circles-0123456789", "my_own-way-abcdef0123", temporary_for(home / "graph-0123456789").name):
        (home / name).mkdir(parents=True)
        (home / name / "train-pixels.values.bin").write_bytes(b"1234")
    lock_of(home / "circles-0123456789").touch()
    (home / "circles-0123456789" / "samples.json").write_text("{}")
    return copied


def test_samples_are_counted_and_go_with_their_data_set(sampled, tmp_path):
    item = only(tmp_path)
    own = sum(path.stat().st_size for path in sampled.iterdir() if path.is_file())
    assert (item.state, item.samples_size, item.size) == ("complete", 3 * 4 + 2, own + 14)
    remove(item, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_samples_go_alone(sampled, tmp_path):
    before = {path: path.read_bytes() for path in sampled.iterdir() if path.is_file()}
    remove_samples(only(tmp_path), tmp_path)
    assert {path: path.read_bytes() for path in sampled.iterdir()} == before
    assert only(tmp_path).samples_size == 0
    remove_samples(only(tmp_path), tmp_path)  # there is nothing left to remove


@pytest.mark.parametrize("what", [remove, remove_samples])
@pytest.mark.parametrize(
    "name", ["notes.txt", "plots/train-a.bin", "circles-0123456789/notes.txt", "circles-0123456789/.hidden"]
)
def test_what_are_no_samples_is_kept(sampled, tmp_path, what, name):
    strange = sampled / SAMPLES / name
    strange.parent.mkdir(exist_ok=True)
    strange.write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="holds samples/"):
        what(only(tmp_path), tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("what", [remove, remove_samples])
@pytest.mark.parametrize("name", [SAMPLES, f"{SAMPLES}/circles-0123456789", f"{SAMPLES}/circles-0123456789/a-b.bin"])
def test_links_among_samples_are_not_followed(copied, tmp_path, what, name):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "a-b.bin").write_text("mine")
    link = copied / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(precious / "a-b.bin" if name.endswith(".bin") else precious)
    with pytest.raises(UserError, match="holds samples"):
        what(only(tmp_path), tmp_path)
    assert (precious / "a-b.bin").read_text() == "mine"
    assert link.is_symlink()


@pytest.mark.parametrize("what", [remove, remove_samples])
def test_samples_that_are_being_made_are_kept(sampled, tmp_path, what):
    before = {path for path in sampled.rglob("*") if path.name != ".lock"}
    with (
        FileLock(lock_of(sampled / SAMPLES / "circles-0123456789")),
        pytest.raises(UserError, match="being made by another process"),
    ):
        what(only(tmp_path), tmp_path)
    assert {path for path in sampled.rglob("*") if path.name != ".lock"} == before


def vanishing(monkeypatch, method, name):
    """Let a path of this name be deleted by another process just before a method of it is called."""
    plain = getattr(Path, method)

    def gone(path, *words):
        if path.name.endswith(name) and os.path.lexists(path):
            shutil.rmtree(path) if path.is_dir() else os.unlink(path)
        return plain(path, *words)

    monkeypatch.setattr(Path, method, gone)


def test_a_temporary_file_that_vanishes_meanwhile(copied, tmp_path, monkeypatch):
    temporary = temporary_for(copied / "heads-train-0000.parquet")
    temporary.touch()
    inside = copied / SAMPLES / "circles-0123456789"
    inside.mkdir(parents=True)
    with monkeypatch.context() as patch:
        vanishing(patch, "lstat", ".tmp")
        vanishing(patch, "iterdir", inside.name)
        (found,) = find(tmp_path)
    assert (found.state, found.samples_size) == ("complete", 0)
    assert not temporary.exists()


@pytest.mark.parametrize(("what", "name"), [(remove, ""), (remove, SAMPLES), (remove_samples, SAMPLES)])
def test_two_that_delete_at_once(copied, tmp_path, monkeypatch, what, name):
    samples = copied / SAMPLES / "circles-0123456789"
    samples.mkdir(parents=True)
    (samples / "samples.json").write_text("{}")
    (found,) = find(tmp_path)
    vanishing(monkeypatch, "iterdir", name or copied.name)
    with pytest.raises(UserError, match=r": another process deletes it at the same time\. Run the command again\."):
        what(found, tmp_path)


def test_the_size_of_what_is_gone_or_can_not_be_read(tmp_path, monkeypatch):
    def denied(path, *words):
        raise PermissionError(13, "Permission denied")

    assert size_of(tmp_path / "gone") == 0
    monkeypatch.setattr(Path, "lstat", denied)
    assert size_of(tmp_path) == 0
