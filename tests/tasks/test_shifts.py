"""Shifted simulations make events of every class, and other events than the task itself."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tasks import events
from tasks.registry import TASKS

COUNT = 4
CASES = [
    pytest.param(name, process, id=f"{name}-{process}")
    for name in TASKS.core()
    for process in TASKS.load(name).resolve("smoke").processes
]


def written(name: str, process: str, changes: dict[str, Any]) -> bytes:
    task = TASKS.load(name)
    table = task(**{**task.resolve("smoke").parameters(), **changes}).generate(process, "detector", COUNT, 3)
    assert len(table) == COUNT
    file = io.BytesIO()
    events.write(table, file)
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "process"), CASES)
def test_every_shift_makes_other_events(name: str, process: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tasks.detector.pileup.SIZE", 20)
    shifts = TASKS.load(name).shifts
    base = {"pileup": 5.0} if "pileup" in shifts else {}  # `smoke` has none to double
    found = [written(name, process, {**base, **shift}) for shift in ({}, *shifts.values())]
    assert len(set(found)) == 3
