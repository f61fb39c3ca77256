"""The contract of a task: classes of collisions, and where their events come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from benchmark.core.errors import UserError
from benchmark.core.plugin import Plugin, Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import awkward as ak

    from tasks.events import EventInfo, Events
    from tasks.validation.figure import Figure

LEVELS = ("generator", "hadron", "detector")
"""Realism: partons and leptons as produced; stable particles; after the fast simulation (the default)."""


@dataclass(frozen=True)
class Imported:
    """Events read from files, chunk by chunk, so that memory does not grow with the files.

    chunks : tables of whole events (with event_id, group, label and weight), each no more than memory should hold;
        read once, and an error in a file is raised on the way. Empty ones are passed over; no event at all is an
        error, which the store raises. Each becomes a shard.
    description : how the files are called.
    dropped : what was left out, by reason; complete when the last chunk was read.
    fast_simulation : whether the files come from a fast simulation (as Delphes), not from a detector or Geant4.
    """

    chunks: Iterable[ak.Array]
    description: str
    dropped: Counter[str] = field(default_factory=Counter)
    fast_simulation: bool = False

    @cached_property
    def table(self) -> ak.Array:
        """All events at once, for who knows that they are few."""
        import awkward as ak

        return ak.concatenate(list(self.chunks))


@dataclass(frozen=True, kw_only=True)
class Task(Plugin, ABC):
    """Classes of collisions to tell apart.

    Subclass as a frozen dataclass whose fields are the variants, and write `generate` (and `read`, where real
    files exist). The store does the rest: shards, seeds, ids, splits, Parquet, manifest, fingerprint.
    """

    skipped_levels: ClassVar[Mapping[str, str]] = {}
    """Levels that make the task trivial or empty, with the reason: their cells are skipped."""
    applied_parameters: ClassVar[frozenset[str]] = frozenset()
    """Parameters that `apply_variant` applies when stored events are read; the stored events do not depend on them."""
    applied_columns: ClassVar[frozenset[str]] = frozenset()
    """Columns that `apply_variant` reads or changes. They and the truth (`tasks.events.TRUTH`) are always read."""

    events_per_class: Annotated[
        int,
        Range(1),
        "generated events of each process, for training, validation and test together; at most 10,000 shards",
    ] = 4000
    shard_events: Annotated[
        int,
        Range(1, 1_000_000),
        "events per shard: the events of one file, which one generator makes from one seed; an interrupted "
        "generation loses at most one shard per worker",
    ] = 1000

    def __post_init__(self) -> None:
        """Check the sizes: the store's event ids have room for 10,000 shards of 10^6 events.

        Raises UserError for sizes out of range.
        """
        super().__post_init__()
        if self.events_per_class > (most := 10_000 * self.shard_events):
            raise UserError(
                f"{self.name}: parameter 'events_per_class' is {self.events_per_class}, expected {Range(1, most)}."
            )

    @property
    @abstractmethod
    def processes(self) -> tuple[str, ...]:
        """What is generated, signal first; the position is the `label` of the stored events. A plain tuple will do."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes after `apply_variant`, signal first."""
        return self.processes

    @abstractmethod
    def info(self, level: str) -> EventInfo:
        """What representations may know of the events."""

    @abstractmethod
    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """`count` accepted events of one process from a fresh generator with this seed.

        Returns the columns of the Events table that the task has, but for event_id, group, label and weight,
        which the store adds when they are absent. The same arguments give the same bytes, in any process.
        """

    def settings(self, process: str, level: str) -> tuple[str, ...]:  # noqa: ARG002
        """The generator's settings, as recorded in the manifest."""
        return ()

    def read(self, source: Path) -> Imported:
        """Events from files, chunk by chunk.

        Raises UserError, at once or while the chunks are read, when the files, or their content, are not what is
        needed.
        """
        raise UserError(
            f"{self.name}: real files are not read for this task (got --source {source}). Leave --source out."
        )

    def read_new(self, source: Path) -> Imported:
        """Events whose class nobody knows, from the same kinds of files, for `predict`: their `label` means nothing.

        A task whose `read` takes the class from the names of files, or from a column of truth, says here how to read
        files that have neither.
        """
        return self.read(source)

    def check_source(self, source: Path) -> None:
        """Raise UserError for files that `read` would refuse at a first look: before a run, and in `--dry-run`.

        Cheap, since `read` reads nothing before its chunks are asked for; a task whose `read` does more writes its own.
        `source` exists.
        """
        self.read(source)

    def apply_variant(self, table: ak.Array) -> ak.Array:
        """Stored events as this variant shows them (such as two classes made one), each on its own.

        Called shard by shard, with the columns that a representation asked for and `applied_columns`.
        """
        return table

    def validation(self, events: Events) -> Iterator[Figure]:
        """Figures by which a physicist judges stored events, with the numbers read off them.

        Objects, scalars and hits by class, unless a task writes its own, which may add to these. The events are as they
        are stored, before `apply_variant`; those of files may lack columns.
        """
        from tasks.validation.generic import figures

        return figures(events)

    def detector_validation(self, count: int | None = None) -> Iterator[Figure]:  # noqa: ARG002
        """The same for what stored events don't tell: of a small sample simulated here and now, its truth known.

        count : collisions or particles of each kind; None for what takes some seconds. The same ones at every call.
        """
        return iter(())

    def data_parameters(self) -> dict[str, Any]:
        """The parameters that the stored events depend on."""
        return {k: v for k, v in self.parameters().items() if k not in self.applied_parameters}
