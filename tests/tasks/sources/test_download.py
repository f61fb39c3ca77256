"""Downloads from a server on loopback that drops the line, cuts files short, and worse."""

from __future__ import annotations

import hashlib
import shutil
import zlib
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmark.errors import UserError
from tasks.sources import checksum
from tasks.sources.catalogue import SourceFile
from tasks.sources.download import Outcome, check, fetch_all
from tests.tasks.sources.conftest import CONTENT
from tests.tasks.sources.server import (
    answers,
    drops_after,
    goes_on_elsewhere,
    ignores_range,
    says,
    without_length,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.sources.resume import Settings
    from tests.tasks.sources.server import Server

MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PUBLISHED = {
    "md5": MD5,
    "sha1": f"sha1:{hashlib.sha1(CONTENT).hexdigest()}",
    "sha256": f"sha256:{SHA256}",
    "adler32": f"adler32:{zlib.adler32(CONTENT):08x}",
}
WRONG = bytes(len(CONTENT))


class Watcher:
    """Keeps what it is told; `interrupt` is Ctrl-C as soon as bytes come."""

    def __init__(self, interrupt: bool = False) -> None:
        self.lines: list[str] = []
        self.seen: list[tuple[str, int, int | None]] = []
        self.interrupt = interrupt

    def moved(self, name: str, done: int, total: int | None) -> None:
        self.seen.append((name, done, total))
        if self.interrupt:
            raise KeyboardInterrupt

    def said(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def fetch(tmp_path: Path, settings: Settings, watcher: Watcher):
    def run(*files: SourceFile) -> list[Outcome]:
        return list(fetch_all(files, tmp_path, watcher, settings))

    return run


def wanted(*urls: str, name: str = "events.csv", size: int | None = len(CONTENT), sums: str | None = MD5) -> SourceFile:
    return SourceFile(name, urls, "https://example.org/record/1", size, sums)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def assert_right(outcome: Outcome, folder: Path) -> None:
    assert (outcome.status, outcome.reason, outcome.sha256) == ("fetched", None, SHA256)
    assert outcome.path.read_bytes() == CONTENT
    assert visible(folder) == [outcome.file.name]
    assert checksum.recorded(outcome.path) == SHA256
    assert not list(folder.glob(".*.part*"))


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=PUBLISHED)
def test_a_file_that_comes_as_it_should(fetch, server: Server, tmp_path: Path, watcher: Watcher, published: str):
    (outcome,) = fetch(wanted(server.url("a"), sums=published))
    assert_right(outcome, tmp_path)
    assert outcome.checked == published
    assert outcome.warnings == ()
    assert watcher.seen[-1] == ("events.csv", len(CONTENT), len(CONTENT))
    (again,) = fetch(wanted(server.url("a"), sums=published))
    assert (again.status, again.checked) == ("there", published)
    assert len(server.asked) == 1


def test_a_dropped_line_goes_on_where_it_was(fetch, server: Server, tmp_path: Path, slept: list[float]):
    server.steps = [drops_after(150_000), drops_after(250_000)]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for _, asked in server.asked[1:] if asked]
    assert len(starts) == 2
    assert 0 < starts[0] <= 150_000 < starts[1] <= 250_000
    assert slept == [1.0, 1.0], "a try that brought something starts the count anew"


@pytest.mark.parametrize("step", [ignores_range, goes_on_elsewhere], ids=["all of it", "other bytes"])
def test_a_server_that_ignores_the_range(fetch, server: Server, tmp_path: Path, step):
    server.steps = [drops_after(150_000), step]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_file_cut_short_is_not_taken(fetch, server: Server, tmp_path: Path, size: int | None):
    server.steps = [says(CONTENT[:1000])]
    (outcome,) = fetch(wanted(server.url("short"), server.url("mirror"), size=size))
    assert_right(outcome, tmp_path)
    assert [path for path, _ in server.asked] == ["/short", "/mirror"]


def test_a_file_that_ends_early_without_saying_how_long_it_is(fetch, server: Server, tmp_path: Path):
    server.steps = [without_length(CONTENT[:200_000])]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert server.asked[1] == ("/a", "bytes=200000-")


def test_wrong_bytes_and_a_mirror(fetch, server: Server, tmp_path: Path):
    server.steps = [says(WRONG)]
    (outcome,) = fetch(wanted(server.url("wrong"), server.url("mirror")))
    assert_right(outcome, tmp_path)
    assert server.asked == [("/wrong", None), ("/mirror", None)]


