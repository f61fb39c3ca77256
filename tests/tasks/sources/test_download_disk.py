"""Downloads where something lies already: parts, files put there by hand, wrong ones, and disks that are full."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmark.core.errors import UserError
from tasks.sources import checksum
from tasks.sources.download import check, fetch_all
from tests.tasks.sources.downloads import CONTENT, MD5, SHA256, WRONG, Watcher, assert_right, visible, wanted
from tests.tasks.sources.server import answers, drops_after

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.sources.resume import Settings
    from tests.tasks.sources.server import Server


def test_the_part_of_an_earlier_day(fetch, server: Server, tmp_path: Path):
    (tmp_path / "events.csv.part").write_bytes(CONTENT[:123_456])
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert server.asked == [("/a", "bytes=123456-")]


def test_a_part_that_is_of_something_else(fetch, server: Server, tmp_path: Path, watcher: Watcher):
    (tmp_path / "events.csv.part").write_bytes(WRONG[:123_456])
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert server.asked == [("/a", "bytes=123456-"), ("/a", None)]
    assert watcher.lines == ["events.csv: the parts do not fit together; starting anew"]


def test_a_part_that_is_complete(fetch, server: Server, tmp_path: Path):
    (tmp_path / "events.csv.part").write_bytes(CONTENT)
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert server.asked == []
    outcome.path.rename(tmp_path / "events.csv.part")
    (outcome,) = fetch(wanted(server.url("a"), size=None))
    assert_right(outcome, tmp_path)
    assert server.asked == [("/a", "bytes=300000-")]


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_part_that_is_longer_than_the_file(fetch, server: Server, tmp_path: Path, size: int | None):
    (tmp_path / "events.csv.part").write_bytes(CONTENT + b"more")
    (outcome,) = fetch(wanted(server.url("a"), size=size))
    assert_right(outcome, tmp_path)


def test_ctrl_c_keeps_the_part(fetch, server: Server, tmp_path: Path, settings: Settings):
    file = wanted(server.url("a"))
    with pytest.raises(KeyboardInterrupt):
        list(fetch_all([file], tmp_path, Watcher(interrupt=True), settings))
    kept = (tmp_path / "events.csv.part").stat().st_size
    assert visible(tmp_path) == ["events.csv.part"]
    (outcome,) = fetch(file)
    assert_right(outcome, tmp_path)
    assert server.asked[1] == ("/a", f"bytes={kept}-")


def test_without_a_published_checksum(fetch, server: Server, tmp_path: Path):
    file = wanted(server.url("a"), size=None, sums=None)
    (outcome,) = fetch(file)
    assert_right(outcome, tmp_path)
    assert outcome.checked is None
    assert outcome.warnings == (
        f"events.csv: no checksum is published; this one has sha256:{SHA256}, compared with from now on",
    )
    (again,) = fetch(file)
    assert (again.status, again.checked, again.warnings) == ("there", f"sha256:{SHA256} of an earlier day", ())
    outcome.path.write_bytes(WRONG)
    (mended,) = fetch(file)
    assert (mended.status, mended.path.read_bytes()) == ("fetched", CONTENT)
    assert (tmp_path / "events.csv.wrong").read_bytes() == WRONG
    mended.path.unlink()
    server.content = WRONG
    (changed,) = fetch(file)
    assert changed.status == "failed"
    assert f"expected sha256:{SHA256} (the SHA-256 of what came earlier" in (changed.reason or "")
    assert f"delete {tmp_path / '.events.csv.sha256'}" in (changed.reason or "")


def test_without_a_checksum_bytes_of_two_servers_are_never_joined(fetch, server: Server, tmp_path: Path):
    server.steps = [drops_after(150_000), *[answers(503)] * 4]
    (outcome,) = fetch(wanted(server.url("a"), server.url("b"), size=None, sums=None))
    assert outcome.path.read_bytes() == CONTENT
    assert server.asked[-1] == ("/b", None)


def test_without_a_checksum_bytes_of_two_versions_are_never_joined(fetch, server: Server, tmp_path: Path):
    def new_version(handler) -> None:
        server.content, server.etag = bytes(reversed(CONTENT)), '"two"'
        handler.begin(503)

    server.steps = [drops_after(150_000), new_version]
    (outcome,) = fetch(wanted(server.url("a"), size=None, sums=None))
    assert outcome.path.read_bytes() == bytes(reversed(CONTENT))
    assert server.asked[-1][1] is not None


def test_a_file_put_there_by_hand(fetch, server: Server, tmp_path: Path):
    (tmp_path / "events.csv").write_bytes(CONTENT)
    (outcome,) = fetch(wanted(server.url("a")))
    assert (outcome.status, outcome.sha256, outcome.checked) == ("there", SHA256, MD5)
    assert server.asked == []


@pytest.mark.parametrize("content", [CONTENT[:1000], WRONG], ids=["short", "wrong"])
def test_a_wrong_file_put_there_by_hand_is_moved_aside(fetch, server: Server, tmp_path: Path, content: bytes):
    (tmp_path / "events.csv").write_bytes(content)
    (outcome,) = fetch(wanted(server.url("a")))
    assert (outcome.status, outcome.path.read_bytes()) == ("fetched", CONTENT)
    assert (tmp_path / "events.csv.wrong").read_bytes() == content
    (warning,) = outcome.warnings
    assert warning.startswith("events.csv: the file there has ")
    assert "expected" in warning


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=50_100_000))


def test_no_room_for_all_files_is_said_before_the_first(fetch, server: Server, tmp_path: Path, full: None):
    with pytest.raises(UserError, match=r"has 0\.1 GB free, 0\.1 GB needed\. Make room"):
        fetch(wanted(server.url("a")), wanted(server.url("b"), name="more.csv"))
    assert server.asked == []
    for name in ("events.csv.part", "more.csv.part"):
        (tmp_path / name).write_bytes(CONTENT[:290_000])
    outcomes = fetch(wanted(server.url("a")), wanted(server.url("b"), name="more.csv"))
    assert [outcome.status for outcome in outcomes] == ["fetched", "fetched"]


def test_no_room_for_a_file_of_unknown_size(fetch, server: Server, tmp_path: Path, full: None, slept: list[float]):
    files = (wanted(server.url("a"), size=None), wanted(server.url("b"), name="more.csv", size=None))
    failed, left = fetch(*files)
    assert (failed.status, left.status) == ("failed", "left")
    assert failed.reason == f"{tmp_path} has 0.1 GB free, 0.1 GB needed"
    assert len(server.asked) == 1
    assert slept == []


def test_a_disk_that_fills_up(fetch, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Watcher, "moved", fail)
        (failed,) = fetch(wanted(server.url("a")))
    assert failed.reason == f"{tmp_path / 'events.csv.part'} can't be written (No space left on device)"
    assert (tmp_path / "events.csv.part").exists()
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)


def test_a_folder_in_the_way(fetch, server: Server, tmp_path: Path):
    (tmp_path / "events.csv").mkdir()
    with pytest.raises(UserError, match="a folder, expected the file"):
        fetch(wanted(server.url("a")))


def test_check_writes_the_note_for_good_files_only(tmp_path: Path):
    path = tmp_path / "events.csv"
    path.write_bytes(WRONG)
    assert check(wanted(), path).status == "failed"
    assert checksum.recorded(path) is None
    path.write_bytes(CONTENT)
    assert check(wanted(), path).good
    assert (tmp_path / ".events.csv.sha256").read_text() == f"{SHA256}  events.csv\n"
