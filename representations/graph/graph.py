"""Events as graphs of particles (arXiv:1902.08570, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import torch

from benchmark.core.plugin import Range
from representations.encoded import EncodedParticles, encoded_particles, particle_columns
from representations.graph.neighbours import Rule, edges
from representations.kernels.calorimeter_hits import around_photons, whole_detector
from representations.kernels.encoding import AROUND, StandardColumns
from representations.kernels.pairs import MASSLESS, PAIR_FEATURES
from representations.kernels.particles import Particles, particles_of
from representations.representation import Loss, truth
from representations.samples import Graphs, Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events


@dataclass(frozen=True, kw_only=True)
class Graph(EncodedParticles):
    """Particles or hits as nodes, joined to their neighbours in (eta, phi).

    Nodes are objects, constituents of a jet, or crystals, as `of` says. They are sorted by falling pt (or energy, if
    the task is measured in energies); ties keep the order of the event. Nodes have the columns of `fourvectors`.
    Crystals around photons count from the hottest of the nearest photon, say of which photon they are, and have eta,
    cos_phi and sin_phi as well, where phi counts from the leading photon.

    Edges have delta_eta, delta_phi (turned as the columns of the nodes are), delta_r, ln_z, ln_kt and ln_m2, computed
    when needed; without `masses` the last two are left out.
    """

    name = "graph"
    version: ClassVar[str] = "2"  # the columns of fourvectors

    of: Annotated[
        Literal["auto", "particles", "hits"],
        "what the nodes are. 'particles': the objects, constituents or crystals that the task declares. 'hits': the "
        "crystals and towers of the calorimeters; on diphoton the crystals around both photons. 'auto': particles, but "
        "hits on diphoton, whose two photons are no graph (at levels without hits the photons themselves)",
    ] = "auto"
    window: Annotated[
        float, Range(0.01, 1.0), "diphoton: half width in eta and phi of the crystals around the hottest of a photon"
    ] = 0.3
    features: Annotated[Literal["standard", "raw"], "columns of the nodes, as those of fourvectors"] = "standard"
    join: Annotated[
        Literal["nearest", "radius", "complete"],
        "'nearest': edges to each node from its k nearest neighbours. 'radius': edges between all nodes within the "
        "radius. 'complete': edges between all nodes",
    ] = "nearest"
    k: Annotated[
        int,
        Range(1, 1000),
        "nearest neighbours; all other nodes if there are fewer. Of two at the same distance the one of higher pt "
        "is nearer",
    ] = 7
    radius: Annotated[float, Range(0, 100), "largest distance sqrt(deta^2 + dphi^2)"] = 0.4
    nodes: Annotated[
        int,
        Range(1, 10_000),
        "largest number of nodes of an event; only the hardest are used, and `dropped` counts the others",
    ] = 128
    symmetric: Annotated[bool, "nearest neighbours: add the reverse of each edge"] = False
    loops: Annotated[bool, "add an edge from each node to itself"] = False

    def represent(self, events: Events) -> Graphs:
        """Graphs of these events.

        Raises UserError, naming the event, for a NaN or infinite momentum, a negative pt or a kind without a slot; Skip
        for `of=hits` where the events have none.
        """
        particles, layout = self._nodes(events)
        eta, phi = particles.directions()
        kept = self._kept(particles, _size(particles))
        event = particles.event[kept]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=len(events)))])
        rule = Rule(by=self.join, k=self.k, radius=self.radius, symmetric=self.symmetric, loops=self.loops)
        counts, joined = edges(eta[kept], phi[kept], offsets, rule)
        found = encoded_particles(particles, kept, offsets, None if self.features == "raw" else layout)
        masses = self.pair_masses(events.info)
        return Graphs(
            **truth(events) | {"masses": masses},
            features=torch.zeros(len(events), 0),
            nodes=Ragged(found.table, torch.from_numpy(offsets)),
            edges=Ragged(torch.from_numpy(joined), torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))),
            names=found.names,
            momenta=found.momenta,
            frames=found.frames,
            edge_names=PAIR_FEATURES if masses else MASSLESS,
        )

    def columns(self, info: EventInfo) -> tuple[str, ...]:
        """The particles, the axes of their jet where the task has them, and hits if they may be nodes."""
        own = particle_columns(info, axes=self.features != "raw")
        if self.of == "particles" or info.particles == "ecal":
            return own
        if info.nodes == "photons":
            return (*own, "ecal", "ecal_endcap") if info.picture == "detector" else (*own, "ecal")
        return (*own, "ecal", "ecal_endcap", "hcal") if self.of == "hits" else own

    def losses(self, events: Events) -> dict[str, Loss]:
        """The share of pt or energy that is `dropped`."""
        return {"dropped": Loss(self.dropped(events), np.ones(len(events)))}

    def dropped(self, events: Events) -> NDArray[np.float64]:
        """The share of each event's pt that no node has, (events,); of energy if the task orders by energy."""
        particles = self._nodes(events)[0]
        size = _size(particles)
        whole, left = (
            np.bincount(particles.event[kept], size[kept], len(events))
            for kept in (np.arange(len(size)), self._kept(particles, size))
        )
        return 1 - np.divide(left, whole, out=np.ones(len(events)), where=whole > 0)

    def _nodes(self, events: Events) -> tuple[Particles, StandardColumns]:
        """The particles that may become nodes, and their standard columns."""
        if not self._of_hits(events):
            particles = particles_of(events)
        elif events.info.nodes == "photons":
            particles, frames = around_photons(events, self.window)
            return particles, StandardColumns(AROUND, frames)
        else:
            particles = whole_detector(events)
        return particles, self.layout(events, particles)

    def _of_hits(self, events: Events) -> bool:
        """Whether nodes are hits where the task has other particles."""
        if events.info.particles == "ecal" or self.of == "particles":
            return False
        return self.of == "hits" or (events.info.nodes == "photons" and events.has("ecal"))

    def _kept(self, particles: Particles, size: NDArray[np.float64]) -> NDArray[np.int64]:
        """Positions of the hardest `nodes` particles of each event, hardest first."""
        order = np.lexsort((-size, particles.event))
        place = np.arange(len(order)) - particles.offsets[particles.event]
        return order[place < self.nodes]


def _size(particles: Particles) -> NDArray[np.float64]:
    """The quantity that orders particles, (total,): pt or energy."""
    if particles.info.magnitude == "pt":
        return particles.pt
    return np.asarray(np.minimum(np.exp(np.minimum(particles.log_energy(), 100.0)), np.finfo(np.float32).max))
