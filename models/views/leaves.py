"""Particles and nodes as leaves of trees: four-momenta and other columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from benchmark.core.errors import Skip, UserError
from representations.samples import Ragged, Vectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from representations.samples import Graphs, Samples

MOST = 128
"""Largest number of leaves of an event."""
MOMENTUM = ("pt", "eta", "phi", "mass")
_IN_FOUR_MOMENTUM = {*MOMENTUM, "energy", "log_pt", "log_energy", "cos_phi", "sin_phi"}
"""Columns of particles that are part of the four-momentum."""


@dataclass(frozen=True)
class Leaves:
    """The leaves of events, `MOST` each at most.

    momenta : Ragged (total, 4) float64, the columns `MOMENTUM`, in radians and the energy unit of the samples.
    others : (total, columns) float32, the columns `names`, which add up when particles merge, such as charge or is_jet.
    dropped : (events,) float64, share of the pt (of the energy for pixels) that is in no leaf.
    selected : (particles,) bool, whether a particle of the samples is a leaf; None for pixels.
    """

    momenta: Ragged
    others: Tensor
    names: tuple[str, ...]
    dropped: Tensor
    selected: Tensor | None = None


def of_particles(samples: Vectors | Graphs) -> Leaves:
    """The particles or nodes of highest pt, on the CPU; the eta of nodes in the frame of the detector.

    Raises Skip if particles have columns but not pt, eta and phi; UserError, naming the event, for NaN.
    """
    rows = samples.particles if isinstance(samples, Vectors) else samples.nodes
    columns = dict(zip(samples.names, rows.values.to(torch.float64).unbind(dim=1), strict=True))
    momenta = torch.stack(_momenta(columns, len(rows.values)), dim=1)
    if not isinstance(samples, Vectors):
        momenta[:, 1] += samples.centre[rows.rows(), 0]
    check(samples, Ragged(momenta, rows.offsets))
    names = other_names(samples)
    others = rows.values[:, [samples.names.index(name) for name in names if name in columns]]
    if isinstance(samples, Vectors) and _kinds(samples):
        others = torch.cat([others, one_hot(samples.kinds.values.long(), len(samples.slots))], dim=1)
    return _hardest(momenta, others, names, rows)


def other_names(samples: Vectors | Graphs) -> tuple[str, ...]:
    """Names of `Leaves.others`: columns outside the four-momentum, and is_<kind> if there are several kinds."""
    own = tuple(name for name in samples.names if name not in _IN_FOUR_MOMENTUM)
    return own + tuple(f"is_{kind}" for kind in _kinds(samples))


def check(samples: Samples, momenta: Ragged) -> None:
    """Raise UserError unless all momenta (total, 4) are finite."""
    if bool(momenta.values.isfinite().all()):
        return
    row, column = (~momenta.values.isfinite()).nonzero()[0].tolist()
    event = int(torch.searchsorted(momenta.offsets, row, right=True)) - 1
    found = f"{MOMENTUM[column]} {float(momenta.values[row, column]):g}"
    raise UserError(
        f"event {int(samples.event_ids[event])} has {found}, expected a finite number. "
        "Look for NaN or infinities in its samples."
    )


def _momenta(columns: Mapping[str, Tensor], particles: int) -> list[Tensor]:
    """pt, eta, phi and mass (particles,) float64, from the columns of particles or nodes."""
    if not columns:
        return [torch.zeros(particles, dtype=torch.float64)] * 4
    if "log_pt" in columns:
        columns = {**columns, "pt": columns["log_pt"].exp()}
    if "cos_phi" in columns and "sin_phi" in columns:
        columns = {**columns, "phi": torch.atan2(columns["sin_phi"], columns["cos_phi"])}
    if missing := [name for name in ("pt", "eta", "phi") if name not in columns]:
        raise Skip(
            f"particles have no {' and no '.join(missing)} (found: {', '.join(columns)}), which trees need. "
            "Choose a representation with four-momenta, such as fourvectors."
        )
    pt, eta, phi = (columns[name] for name in ("pt", "eta", "phi"))
    if "mass" in columns:
        mass = columns["mass"]
    elif "log_energy" in columns:
        mass = (columns["log_energy"].exp().square() - (pt * eta.cosh()).square()).clamp(min=0).sqrt()
    else:
        mass = torch.zeros_like(pt)
    return [pt, eta, phi, mass]


def _kinds(samples: Vectors | Graphs) -> tuple[str, ...]:
    """The kinds, if there are several and no column is_<kind> has them already."""
    if not isinstance(samples, Vectors) or len(samples.slots) < 2 or any(n.startswith("is_") for n in samples.names):
        return ()
    return tuple(samples.slots)


def _hardest(momenta: Tensor, others: Tensor, names: tuple[str, ...], rows: Ragged) -> Leaves:
    """The `MOST` particles of highest pt of each event, in their original order."""
    event, pt = rows.rows(), momenta[:, 0]
    order = torch.argsort(pt, descending=True, stable=True)
    order = order[torch.argsort(event[order], stable=True)]
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order)) - rows.offsets[event]
    selected = rank < MOST
    ends = torch.cat([rows.offsets[:1], rows.lengths.clamp(max=MOST).cumsum(0)])
    whole, left = (
        torch.zeros(len(rows), dtype=torch.float64).index_add_(0, event, part) for part in (pt, pt.where(selected, 0.0))
    )
    dropped = (1 - torch.where(whole > 0, left / whole, 1.0)).clamp(min=0)
    return Leaves(Ragged(momenta[selected], ends), others[selected], names, dropped, selected)
