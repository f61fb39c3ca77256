"""Tasks whose jets are read from published files, and can't be generated here."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from benchmark.core.errors import UserError
from tasks.task import Imported, Task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import awkward as ak

    from tasks.events import EventInfo

ONE_LEVEL = "the set is published at one level, which is called `detector` as that of all files"


@dataclass(frozen=True, kw_only=True)
class PublishedJets(Task):
    """Jets as lists of constituents from files that users fetch; run only when named."""

    extra: ClassVar[bool] = True
    skipped_levels: ClassVar[Mapping[str, str]] = {"generator": ONE_LEVEL, "hadron": ONE_LEVEL}
    fetch: ClassVar[str]
    """Which files, and where from: the middle of the sentence that `generate` raises."""

    def info(self, level: str) -> EventInfo:
        """Constituents, of which a table holds the 40 hardest."""
        from tasks.events import EventInfo

        return EventInfo(self.name, self.classes, level, {"constituent": 40}, particles="constituents", picture="jet")

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:  # noqa: ARG002
        """Raises UserError: these events are read, not generated."""
        raise UserError(
            f"{self.name}: its events can't be generated (no --source was given), expected files. "
            f"Fetch {self.fetch}, and name the folder with --source."
        )

    @abstractmethod
    def read(self, source: Path) -> Imported:
        """The published jets. Raises UserError when a file is not what is needed."""
