"""Files of unclassified events, as a task reads them for `predict`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import pytest

from tasks.diphoton.diphoton import Diphoton
from tasks.egamma.egamma import EGamma
from tasks.events import check
from tasks.ttbar.ttbar import TTbar
from tasks.wprime.wprime import WPrime
from tests.tasks.sources.files import refused, write_hdf5, write_root
from tests.tasks.sources.test_cms import lists, nanoaod, photons
from tests.tasks.sources.test_hdf5 import jets, showers

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.task import Task


def two_photons() -> dict[str, Any]:
    return photons(Photon_pt=lists([60, 50, 25], [70, 60], [45, 45], [60, 10]))


def bare(content: dict[str, Any], truth: str) -> dict[str, Any]:
    return {name: values for name, values in content.items() if name != truth}


FILES = {
    "ttbar": (TTbar, "ttbar.root", lambda path: write_root(path, "Events", nanoaod()), nanoaod),
    "diphoton": (Diphoton, "higgs.root", lambda path: write_root(path, "Events", two_photons()), two_photons),
    "egamma": (EGamma, "electron.h5", lambda path: write_hdf5(path, showers()), lambda: bare(showers(), "y")),
    "wprime": (WPrime, "known.h5", lambda path: write_hdf5(path, jets()), lambda: bare(jets(), "signal")),
}


@pytest.mark.parametrize("name", FILES)
def test_the_same_events_whatever_their_class(tmp_path: Path, name: str) -> None:
    kind, known_name, write_known, unknown = FILES[name]
    task: Task = kind.resolve("smoke")
    known = task.reader.read(write_known(tmp_path / known_name)).table
    new = tmp_path / f"anything{(tmp_path / known_name).suffix}"
    if new.suffix == ".root":
        write_root(new, "Events", unknown())
    else:
        write_hdf5(new, unknown())
    refused(task.reader.read, new)  # to learn from, the class is needed
    found = task.reader.read_new(new)
    table = found.table
    check(table, name)
    assert len(table) == len(known) > 0
    assert set(table.label.tolist()) == {0}, "which means nothing"
    for column in set(known.fields) - {"label", "event_id", "group", "weight"}:
        assert ak.array_equal(table[column], known[column], equal_nan=True), column
