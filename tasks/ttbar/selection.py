"""Which collisions the task ttbar takes, and their engineered scalars: the same for generated events and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import awkward as ak
import numpy as np

from tasks.events import KINDS

if TYPE_CHECKING:
    from tasks.detector.reconstruction import Reconstructed

Leptons = Literal["at_least_one", "exactly_one"]


@dataclass(frozen=True)
class Selection:
    """How many leptons and jets an event must have.

    Thresholds (leptons: pt > 20 GeV; jets: pt > 30 GeV, abs(eta) < 2.4) are in `tasks.detector.reconstruction.Cuts`,
    the isolation of leptons in `tasks.detector.leptons`.
    """

    leptons: Leptons
    min_jets: int

    def __str__(self) -> str:
        return f"{self.leptons.replace('_', ' ')} isolated lepton of pt > 20 GeV and {self.min_jets} jets or more"

    def passed(self, found: Reconstructed) -> ak.Array:
        """Whether each event passes, shape (events,)."""
        leptons = ak.num(found.leptons.pt)
        enough = (leptons >= 1) if self.leptons == "at_least_one" else (leptons == 1)
        return enough & (ak.num(found.jets.pt) >= self.min_jets)


def high_level(found: Reconstructed) -> ak.Array:
    """Engineered scalars of an event, float32, GeV.

    ht: scalar sum of jet pt · st: ht + met + lepton pt · met · mt: transverse mass of the leading lepton and the
    missing energy, sqrt(2 pt met (1 - cos Delta phi)) · mll: mass of the two leading leptons (0 with one) ·
    mjets: mass of all jets (0 without) · n_leptons, n_jets, n_bjets.
    """
    met, lepton = found.met[:, 0], ak.firsts(found.leptons)
    ht = ak.sum(found.jets.pt, axis=1)
    cos = np.cos(lepton.phi - met.phi)
    scalars = {
        "ht": ht,
        "st": ht + met.pt + ak.sum(found.leptons.pt, axis=1),
        "met": met.pt,
        "mt": ak.fill_none(np.sqrt(np.maximum(2.0 * lepton.pt * met.pt * (1.0 - cos), 0.0)), 0.0),
        "mll": ak.where(ak.num(found.leptons.pt) >= 2, _mass(found.leptons[:, :2]), 0.0),
        "mjets": _mass(found.jets),
        "n_leptons": ak.num(found.leptons.pt),
        "n_jets": ak.num(found.jets.pt),
        "n_bjets": ak.sum(found.jets.kind == KINDS.index("bjet"), axis=1),
    }
    return ak.zip({name: ak.values_astype(ak.to_numpy(column), np.float32) for name, column in scalars.items()})


def _mass(objects: ak.Array) -> ak.Array:
    """Invariant mass of all objects of each event, in GeV; 0 for none."""
    pz = objects.pt * np.sinh(objects.eta)
    energy = np.sqrt(objects.pt**2 + pz**2 + objects.mass**2)
    px, py = objects.pt * np.cos(objects.phi), objects.pt * np.sin(objects.phi)
    total = [ak.to_numpy(ak.sum(part, axis=1)) for part in (energy, px, py, pz)]
    return np.sqrt(np.maximum(total[0] ** 2 - total[1] ** 2 - total[2] ** 2 - total[3] ** 2, 0.0))