@pytest.mark.parametrize("algorithm", ["md5", "adler32"])
def test_wrong_bytes_everywhere(fetch, server: Server, tmp_path: Path, algorithm: str):
    server.steps = [says(WRONG), says(WRONG)]
    (outcome,) = fetch(wanted(server.url("a"), server.url("b"), sums=PUBLISHED[algorithm]))
    assert (outcome.status, outcome.sha256) == ("failed", None)
    digest = zlib.adler32(WRONG) if algorithm == "adler32" else None
    found = f"adler32:{digest:08x}" if digest is not None else f"md5:{hashlib.md5(WRONG).hexdigest()}"
    expected = f"gave {found}, expected {PUBLISHED[algorithm]}"
    assert outcome.reason == f"{server.url('a')}: {expected}; {server.url('b')}: {expected}"
    assert visible(tmp_path) == []


def test_a_page_that_is_gone_is_not_tried_again(fetch, server: Server, tmp_path: Path, slept: list[float]):
    server.steps = [answers(404)]
    (outcome,) = fetch(wanted(server.url("gone"), server.url("mirror")))
    assert_right(outcome, tmp_path)
    assert slept == []
    server.steps = [answers(404), answers(403)]
    gone, closed = server.url("gone"), server.url("closed")
    (outcome,) = fetch(wanted(gone, closed, name="other.csv"))
    assert outcome.reason == f"{gone}: the server answered 404 Not Found; {closed}: the server answered 403 Forbidden"


def test_a_busy_server_is_asked_again(fetch, server: Server, tmp_path: Path, slept: list[float], watcher: Watcher):
    server.steps = [answers(503), answers(429, Retry_After=7)]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert slept == [1.0, 7.0]
    assert watcher.lines[0] == "events.csv: the server answered 503; trying again in 1 s"


def test_a_server_that_stays_busy(fetch, server: Server, tmp_path: Path, slept: list[float]):
    server.steps = [answers(500)] * 4
    (outcome,) = fetch(wanted(server.url("a")))
    assert outcome.reason == f"{server.url('a')}: the server answered 500"
    assert slept == [1.0, 2.0, 4.0]


def test_redirects_are_followed_with_the_range(fetch, server: Server, tmp_path: Path):
    server.steps = [answers(302, Location="/elsewhere"), drops_after(150_000), answers(301, Location="/elsewhere")]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert [path for path, _ in server.asked] == ["/a", "/elsewhere", "/a", "/elsewhere"]
    assert server.asked[3][1] == server.asked[2][1] != None  # noqa: E711


def test_a_proxy_of_the_environment(fetch, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", server.url(""))
    monkeypatch.setenv("http_proxy", server.url(""))
    (outcome,) = fetch(wanted("http://data.invalid/a"))
    assert_right(outcome, tmp_path)
    assert server.asked == [("http://data.invalid/a", None)]


def test_endless_redirects(fetch, server: Server):
    server.steps = [answers(302, Location="/a")] * 40
    (outcome,) = fetch(wanted(server.url("a")))
    assert outcome.status == "failed"
    assert "redirects" in (outcome.reason or "")


def test_a_web_page_is_no_file(fetch, server: Server, tmp_path: Path):
    server.steps = [says(b"<html>log in</html>", Content_Type="text/html; charset=utf-8")]
    (outcome,) = fetch(wanted(server.url("a"), size=None, sums=None))
    assert outcome.reason == f"{server.url('a')}: the server sent a web page, not the file"
    assert visible(tmp_path) == []


def test_nobody_answers(fetch, nobody: str, tmp_path: Path, slept: list[float]):
    (tmp_path / "there.csv").write_bytes(CONTENT)
    files = (wanted(nobody), wanted(nobody, name="more.csv"), wanted(nobody, name="there.csv"))
    failed, left, there = fetch(*files)
    assert (failed.status, left.status, there.status) == ("failed", "left", "there")
    assert failed.reason.startswith(f"{nobody}: no answer (")
    assert "refused" in failed.reason
    assert slept == [1.0, 2.0, 4.0], "the second file is not waited for"


def test_a_host_that_does_not_answer_is_not_asked_for_another_address(
    fetch, nobody: str, server: Server, tmp_path: Path, slept: list[float]
):
    (outcome,) = fetch(wanted(nobody, f"{nobody}?again", server.url("mirror")))
    assert_right(outcome, tmp_path)
    assert slept == [1.0, 2.0, 4.0]


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
