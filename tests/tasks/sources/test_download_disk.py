"""Downloads into folders with files already, right, wrong or unfinished, and onto full disks."""

from __future__ import annotations

import os
import shutil
import stat
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmark.core.errors import UserError
from tasks.sources import checksum
from tasks.sources.download import check
from tests.tasks.sources.downloads import CONTENT, MD5, SHA256, WRONG, Recorder, assert_right, visible, wanted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tasks.sources.server import Server


def test_what_a_killed_download_left_is_removed(fetch, server: Server, tmp_path: Path):
    (tmp_path / ".partial").mkdir()
    (tmp_path / ".partial" / "events.csv").write_bytes(CONTENT[:1000])
    (tmp_path / ".partial" / "tmp1234").write_bytes(CONTENT[:1000])
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)


def test_ctrl_c_leaves_nothing_unfinished(fetch, server: Server, tmp_path: Path, progress: Recorder):
    (tmp_path / "earlier.csv").write_bytes(CONTENT)
    files = (wanted(server.url("a"), name="earlier.csv"), wanted(server.url("a")))
    progress.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        fetch(*files)
    assert visible(tmp_path) == ["earlier.csv"]
    assert not (tmp_path / ".partial").exists()
    progress.error = None
    assert [outcome.status for outcome in fetch(*files)] == ["present", "downloaded"]


def test_a_large_file_can_be_resumed_with_curl(fetch, server: Server, tmp_path: Path, progress: Recorder, monkeypatch):
    monkeypatch.setattr("tasks.sources.download.LARGE", 200_000)
    path, url = tmp_path / "events.csv", server.url("a?download=1")
    curl = f"curl -fL -C - -o {path} '{url}'"
    (outcome,) = fetch(wanted(url))
    assert outcome.status == "downloaded"
    assert progress.lines == [f"events.csv: an interrupted download starts again. To resume one: {curl}"]
    path.write_bytes(CONTENT[:1000])
    (outcome,) = fetch(wanted(url))
    assert outcome.status == "failed"
    assert outcome.reason == f"1,000 of 300,000 bytes are there. Complete it: {curl}, or delete it"
    assert path.read_bytes() == CONTENT[:1000]
    assert len(server.asked) == 1


def test_without_a_published_checksum(fetch, server: Server, tmp_path: Path):
    file = wanted(server.url("a"), size=None, sums=None)
    (outcome,) = fetch(file)
    assert_right(outcome, tmp_path)
    assert outcome.checked is None
    assert outcome.warnings == (
        f"events.csv: no checksum is published; later downloads are compared with sha256:{SHA256}",
    )
    (again,) = fetch(file)
    assert (again.status, again.checked, again.warnings) == ("present", f"sha256:{SHA256} of an earlier download", ())
    outcome.path.write_bytes(WRONG)
    (mended,) = fetch(file)
    assert (mended.status, mended.path.read_bytes()) == ("downloaded", CONTENT)
    assert (tmp_path / "events.csv.wrong").read_bytes() == WRONG
    mended.path.unlink()
    server.content = WRONG
    (changed,) = fetch(file)
    assert changed.status == "failed"
    assert f"expected sha256:{SHA256} (the SHA-256 of an earlier download" in (changed.reason or "")
    assert f"delete {tmp_path / '.events.csv.sha256'}" in (changed.reason or "")


def test_a_file_put_there_by_hand(fetch, server: Server, tmp_path: Path):
    (tmp_path / "events.csv").write_bytes(CONTENT)
    (outcome,) = fetch(wanted(server.url("a")))
    assert (outcome.status, outcome.sha256, outcome.checked) == ("present", SHA256, MD5)
    assert server.asked == []


@pytest.mark.parametrize("content", [CONTENT[:1000], WRONG], ids=["short", "wrong"])
def test_a_wrong_file_put_there_by_hand_is_moved_aside(fetch, server: Server, tmp_path: Path, content: bytes):
    (tmp_path / "events.csv").write_bytes(content)
    (outcome,) = fetch(wanted(server.url("a")))
    assert (outcome.status, outcome.path.read_bytes()) == ("downloaded", CONTENT)
    assert (tmp_path / "events.csv.wrong").read_bytes() == content
    (warning,) = outcome.warnings
    assert warning.startswith("events.csv: the file has ")
    assert "expected" in warning


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=50_100_000))


def test_too_little_room_for_all_files_is_refused_before_the_first(fetch, server: Server, tmp_path: Path, full: None):
    with pytest.raises(UserError, match=r": 0\.1 GB free, 0\.1 GB needed\. Free space"):
        fetch(wanted(server.url("a")), wanted(server.url("b"), name="more.csv"))
    assert server.asked == []


def test_no_room_for_a_file_of_unknown_size(fetch, server: Server, tmp_path: Path, full: None, slept: list[float]):
    files = (wanted(server.url("a"), size=None), wanted(server.url("b"), name="more.csv", size=None))
    failed, skipped = fetch(*files)
    assert (failed.status, skipped.status) == ("failed", "skipped")
    assert failed.reason == f"{tmp_path} can't be written (0.1 GB free, 0.1 GB needed)"
    assert len(server.asked) == 1
    assert slept == []


def test_a_disk_that_fills_up(fetch, server: Server, tmp_path: Path, progress: Recorder):
    progress.error = OSError(28, "No space left on device")
    failed, skipped = fetch(wanted(server.url("a")), wanted(server.url("b"), name="more.csv"))
    assert failed.reason == f"{tmp_path} can't be written (No space left on device)"
    assert skipped.status == "skipped"
    assert visible(tmp_path) == []
    progress.error = None
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)


def test_a_folder_in_the_way(fetch, server: Server, tmp_path: Path):
    (tmp_path / "events.csv").mkdir()
    with pytest.raises(UserError, match="a folder, expected a file"):
        fetch(wanted(server.url("a")))


def test_a_pipe_in_the_way(fetch, server: Server, tmp_path: Path):
    os.mkfifo(tmp_path / "events.csv")
    with pytest.raises(UserError, match="is a pipe, expected a file to write"):
        fetch(wanted(server.url("a")))
    assert stat.S_ISFIFO((tmp_path / "events.csv").stat().st_mode)


def test_check_writes_the_note_for_good_files_only(tmp_path: Path):
    path = tmp_path / "events.csv"
    path.write_bytes(WRONG)
    assert check(wanted(), path).status == "skipped"
    assert checksum.recorded(path) is None
    path.write_bytes(CONTENT)
    assert check(wanted(), path).good
    assert (tmp_path / ".events.csv.sha256").read_text() == f"{SHA256}  events.csv\n"
