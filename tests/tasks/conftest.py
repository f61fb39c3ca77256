from pathlib import Path
from typing import NamedTuple

import pytest

from tasks.data.manifest import Manifest
from tasks.data.store import prepare
from tasks.sources.folder import files_of
from tests.tasks.data_sets import coins


class Made(NamedTuple):
    """A data set made without interruption by one worker."""

    root: Path
    manifest: Manifest
    reports: list


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    root, reports = tmp_path_factory.mktemp("coins"), []
    return Made(root, prepare(coins(), root, 1, lambda *report: reports.append(report)), reports)


@pytest.fixture
def copied(made, tmp_path):
    """The folder of a data set that a test may break, below `tmp_path`."""
    folder = coins().folder(tmp_path)
    folder.mkdir(parents=True)
    for file in files_of(coins().folder(made.root)):
        (folder / file.name).write_bytes(file.read_bytes())
    return folder
