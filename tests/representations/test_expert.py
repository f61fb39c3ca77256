"""The columns of the expert line: those that the task names, and none else."""

from __future__ import annotations

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from benchmark.core.errors import Skip, UserError
from representations.expert import Expert
from tasks.events import EventInfo, Events

INFO = EventInfo("toy", ("a", "b"), "detector", {}, expert=("tau21", "mass"), expert_note="unused")


def events_with(**candidate) -> Events:
    count = len(next(iter(candidate.values())))
    columns = {"event_id": np.arange(count), "group": np.arange(count), "label": np.zeros(count, np.int8)}
    columns["weight"] = np.ones(count, np.float32)
    return Events(ak.zip({**columns, "candidate": ak.zip(candidate)}, depth_limit=1), INFO)


def test_the_columns_of_the_task_in_its_order():
    events = events_with(mass=np.array([80.0, 20.0]), pt=np.array([1.0, 2.0]), tau21=np.array([0.2, 0.7]))
    samples = Expert().represent(events)
    assert samples.feature_names == ("tau21", "mass")
    assert samples.features.numpy() == pytest.approx(np.array([[0.2, 80.0], [0.7, 20.0]]))
    assert (samples.names, samples.capacity, len(samples.particles.values)) == ((), 0, 0)
    assert len(samples) == 2


def test_no_line_where_the_task_names_none_or_a_column_lacks():
    events = events_with(mass=np.array([80.0]))
    with pytest.raises(Skip, match=r"toy: these events \(level detector\) have no tau21 for the expert line"):
        Expert().represent(events)
    with pytest.raises(Skip, match=r"toy: these events \(files of jets\) have no tau21"):
        Expert().represent(replace(events, info=replace(INFO, holds="files of jets")))
    with pytest.raises(Skip, match="toy: no expert line, since the mass is the class"):
        Expert().represent(replace(events, info=replace(INFO, expert=(), expert_note="the mass is the class")))


def test_numbers_are_finite():
    with pytest.raises(UserError, match=r"toy: event 1 has candidate.mass nan"):
        Expert().represent(events_with(mass=np.array([1.0, np.nan]), tau21=np.array([0.1, 0.2])))
