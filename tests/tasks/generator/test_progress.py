import errno
import os
from multiprocessing import get_context
from multiprocessing.heap import Heap

import pytest

from benchmark.core.errors import UserError
from tasks.generator import progress
from tasks.generator.progress import EventCounter


def _work(counter, events):
    counter.listen()
    for _ in range(events):
        progress.report(2)


def test_events_of_all_processes_are_counted():
    context, counter = get_context("spawn"), EventCounter(3)
    assert counter.total() == 0
    workers = [context.Process(target=_work, args=(counter, events)) for events in (1, 20, 300)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert counter.total() == 2 * 321


def test_other_processes_count_nothing():
    counter = progress.EventCounter(1)
    progress.report(5)
    assert counter.total() == 0


def test_no_space_for_shared_memory(monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("multiprocessing.heap.Arena.__init__", full)
    monkeypatch.setattr("multiprocessing.heap.BufferWrapper._heap", Heap())
    with pytest.raises(UserError, match=r"^shared memory of 2 workers .*No space left on device.*Free space there\.$"):
        EventCounter(2)
