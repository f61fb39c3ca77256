"""Validation figures of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.validation import generic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.events import Events
    from tasks.validation.figure import Figure


class Validation:
    """Figures by which a physicist judges the events of a task, with the numbers measured in them.

    Subclass it for figures of a task, and return an instance from `Task.validation`.
    """

    def figures(self, events: Events) -> Iterator[Figure]:
        """Figures of stored events: objects, scalars and hits by class; a subclass may add to these.

        Parameters
        ----------
        events : as stored, before `Task.apply_variant`. Events of files may lack columns.
        """
        return generic.figures(events)

    def detector_figures(self, count: int | None = None) -> Iterator[Figure]:  # noqa: ARG002
        """Figures from a small sample simulated with known truth, which stored events lack.

        Parameters
        ----------
        count : collisions or particles of each kind. None: a default that takes seconds. The sample has a fixed seed.
        """
        return iter(())
