"""Downloads from a server on loopback that drops connections, cuts files short, and worse."""

from __future__ import annotations

import hashlib
import threading
import zlib
from typing import TYPE_CHECKING

import pytest

from tasks.sources import downloader
from tests.tasks.sources.downloads import CONTENT, MD5, SHA256, WRONG, Recorder, assert_right, visible, wanted
from tests.tasks.sources.server import answers, drops_after, says, sends_for_ever, stalls, without_length

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tasks.sources.server import Handler, Server

PUBLISHED = {
    "md5": MD5,
    "sha1": f"sha1:{hashlib.sha1(CONTENT).hexdigest()}",
    "sha256": f"sha256:{SHA256}",
    "adler32": f"adler32:{zlib.adler32(CONTENT):08x}",
}


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=PUBLISHED)
def test_a_file_that_comes_as_it_should(fetch, server: Server, tmp_path: Path, progress: Recorder, published: str):
    (outcome,) = fetch(wanted(server.url("a"), sums=published))
    assert_right(outcome, tmp_path)
    assert outcome.checked == published
    assert outcome.warnings == ()
    assert progress.seen[-1] == ("events.csv", len(CONTENT), len(CONTENT))
    (again,) = fetch(wanted(server.url("a"), sums=published))
    assert (again.status, again.checked) == ("present", published)
    assert len(server.asked) == 1


def test_a_broken_connection_is_tried_again(fetch, server: Server, tmp_path: Path, slept: list[float]):
    server.steps = [drops_after(150_000), drops_after(250_000)]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert server.asked == ["/a"] * 3
    assert slept == [1.0, 2.0]


def test_a_server_that_stops_sending(fetch, server: Server, tmp_path: Path, monkeypatch, progress: Recorder):
    monkeypatch.setattr("tasks.sources.downloader.TIMEOUT_S", (5.0, 0.05))
    server.steps = [stalls]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    (line,) = progress.lines
    assert line.startswith("events.csv: the connection broke after ")


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_file_cut_short_is_not_taken(fetch, server: Server, tmp_path: Path, size: int | None):
    server.steps = [says(CONTENT[:1000])]
    (outcome,) = fetch(wanted(server.url("short"), server.url("mirror"), size=size))
    assert_right(outcome, tmp_path)
    assert server.asked == ["/short", "/mirror"]


def test_a_file_that_ends_early_without_saying_how_long_it_is(fetch, server: Server, tmp_path: Path):
    server.steps = [without_length(CONTENT[:200_000])]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert server.asked == ["/a", "/a"]


def test_wrong_bytes_and_a_mirror(fetch, server: Server, tmp_path: Path):
    server.steps = [says(WRONG)]
    (outcome,) = fetch(wanted(server.url("wrong"), server.url("mirror")))
    assert_right(outcome, tmp_path)
    assert server.asked == ["/wrong", "/mirror"]


@pytest.mark.parametrize("algorithm", ["md5", "adler32"])
def test_wrong_bytes_everywhere(fetch, server: Server, tmp_path: Path, algorithm: str):
    server.steps = [says(WRONG), says(WRONG)]
    (outcome,) = fetch(wanted(server.url("a"), server.url("b"), sums=PUBLISHED[algorithm]))
    assert (outcome.status, outcome.sha256) == ("failed", None)
    digest = zlib.adler32(WRONG) if algorithm == "adler32" else None
    found = f"adler32:{digest:08x}" if digest is not None else f"md5:{hashlib.md5(WRONG).hexdigest()}"
    expected = f"sent {found}, expected {PUBLISHED[algorithm]}"
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


def test_a_busy_server_is_asked_again(fetch, server: Server, tmp_path: Path, slept: list[float], progress: Recorder):
    server.steps = [answers(503), answers(429, Retry_After=7)]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert slept == [1.0, 7.0]
    assert progress.lines[0] == "events.csv: the server answered 503 Service Unavailable; trying again in 1 s"


def test_a_server_that_stays_busy(fetch, server: Server, tmp_path: Path, slept: list[float]):
    server.steps = [answers(500)] * 4
    (outcome,) = fetch(wanted(server.url("a")))
    assert outcome.reason == f"{server.url('a')}: the server answered 500 Internal Server Error"
    assert slept == [1.0, 2.0, 4.0]


def test_redirects_are_followed(fetch, server: Server, tmp_path: Path):
    server.steps = [answers(302, Location="/elsewhere")]
    (outcome,) = fetch(wanted(server.url("a")))
    assert_right(outcome, tmp_path)
    assert server.asked == ["/a", "/elsewhere"]


