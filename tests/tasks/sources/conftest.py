from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.sources.download import Outcome, fetch_all
from tasks.sources.resume import Settings
from tests.tasks.sources.downloads import CONTENT, Watcher
from tests.tasks.sources.server import Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tasks.sources.catalogue import SourceFile


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


@pytest.fixture
def watcher() -> Watcher:
    """Who hears what happens."""
    return Watcher()


@pytest.fixture
def fetch(tmp_path: Path, settings: Settings, watcher: Watcher) -> Callable[..., list[Outcome]]:
    """Fetch files into the test's folder."""

    def run(*files: SourceFile) -> list[Outcome]:
        return list(fetch_all(files, tmp_path, watcher, settings))

    return run
