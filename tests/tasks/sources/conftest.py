from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.sources import downloader
from tasks.sources.download import Outcome, fetch_all
from tests.tasks.sources.downloads import CONTENT, Recorder
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
def silent_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address where no server answers."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(b"") as gone:
        return gone.url("gone.csv")


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries; none of them takes any time."""
    pauses: list[float] = []
    monkeypatch.setattr(downloader, "sleep", pauses.append)
    return pauses


@pytest.fixture
def progress() -> Recorder:
    """Records the progress of the downloads."""
    return Recorder()


@pytest.fixture
def fetch(tmp_path: Path, slept: list[float], progress: Recorder) -> Callable[..., list[Outcome]]:
    """Fetch files into the folder of the test."""

    def run(*files: SourceFile) -> list[Outcome]:
        return list(fetch_all(files, tmp_path, progress))

    return run
