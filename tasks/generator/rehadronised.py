"""Rare hadronisations: the same partons are hadronised again and again until a jet looks like one wants it.

A jet that a neutral meson dominates is one in hundreds. Making its partons costs as much as ten hadronisations, so each
set of partons that may give such a jet is tried several times. It is used once at most: no two events share a parent.
What this prefers: a set of partons counts once, so those that succeed rarely have a little more weight than in nature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.detector.particles import cylindrical, is_visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

COLOURLESS = (11, 12, 13, 14, 15, 16, 22)

Particle = tuple[int, float, float, float]
"""PDG code, pt (GeV), eta, phi."""


def rehadronised(
    settings: Sequence[str],
    seed: int,
    what: str,
    partons: Callable[[list[Particle]], bool],
    hadrons: Callable[[list[Particle]], bool],
    tries: int = 25,
    batch: int = 100,
) -> Iterator[ak.Array]:
    """Endless batches of the final particles of collisions, as `tasks.detector.particles.final` gives them.

    partons, hadrons : whether the final state before and after hadronisation (pt > 0.3 GeV) may give what is wanted;
        the first hadronisation of each set of partons that may is yielded.
    Raises UserError when Pythia refuses the settings, and when nothing is found in a thousand times as many collisions
    as a batch holds.
    """
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for setting in ("Print:quiet=on", "Random:setSeed=on", f"Random:seed={seed}", *settings, "HadronLevel:all=off"):
        if not pythia.readString(setting):
            raise UserError(f"{what}: Pythia does not know the setting '{setting}'. Mend it.")
    if not pythia.init():
        raise UserError(f"{what}: Pythia can't start with {'; '.join(settings)}. Mend the settings.")
    while True:
        found: list[Any] = []
        for _ in range(1000 * batch):
            if not pythia.next() or not partons(before := _final(pythia.event, 0)):
                continue
            colourless = [particle for particle in before if abs(particle[0]) in COLOURLESS]
            saved = pythia8mc.Event(pythia.event)
            for attempt in range(tries):
                if attempt:
                    pythia.event.assign(saved)
                if pythia.forceHadronLevel(False) and hadrons(
                    # hadrons are appended to the event: what was there before need not be looked at again
                    colourless + _final(pythia.event, saved.size())
                ):
                    found.append([(p.id(), p.px(), p.py(), p.pz(), p.e()) for p in pythia.event if p.isFinal()])
                    break
            if len(found) == batch:
                break
        if not found:
            raise UserError(f"{what}: none of {1000 * batch:,} collisions gives what is wanted. Loosen the selection.")
        yield _table(found)


def _final(event: Any, first: int) -> list[Particle]:
    particles = []
    for index in range(first, event.size()):
        particle = event[index]
        if particle.isFinal():
            pt = particle.pT()
            if pt > 0.3:
                particles.append((particle.id(), pt, particle.eta(), particle.phi()))
    return particles


def _table(events: list[Any]) -> ak.Array:
    counts = [len(event) for event in events]
    flat = np.array([row for event in events for row in event], dtype=np.float64).reshape(-1, 5)
    pdg_id, px, py, pz, e = flat[:, 0].astype(np.int64), *flat[:, 1:].T
    pt, eta, phi = cylindrical(px, py, pz)
    columns = {"px": px, "py": py, "pz": pz, "e": e, "pt": pt, "eta": eta, "phi": phi, "pdg_id": pdg_id}
    columns["visible"] = is_visible(pdg_id, eta)
    return ak.unflatten(ak.zip(columns), np.array(counts, dtype=np.int64))
