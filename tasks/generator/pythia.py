"""Pythia 8 through `nextBatch`: Awkward arrays of collisions at no visible cost over the generation itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import awkward as ak

from benchmark.errors import UserError

BATCH = 500
"""Collisions a batch, at about 60 kB each with multi-parton interactions."""

HARDLY_ANY = 2_000_000
"""Collisions tried for one shard before a selection that accepts nothing is called empty."""


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
    batches: Iterator[ak.Array], select: Callable[[ak.Array], ak.Array], count: int, what: str
) -> ak.Array:
    """The first `count` events that `select` lets through, in order.

    Raises UserError when hardly any collision passes: an empty selection.
    """
    kept: list[ak.Array] = []
    have = tried = 0
    for events in batches:
        chosen = select(events)
        tried += len(events)
        if len(chosen):
            kept.append(chosen)
            have += len(chosen)
        if have >= count:
            break
        if tried >= HARDLY_ANY and have < 1 + tried // 100_000:
            raise UserError(f"{what}: {have} of {tried} collisions pass the selection. Loosen it.")
    return ak.to_packed(ak.concatenate(kept)[:count])
