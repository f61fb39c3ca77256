"""Tasks whose jets are read from published files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tasks.events import EventInfo
from tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

ONE_LEVEL = "the set is published at one level, which is called `detector` as that of all files"


@dataclass(frozen=True, kw_only=True)
class PublishedJets(Task):
    """Jets as lists of constituents from files that users fetch; run only when named."""

    extra: ClassVar[bool] = True
    skipped_levels: ClassVar[Mapping[str, str]] = {"generator": ONE_LEVEL, "hadron": ONE_LEVEL}

    def info(self, level: str) -> EventInfo:
        """Constituents, of which a table holds the 40 hardest."""
        return EventInfo(self.name, self.classes, level, {"constituent": 40}, particles="constituents", picture="jet")
