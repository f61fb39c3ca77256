"""Pairs of muons as arrays: the common form of generated and recorded events before they become a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import awkward as ak
import numpy as np

from tasks.detector.muons import MUON_MASS
from tasks.events import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class MuonPairs:
    """Two muons an event, the harder first: pt (GeV), eta, phi, charge, each float32 of shape (events, 2)."""

    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    charge: NDArray[np.float32]

    @classmethod
    def from_pt_eta_phi(cls, pt: Any, eta: Any, phi: Any, charge: Any) -> Self:
        """Pairs from arrays of shape (events, 2), muons in any order; phi is wrapped to [-pi, pi)."""
        columns = [np.asarray(column) for column in (pt, eta, (np.asarray(phi) + np.pi) % (2 * np.pi) - np.pi, charge)]
        # float32 before sorting and hashing: the order and the ids must follow from the stored values
        columns = [column.astype(np.float32) for column in columns]
        # eta and phi break ties of pt, so that a pair in reverse order is the same pair
        order = np.lexsort((columns[2], columns[1], -columns[0]), axis=-1)
        return cls(*(np.take_along_axis(column, order, axis=-1) for column in columns))

    @classmethod
    def from_momenta(cls, px: Any, py: Any, pz: Any, charge: Any) -> Self:
        """Pairs from Cartesian momenta (GeV) of shape (events, 2); eta = arcsinh(pz / pt), which needs pt > 0."""
        pt = np.hypot(px, py)
        with np.errstate(divide="ignore", invalid="ignore"):
            eta = np.arcsinh(np.asarray(pz, dtype=np.float64) / pt)
        return cls.from_pt_eta_phi(pt, eta, np.arctan2(py, px), charge)

    @classmethod
    def join(cls, parts: Sequence[MuonPairs]) -> Self:
        """All pairs in one."""
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("pt", "eta", "phi", "charge"))
        )

    def __len__(self) -> int:
        return len(self.pt)

    def __getitem__(self, index: Any) -> MuonPairs:
        return MuonPairs(self.pt[index], self.eta[index], self.phi[index], self.charge[index])

    @property
    def measurable(self) -> NDArray[np.bool_]:
        """Whether both muons have a transverse momentum; without one the pseudorapidity is undefined."""
        return np.asarray((np.isfinite(self.eta) & np.isfinite(self.pt) & (self.pt > 0)).all(axis=1))

    def momenta(self) -> NDArray[np.float64]:
        """(E, px, py, pz) in GeV, float64, shape (4, events, 2), for muons of the nominal mass.

        Energies in the CMS files are rounded: masses computed from them are off by up to 2.3 GeV.
        """
        pt, eta, phi = (column.astype(np.float64) for column in (self.pt, self.eta, self.phi))
        energy = np.sqrt((pt * np.cosh(eta)) ** 2 + MUON_MASS**2)
        return np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])

    def mass(self) -> NDArray[np.float64]:
        """Invariant mass in GeV, shape (events,). It decides the class."""
        energy, px, py, pz = self.momenta().sum(axis=2)
        return np.asarray(np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0)))

    def scalars(self) -> dict[str, NDArray[np.float32]]:
        """Engineered scalars of the pair and between its muons (GeV, radians), without the mass."""
        energy, px, py, pz = self.momenta().sum(axis=2)
        delta_eta = np.abs(self.eta[:, 0] - self.eta[:, 1])
        turn = self.phi[:, 0].astype(np.float64) - self.phi[:, 1]
        delta_phi = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
        values = {
            "pt_dimuon": np.hypot(px, py),
            "y_dimuon": np.arctanh(pz / energy),
            "delta_eta": delta_eta,
            "delta_phi": delta_phi,
            "delta_r": np.hypot(delta_eta, delta_phi),
            "charge_product": self.charge[:, 0] * self.charge[:, 1],
        }
        return {name: value.astype(np.float32) for name, value in values.items()}

    def table(self) -> ak.Array:
        """The columns `objects` and `candidate` of the Events table."""
        objects = {name: getattr(self, name) for name in ("pt", "eta", "phi")}
        objects |= {"mass": np.full(self.pt.shape, MUON_MASS, np.float32), "charge": self.charge}
        objects |= {"kind": np.full(self.pt.shape, KINDS.index("muon"), np.int8)}
        lists = {name: ak.from_regular(ak.from_numpy(values)) for name, values in objects.items()}
        return ak.zip({"objects": ak.zip(lists), "candidate": ak.zip(self.scalars())}, depth_limit=1)


@dataclass(frozen=True)
class FilePart:
    """Pairs of a chunk of a file.

    Parameters
    ----------
    collision : run and event number of each pair, shape (events, 2); None where the file has none.
    too_few : events of the chunk with fewer than two muons.
    more : events of the chunk with more than two muons, of which the two of highest pT are taken.
    """

    pairs: MuonPairs
    collision: NDArray[np.uint64] | None
    too_few: int = 0
    more: int = 0
