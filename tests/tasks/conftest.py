from pathlib import Path
from typing import NamedTuple

import pytest

from tasks.manifest import Manifest
from tasks.store import prepare
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
