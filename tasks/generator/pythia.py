"""Collisions of Pythia 8 as Awkward arrays, through `nextBatch`, which adds no measurable time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import awkward as ak

from benchmark.core.errors import UserError
from tasks.generator import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BATCH = 500
"""Collisions in a batch, of about 60 kB each with multi-parton interactions."""

Shower = Literal["simple", "vincia", "halved_scale"]
"""Parton showers; each task declares the parameter, so that `list` reads it there."""
SHOWERS: Mapping[Shower, tuple[str, ...]] = {
    "simple": (),
    # without "verbosity" VINCIA prints a page, in spite of Print:quiet
    "vincia": ("PartonShowers:model=2", "Vincia:Tune=0", "Print:verbosity=0"),
    "halved_scale": ("SpaceShower:renormMultFac=0.25", "TimeShower:renormMultFac=0.25"),
}
"""Settings of each. Factors are on the square of the scale; a factor of two either way is the usual variation of it."""

HARDLY_ANY = 20_000
"""Number of collisions after which a selection that accepts none is refused as empty (some minutes)."""


def level_settings(level: str, *, multiparton: bool = True, shower: Shower = "simple") -> tuple[str, ...]:
    """Settings for a level of realism: no hadronisation at the level `generator`."""
    switches = (*SHOWERS[shower], *(() if multiparton else ("PartonLevel:MPI=off",)))
    return (*switches, "HadronLevel:all=off") if level == "generator" else switches


def start(settings: Sequence[str], seed: int, what: str) -> Any:
    """Start a generator with these settings. Raises UserError, naming `what`, if Pythia refuses them."""
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for setting in ("Print:quiet=on", "Random:setSeed=on", f"Random:seed={seed}", *settings):
        if not pythia.readString(setting):
            raise UserError(f"{what}: Pythia does not know the setting '{setting}'. Correct it.")
    if not pythia.init():
        raise UserError(f"{what}: Pythia can't start with {'; '.join(settings)}. Correct the settings.")
    return pythia


def collisions(settings: Sequence[str], seed: int, what: str, batch: int = BATCH) -> Iterator[ak.Array]:
    """Yield batches of collisions from a new generator without end; the same bits for the same seed.

    Each is a record of `prt` (lists of id, status, mother1, p.{px, py, pz, e}, m ...) and `info`.
    Raises UserError, naming `what`, if Pythia refuses the settings or gives up.
    """
    pythia = start(settings, seed, what)
    while True:
        events = pythia.nextBatch(batch)
        if "prt" not in events.fields or len(events) == 0:  # Pythia has given up
            raise UserError(f"{what}: Pythia gave up with {'; '.join(settings)}. Correct contradictory settings.")
        yield events


def accepted(
    batches: Iterator[ak.Array],
    select: Callable[[ak.Array], ak.Array],
    count: int,
    what: str,
    whole_batches: int = 1,
    share: float = 1.0,
) -> ak.Array:
    """Collect at least `count` events that `select` accepts, in order, from a multiple of `whole_batches` batches.

    Reports up to `count` accepted events to `progress`; `share` is the fraction of the work on an event that this is.
    Raises UserError, naming `what`, if none of the first 20,000 collisions is accepted.
    """
    kept: list[ak.Array] = []
    have = tried = 0
    for number, events in enumerate(batches, 1):
        chosen = select(events)
        tried += len(events)
        progress.report(share * min(len(chosen), max(count - have, 0)))
        have += len(chosen)
        if len(chosen):
            kept.append(chosen)
        if have >= count and number % whole_batches == 0:
            break
        if tried >= HARDLY_ANY and have == 0:
            raise UserError(f"{what}: {have} of {tried} collisions pass the selection. Loosen it.")
    return ak.to_packed(ak.concatenate(kept))
