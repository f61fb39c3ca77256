"""Worker processes that die, fork, babble or never end; each is ended with all that descend from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmark.core import supervisor
from benchmark.core.errors import PluginError
from benchmark.core.supervisor import GarbledError, Supervised, apart, wait
from tests.benchmark.core.workers import double, echo, has_ended, is_alive, leave, never_end, no_json, refuse
from tests.workers import spawned_workers


def heard(worker: Supervised, number: int) -> tuple[list[dict], bool]:
    """This many messages, or all until the process has ended."""
    messages, over = [], False
    while len(messages) < number and not over:
        wait([worker], 60)
        more, over = worker.receive()
        messages += more
    return messages, over


@pytest.fixture(autouse=True)
def spawned():
    """The system shows the mark of a process that was started with it, not that of a forked one."""
    with spawned_workers():
        yield


@pytest.fixture
def worker():
    made = Supervised(echo)
    yield made
    made.stop()


def test_a_dead_worker_is_noticed_though_a_child_of_it_holds_the_pipe(worker: Supervised):
    """What it had sent is read, and the child, in a session of its own, is ended."""
    worker.send("fork")
    worker.send("die")
    messages, over = heard(worker, 3)
    assert over
    assert [message["kind"] for message in messages] == ["forked", "last"]
    assert has_ended(messages[0]["child"])
    assert worker.stop() == 3


def test_a_worker_that_is_stopped_leaves_no_child(worker: Supervised):
    worker.send("fork")
    ((message,), _) = heard(worker, 1)
    assert is_alive(message["child"])
    assert worker.stop() is None
    assert has_ended(message["child"])


def test_a_forked_process_does_not_speak_for_the_worker(worker: Supervised):
    worker.send("double")
    worker.send("after")
    worker.send("die")
    messages, _ = heard(worker, 4)
    assert [message.get("word") for message in messages] == ["double", "after", None]


@pytest.mark.parametrize(
    "text", [b"hello\n", b"\x80\x05\xff\n", b"[1]\n", b"[" * 100_000 + b"\n", b"1" * 10_000 + b"\n", b"7\n"]
)
def test_what_is_no_message(worker: Supervised, text: bytes):
    worker.send(text)
    with pytest.raises(GarbledError, match="that are no message"):
        heard(worker, 1)


def test_half_a_message_is_waited_for(worker: Supervised):
    worker.send(b'{"kind": ')
    worker.send(b'"whole"}\n')
    assert heard(worker, 1) == ([{"kind": "whole"}], False)


def test_a_message_without_end(worker: Supervised, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervisor, "MESSAGE_BYTES", 1000)
    worker.send(b"x" * 2000)
    with pytest.raises(GarbledError, match="more than 1,000 bytes without a line break"):
        heard(worker, 1)


def test_a_worker_that_has_ended_is_sent_nothing(worker: Supervised):
    assert worker.send("die")
    worker.process.join()
    assert [worker.send("more") for _ in range(3)][-1] is False
    assert heard(worker, 2) == ([{"kind": "last"}], True)


def test_a_function_in_a_process_of_its_own():
    assert apart("doubling", double, 21) == 42


@pytest.mark.parametrize(
    ("function", "limit", "message"),
    [
        (refuse, None, "not today"),
        (leave, None, "trying: its process ended with exit code 0. Correct this file."),
        (never_end, 0.5, "trying: took longer than 0.5 s. Correct this file."),
        (no_json, None, "TypeError: Object of type object is not JSON serializable (encoder.py, line"),
    ],
)
def test_a_function_that_fails_in_a_process_of_its_own(function, limit: float | None, message: str):
    with pytest.raises(PluginError) as caught:
        apart("trying", function, limit=limit)
    assert str(caught.value).startswith(message)


def test_the_mark_is_not_left_behind(worker: Supervised):
    assert "BENCHMARK_WORKER" not in os.environ
    assert Path("/proc").is_dir()
