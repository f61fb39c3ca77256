"""The tasks that are known; none is imported before it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.core.registry import Registry

if TYPE_CHECKING:
    from tasks.task import Task

TASKS: Registry[Task] = Registry("tasks", "tasks.task:Task")
