from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tasks.sources.resume import Settings
from tests.tasks.sources.server import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = random.Random(1).randbytes(300_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on loopback, reached without a proxy; it serves CONTENT."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(CONTENT) as running:
        yield running


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address where no server answers."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(b"") as gone:
        return gone.url("gone.csv")


@pytest.fixture
def slept() -> list[float]:
    """The pauses that were made, none of which took any time."""
    return []


@pytest.fixture
def settings(slept: list[float]) -> Settings:
    return Settings(sleep=slept.append, timeout_s=(5.0, 5.0))
