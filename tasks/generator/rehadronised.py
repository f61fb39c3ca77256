"""Rare hadronisations: the same partons are hadronised repeatedly until they give the wanted kind of jet.

Few jets in a hundred are dominated by a neutral meson. Generating partons takes as long as ten hadronisations, so each
promising set of partons is hadronised several times. It gives one event at most, so that no two events have the same
partons. The bias: sets of partons that rarely succeed have a slightly higher weight than in nature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.detector.particles import cylindrical, is_visible
from tasks.generator.pythia import start

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
    """Yield batches of the final particles of collisions without end, as `tasks.detector.particles.final` returns them.

    Parameters
    ----------
    partons, hadrons : whether the final state (pt > 0.3 GeV) before and after hadronisation may give the wanted jet;
        of each set of partons that passes, the first hadronisation that passes is used
    tries : hadronisations of each set of partons

    Raises UserError, naming `what`, if Pythia refuses the settings, or if 1000 times as many collisions as a batch
    holds give no event.
    """
    pythia = start((*settings, "HadronLevel:all=off"), seed, what)
    while True:
        found: list[Any] = []
        for _ in range(1000 * batch):
            if not pythia.next() or not partons(before := _final(pythia.event, 0)):
                continue
            if _hadronise(pythia, before, hadrons, tries):
                found.append([(p.id(), p.px(), p.py(), p.pz(), p.e()) for p in pythia.event if p.isFinal()])
            if len(found) == batch:
                break
        if not found:
            raise UserError(f"{what}: none of {1000 * batch:,} collisions gives a wanted jet. Loosen the selection.")
        yield _table(found)


def _hadronise(pythia: Any, partons: list[Particle], hadrons: Callable[[list[Particle]], bool], tries: int) -> bool:
    """Hadronise the partons of the event of Pythia until `hadrons` accepts the result; returns whether it did."""
    import pythia8mc

    colourless = [particle for particle in partons if abs(particle[0]) in COLOURLESS]
    saved = pythia8mc.Event(pythia.event)
    for attempt in range(tries):
        if attempt:
            pythia.event.assign(saved)
        # hadrons are appended to the event record
        if pythia.forceHadronLevel(False) and hadrons(colourless + _final(pythia.event, saved.size())):
            return True
    return False


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
