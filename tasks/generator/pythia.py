"""Pythia 8 through `nextBatch`: Awkward arrays of collisions at no visible cost over the generation itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak

from benchmark.core.errors import UserError
from tasks.generator import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BATCH = 500
"""Collisions a batch, at about 60 kB each with multi-parton interactions."""

HARDLY_ANY = 20_000
"""Collisions tried before a selection that has accepted none is called empty (some minutes)."""


def level_settings(level: str, *, multiparton: bool = True) -> tuple[str, ...]:
    """What a level of realism asks of the generator: partons stop before hadronisation."""
    switches = () if multiparton else ("PartonLevel:MPI=off",)
    return (*switches, "HadronLevel:all=off") if level == "generator" else switches


def collisions(settings: Sequence[str], seed: int, what: str, batch: int = BATCH) -> Iterator[ak.Array]:
    """Endless batches of collisions from a fresh generator; bit-identical for one seed.

    Yields records with `prt` (lists of id, status, mother1, p.{px, py, pz, e}, m ...) and `info`.
    Raises UserError naming the settings when Pythia refuses them or gives up.
    """
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for setting in ("Print:quiet=on", "Random:setSeed=on", f"Random:seed={seed}", *settings):
        if not pythia.readString(setting):
            raise UserError(f"{what}: Pythia does not know the setting '{setting}'. Mend it.")
    if not pythia.init():
        raise UserError(f"{what}: Pythia can't start with {'; '.join(settings)}. Mend the settings.")
    while True:
        events = pythia.nextBatch(batch)
        if "prt" not in events.fields or len(events) == 0:  # what it returns when it gives up
            raise UserError(f"{what}: Pythia gave up with {'; '.join(settings)}. Mend contradictory settings.")
        yield events


def accepted(
    batches: Iterator[ak.Array],
    select: Callable[[ak.Array], ak.Array],
    count: int,
    what: str,
    whole_batches: int = 1,
    share: float = 1.0,
) -> ak.Array:
    """At least `count` events that `select` lets through, in order, out of a multiple of `whole_batches` batches.

    Tells `progress` of them, of `count` in all, as the share of an event's work that this is. Raises UserError when no
    collision of the first 20,000 passes: an empty selection.
    """
    kept: list[ak.Array] = []
    have = tried = 0
    for number, events in enumerate(batches, 1):
        chosen = select(events)
        tried += len(events)
        progress.tell(share * min(len(chosen), max(count - have, 0)))
        have += len(chosen)
        if len(chosen):
            kept.append(chosen)
        if have >= count and number % whole_batches == 0:
            break
        if tried >= HARDLY_ANY and have == 0:
            raise UserError(f"{what}: {have} of {tried} collisions pass the selection. Loosen it.")
    return ak.to_packed(ak.concatenate(kept))
