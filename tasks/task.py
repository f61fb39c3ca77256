"""The contract of a task: classes of collisions, and where their events come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from benchmark.core.errors import UserError
from benchmark.core.plugin import Plugin, Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    import awkward as ak

    from tasks.events import EventInfo
    from tasks.reader import Reader
    from tasks.validation.validation import Validation

LEVELS = ("generator", "hadron", "detector")
"""Realism: partons and leptons as produced; stable particles; after the detector (the default)."""
SIZES = frozenset({"events_per_class", "shard_events"})
"""Parameters that say how many events there are, and not what they are."""
TEST_EVENTS: Mapping[str, int] = {"smoke": 100, "quick": 800, "standard": 5000, "paper": 10_000}


@dataclass(frozen=True, kw_only=True)
class Task(Plugin, ABC):
    """Classes of collisions to separate.

    Subclass it as a frozen dataclass whose fields are the parameters, and write `processes`, `info` and `generate`.
    The store does the rest: shards, seeds, ids, splits, Parquet, manifest, fingerprint. `reader` and `validation` are
    optional, and live in files of their own.
    """

    fast_simulation: ClassVar[bool] = False
    """Whether generated events of the level `detector` pass through our fast simulation (`tasks.detector`)."""
    skipped_levels: ClassVar[Mapping[str, str]] = {}
    """Levels that make the task trivial or empty, with the reason. Cells at these levels are skipped."""
    expert: ClassVar[tuple[str, ...]] = ()
    """Fields of `candidate` that a physicist would cut on: the columns of the expert line; empty if there is none.
    Raise the `version` when they change."""
    expert_note: ClassVar[str] = "the task names no columns for it"
    """Why there is no expert line, where `expert` is empty."""
    shifts: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Shifted simulations, on which fitted models are tested as well: name, and the parameters that differ from those
    of the variant. At their defaults these parameters are no part of the identity of stored events."""
    test_events: ClassVar[Mapping[str, int]] = TEST_EVENTS
    """Generated test events of each process, by preset, unless a run asks for another number."""
    applied_parameters: ClassVar[frozenset[str]] = frozenset()
    """Parameters that `apply_variant` applies when stored events are read; the stored events do not depend on them."""
    applied_columns: ClassVar[frozenset[str]] = frozenset()
    """Columns that `apply_variant` reads or changes. They and the truth (`tasks.events.TRUTH`) are always read."""

    events_per_class: Annotated[
        int,
        Range(2),
        "generated events of each process for training (four fifths) and validation; at most 10,000 shards",
    ] = 3200
    shard_events: Annotated[
        int,
        Range(1, 1_000_000),
        "events per shard: the events of one file, which one generator makes from one seed; an interrupted "
        "generation loses at most one shard per worker",
    ] = 1000

    def __post_init__(self) -> None:
        """Check the sizes: event ids allow 10,000 shards of 10^6 events.

        Raises UserError for sizes out of range.
        """
        super().__post_init__()
        if self.events_per_class > (most := 10_000 * self.shard_events):
            raise UserError(
                f"{self.name}: parameter 'events_per_class' is {self.events_per_class}, expected {Range(2, most)}."
            )

    @property
    @abstractmethod
    def processes(self) -> tuple[str, ...]:
        """The generated processes, signal first; the position is the `label` of the stored events. May be a tuple."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes after `apply_variant`, signal first."""
        return self.processes

    @abstractmethod
    def info(self, level: str) -> EventInfo:
        """The information on the events that representations may use."""

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:  # noqa: ARG002
        """Generate events of one process with a fresh generator. A task whose events are only read leaves it out.

        Parameters
        ----------
        process : one of `processes`.
        level : one of `LEVELS`.
        count : number of accepted events.
        seed : of the generator. The same arguments give the same bytes, in any process.

        Returns
        -------
        The columns of the Events table that the task has. The store adds event_id, group, label and weight where they
        are absent.
        """
        reader = self.reader
        files = f"only read from {reader.files}. Use `run` or `data import` with --source" if reader else "nor read"
        raise UserError(f"{self.name}: these events can't be generated, {files}.")

    def settings(self, process: str, level: str) -> tuple[str, ...]:  # noqa: ARG002
        """The generator's settings, as recorded in the manifest."""
        return ()

    @property
    def reader(self) -> Reader | None:
        """Reads events from real files; None where the task has none."""
        return None

    @property
    def validation(self) -> Validation:
        """Figures by which a physicist judges the events. The default has those that any column allows."""
        from tasks.validation.validation import Validation

        return Validation()

    def apply_variant(self, table: ak.Array) -> ak.Array:
        """Turn stored events into those of this variant (for example, two classes into one), each on its own.

        Called shard by shard, with the columns that a representation needs and `applied_columns`.
        """
        return table

    def data_parameters(self) -> dict[str, Any]:
        """The parameters that the stored events depend on.

        A parameter that only a shift changes is left out at its default, so that a task may gain a shift and keep its
        stored events.
        """
        shifted = {name for parameters in self.shifts.values() for name in parameters}
        nominal = shifted - set(self.changed(""))
        return {k: v for k, v in self.parameters().items() if k not in self.applied_parameters | nominal}
