"""The columns of the nodes of merge trees: of leaves, and of what they merge into."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from representations.kernels.encoding import Frames, Momenta, encodable, encoded

if TYPE_CHECKING:
    from models.views.leaves import Leaves
    from models.views.trees import Trees
    from representations.samples import Graphs, Ragged, Vectors

MASS = "log_mass"
PIXEL_MOMENTUM = ("log_p", "delta_eta", "theta", "delta_phi", "log_energy", "log_share", "log_pt", MASS)
"""The columns of a node's four-momentum in a tree of pixels.

The seven of the paper, with logarithms of steeply falling quantities: momentum, polar angle, energy, energy divided by
that of the event, pt, and pseudorapidity and azimuth relative to the hardest leaf of the event (the paper rotates jets
instead). The mass is added because float32 energy and momentum do not determine it.
"""
FLOOR = 1e-4
"""Lower bound of the arguments of logarithms, in GeV or the unit of the pixels."""
MAX_ETA = 10.0
"""Upper bound of abs(eta): the pt of merged nodes may be 0."""


def of_particle_trees(
    samples: Vectors | Graphs, leaves: Leaves, summed: Tensor, merged: Tensor, event: Tensor
) -> Tensor:
    """The columns of all nodes, (nodes, columns) float32: those of the samples, and log_mass with `samples.masses`.

    A leaf has the columns of its particle. A merged node is encoded as a particle with its momentum; columns that
    follow from no momentum are sums. Without `masses` it has none, so that its energy does not give the mass away.

    Parameters
    ----------
    summed : (nodes, 4 + columns) float64: px, py, pz, E and the columns of the leaves, summed.
    merged, event : (nodes,) whether a node is merged, and its event.
    """
    pt, eta, phi, mass = _spherical(summed[:, :4])
    columns = summed[:, 4:].to(torch.float32)
    frames = None
    if samples.frames is not None:
        rows = samples.frames.values.to(torch.float64).numpy()
        frames = Frames(samples.frames.offsets.numpy(), rows)
    heavy = mass if samples.masses else torch.zeros_like(mass)
    momenta = Momenta(*(part[merged].numpy() for part in (pt, eta, phi, heavy)))
    known = encodable(leaves.names, frames=frames is not None)
    found = encoded(known, momenta, frames, event[merged].numpy())
    for name, values in found.items():
        columns[merged, leaves.names.index(name)] = torch.from_numpy(np.asarray(values, np.float32))
    if not samples.masses:
        return columns
    return torch.cat([columns, mass.clamp(min=FLOOR).log().to(torch.float32)[:, None]], dim=1)


def of_pixel_trees(leaves: Leaves, trees: Trees, summed: Tensor, event: Tensor, *, masses: bool) -> Tensor:
    """The columns of all nodes, (nodes, columns) float32: `PIXEL_MOMENTUM`, then the sums of the channels.

    summed, event : as in `of_particle_trees`. Without `masses` nodes have no mass, nor the energy that it gives them.
    """
    px, py, pz, energy = summed[:, :4].unbind(dim=1)
    pt, p = torch.hypot(px, py), summed[:, :3].norm(dim=1)
    mass = ((energy - p) * (energy + p)).clamp(min=0).sqrt()
    energy = energy if masses else p
    eta = torch.asinh(pz / pt.clamp(min=1e-12)).clamp(-MAX_ETA, MAX_ETA)
    last = trees.levels.offsets[1:] - 1
    share = energy / energy[last[event]].clamp(min=FLOOR)
    zero = _hardest(leaves.momenta)[event]
    delta_phi = torch.remainder(torch.atan2(py, px) - zero[:, 1] + math.pi, 2 * math.pi) - math.pi
    logarithms = [part.clamp(min=FLOOR).log() for part in (p, energy, share, pt, mass)]
    parts = [logarithms[0], eta - zero[:, 0], torch.atan2(pt, pz), delta_phi, *logarithms[1:]]
    own = torch.stack(parts if masses else parts[:-1], dim=1)
    return torch.cat([own, summed[:, 4:]], dim=1).to(torch.float32)


def cartesian(momenta: Tensor) -> Tensor:
    """px, py, pz, E (total, 4) of pt, eta, phi, mass."""
    pt, eta, phi, mass = momenta.unbind(dim=1)
    parts = pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()
    return torch.stack([*parts, torch.sqrt(sum((part.square() for part in parts), mass.square()))], dim=1)


def _spherical(momenta: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """pt, eta, phi and mass (total,) of px, py, pz, E (total, 4)."""
    px, py, pz, energy = momenta.unbind(dim=1)
    pt, p = torch.hypot(px, py), momenta[:, :3].norm(dim=1)
    eta = torch.asinh(pz / pt.clamp(min=1e-12)).clamp(-MAX_ETA, MAX_ETA)
    return pt, eta, torch.atan2(py, px), ((energy - p) * (energy + p)).clamp(min=0).sqrt()


def _hardest(leaves: Ragged) -> Tensor:
    """eta and phi (events, 2) of the leaf of highest pt of each event; 0 for an empty event."""
    event = leaves.rows()
    directions = leaves.values.new_zeros(len(leaves), 2)
    order = torch.argsort(leaves.values[:, 0], stable=True)
    order = order[torch.argsort(event[order], stable=True)]
    filled = leaves.lengths > 0
    directions[filled] = leaves.values[order[leaves.offsets[1:][filled] - 1], 1:3]
    return directions
