"""The contract of a reader: how a task gets events from real files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import awkward as ak


@dataclass(frozen=True)
class Imported:
    """Events read from files, chunk by chunk, so that memory does not grow with the files.

    Parameters
    ----------
    chunks : tables of whole events (with event_id, group, label and weight) that fit in memory. They are read once,
        and errors in a file are raised on the way. Empty tables are ignored. Each of the others becomes a shard.
    description : names of the files, and a note for users.
    dropped : number of events left out, by reason; complete after the last chunk.
    notes : how the files were read if there was a choice, a sentence each; complete after the last chunk.
    fast_simulation : whether the files come from a fast simulation (such as Delphes) and not from a real detector or
        Geant4.
    """

    chunks: Iterable[ak.Array]
    description: str
    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    fast_simulation: bool = False

    @cached_property
    def table(self) -> ak.Array:
        """All events in one table, for small files."""
        import awkward as ak

        return ak.concatenate(list(self.chunks))


class Reader(ABC):
    """Reads the events of a task from real files.

    A task with real files returns one from `Task.reader`. Parameters of the task that affect reading are fields of it.
    """

    files: ClassVar[str]
    """Which files it reads, for messages: "CSV or ROOT files with two muons per row"."""
    holds: ClassVar[str]
    """The content of these files, for messages: "reconstructed muons only"."""
    columns: ClassVar[tuple[str, ...]]
    """Columns of the Events table that it returns, without the truth."""

    @abstractmethod
    def read(self, source: Path) -> Imported:
        """Read events with their classes from a file or a folder of files.

        Raises
        ------
        UserError
            At once, or while the chunks are read, when the files or their content are not what is needed.
        """

    def read_new(self, source: Path) -> Imported:
        """Read events of unknown class from the same kinds of files, for `predict`; their `label` has no meaning.

        Override it where `read` takes the class from file names or from a column that such files lack.
        """
        return self.read(source)

    def check(self, source: Path) -> None:
        """Raise UserError for files that `read` refuses at first sight. `source` exists.

        Called before a run and by `--dry-run`. `read` is cheap if it reads nothing before its chunks are taken;
        override this method if it is not.
        """
        self.read(source)