def test_a_proxy_of_the_environment(fetch, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", server.url(""))
    monkeypatch.setenv("http_proxy", server.url(""))
    (outcome,) = fetch(wanted("http://data.invalid/a"))
    assert_right(outcome, tmp_path)
    assert server.asked == ["http://data.invalid/a"]


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


def test_a_file_that_is_larger_than_it_should_be(fetch, server: Server, tmp_path: Path, monkeypatch):
    server.steps = [says(CONTENT + b"more"), without_length(CONTENT + b"more"), without_length(CONTENT)]
    monkeypatch.setattr("tasks.sources.downloader.LARGEST", 200_000)
    first, second = server.url("first"), server.url("second")
    (outcome,) = fetch(wanted(first, second))
    assert outcome.reason == (f"{first}: has 300,004 bytes, expected 300,000; {second}: sent more than 300,000 bytes")
    (outcome,) = fetch(wanted(first, size=None))
    assert outcome.reason == f"{first}: sent more than 200,000 bytes"
    assert visible(tmp_path) == []


def test_no_server_answers(fetch, silent_host: str, tmp_path: Path, slept: list[float]):
    (tmp_path / "there.csv").write_bytes(CONTENT)
    files = (wanted(silent_host), wanted(silent_host, name="more.csv"), wanted(silent_host, name="there.csv"))
    failed, skipped, present = fetch(*files)
    assert (failed.status, skipped.status, present.status) == ("failed", "skipped", "present")
    assert failed.reason.startswith(f"{silent_host}: no answer (")
    assert "refused" in failed.reason
    assert slept == [1.0, 2.0, 4.0], "the second file is not tried"


def test_a_host_that_does_not_answer_is_not_asked_for_another_address(
    fetch, silent_host: str, server: Server, tmp_path: Path, slept: list[float]
):
    (outcome,) = fetch(wanted(silent_host, f"{silent_host}?again", server.url("mirror")))
    assert_right(outcome, tmp_path)
    assert slept == [1.0, 2.0, 4.0]


def test_a_body_without_end_is_ended_at_the_known_size(fetch, server: Server, tmp_path: Path, progress: Recorder):
    server.steps = [sends_for_ever()]
    (outcome,) = fetch(wanted(server.url("a")))
    assert outcome.reason == f"{server.url('a')}: sent more than 300,000 bytes"
    assert max(done for _, done, _ in progress.seen) <= 300_000
    assert list(tmp_path.iterdir()) == [tmp_path / ".lock"]


@pytest.mark.parametrize("length", ["9" * 5000, "²", "-1", "1e3", ""])
def test_a_length_that_is_no_number(fetch, server: Server, tmp_path: Path, length: str):
    server.steps = [lambda handler: (handler.begin(200, Content_Length=length), handler.wfile.write(CONTENT))]
    (outcome,) = fetch(wanted(server.url("a"), server.url("mirror")))
    assert_right(outcome, tmp_path)


def test_a_length_that_no_disk_has_does_not_end_the_other_downloads(fetch, server: Server, tmp_path: Path):
    server.steps = [lambda handler: handler.begin(200, Content_Length=10**17)]
    first, second = fetch(wanted(server.url("a"), name="first", size=None), wanted(server.url("b")))
    assert "expected at most 20,000,000,000" in (first.reason or "")
    assert second.status == "downloaded"


PAGES = (b"<html><body>log in</body></html>", b"\n <!DOCTYPE html><title>404</title>")


@pytest.mark.parametrize("content", [b"", *PAGES])
def test_no_file_without_size_and_checksum(fetch, server: Server, tmp_path: Path, content: bytes):
    server.steps = [says(content, Content_Type="application/octet-stream"), without_length(content)]
    (outcome,) = fetch(wanted(server.url("a"), server.url("b"), size=None, sums=None))
    assert (outcome.reason or "").count("an empty file" if not content else "a web page") == 2
    assert visible(tmp_path) == []


def test_a_server_that_sends_a_byte_now_and_then(fetch, server: Server, tmp_path: Path, monkeypatch):
    """Each byte comes half a second after the last one, by the clock of the downloader."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(downloader, "monotonic", lambda: next(ticks) / 2)
    server.steps = [sends_for_ever(1)]
    (outcome,) = fetch(wanted(server.url("slow"), server.url("mirror")))
    assert_right(outcome, tmp_path)
    assert server.asked == ["/slow", "/mirror"]


def test_a_server_that_sends_its_header_byte_by_byte(fetch, server: Server, tmp_path: Path, monkeypatch):
    """No byte comes late, but the header has no end; the server is not asked for the next file."""
    over = threading.Event()

    def drips(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nServer: ")
        while not over.wait(0.01):
            handler.wfile.write(b"x")

    monkeypatch.setattr(downloader, "ANSWER_S", 0.3)
    server.steps = [drips]
    try:
        first, second = fetch(wanted(server.url("a")), wanted(server.url("b"), name="b.csv"))
    finally:
        over.set()
    assert first.status == "failed"
    assert first.reason == f"{server.url('a')}: sent no whole header in 0 s"
    assert second.status == "skipped"
    assert server.asked == ["/a"]
    assert visible(tmp_path) == []


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://a"])
def test_redirects_out_of_the_web(fetch, server: Server, tmp_path: Path, place: str):
    server.steps = [answers(302, Location=place)]
    (outcome,) = fetch(wanted(server.url("a"), size=None, sums=None))
    assert outcome.status == "failed"
    assert visible(tmp_path) == []


def test_answers_are_printed_without_control_characters(fetch, server: Server):
    server.steps = [lambda handler: handler.wfile.write(b"HTTP/1.1 404 \x1b[31mgone\x07\r\nContent-Length: 0\r\n\r\n")]
    (outcome,) = fetch(wanted(server.url("a")))
    assert (outcome.reason or "").isprintable()
