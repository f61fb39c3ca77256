"""Energy-flow polynomials of jets: P. T. Komiske, E. M. Metodiev and J. Thaler, arXiv:1712.07124."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import torch

from benchmark.core.errors import Skip
from benchmark.core.plugin import Range
from representations.kernels.particles import particles_of
from representations.representation import Representation, truth
from representations.samples import Ragged, Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

INSTALL = "pip install --no-deps energyflow==1.4.0"


@dataclass(frozen=True, kw_only=True)
class EnergyFlow(Representation):
    """Energy-flow polynomials of the candidate jet as a table of features.

    Each polynomial belongs to a multigraph. It is a sum over all choices of one constituent per vertex; its terms are
    products of the constituents' shares z of pt and of one angle theta^beta per edge. The package energyflow computes
    them. Columns name the edges: `efp_01_02_12` is a triangle, `efp_dot` one vertex. A jet without constituents has
    zeros.
    There are 5 polynomials up to degree 2, 13 up to 3, 36 up to 4 and 102 up to 5.
    """

    name = "energy_flow"
    extra: ClassVar[bool] = True

    degree: Annotated[int, Range(0, 5), "most edges of a graph"] = 3
    beta: Annotated[float, Range(0.01, 10), "power of the angles"] = 1.0
    measure: Annotated[
        Literal["hadr", "hadrdot"],
        "square of the angle of two constituents. 'hadr': deta^2 + dphi^2. 'hadrdot': 2 p_a p_b / (pt_a pt_b) of their "
        "massless four-vectors",
    ] = "hadr"
    shares: Annotated[bool, "z is the share of the constituents' pt; without, pt in GeV"] = True

    def represent(self, events: Events) -> Vectors:
        """Vectors without particles and with (events, polynomials) features.

        Raises
        ------
        Skip : if the events have no constituents, or energyflow is not installed.
        UserError : for a constituent with a number that is NaN or infinite.
        """
        if not events.has("constituents"):
            raise Skip(
                f"{events.info.task}: no constituents of a jet in these events, which are of the level "
                f"'{events.info.level}'"
            )
        polynomials = _polynomials(self.degree)
        particles = particles_of(events)
        eta, phi = particles.directions()
        values = np.zeros((len(events), len(polynomials.specs)))
        for jet, (start, end) in enumerate(pairwise(particles.offsets.tolist())):
            pt = particles.pt[start:end]
            if pt.sum() > 0:
                z = pt / pt.sum() if self.shares else pt
                values[jet] = polynomials.compute(zs=z, thetas=self._angles(eta[start:end], phi[start:end]))
        empty = torch.zeros(len(events) + 1, dtype=torch.int64)
        return Vectors(
            **truth(events),
            features=torch.from_numpy(values.astype(np.float32)),
            feature_names=tuple(map(_name, polynomials.graphs())),
            particles=Ragged(torch.zeros(0, 0), empty),
            kinds=Ragged(torch.zeros(0, dtype=torch.int8), empty),
            names=(),
            slots={},
        )

    def columns(self, info: EventInfo) -> tuple[str, ...]:  # noqa: ARG002 - the same for all tasks
        """The constituents."""
        return ("constituents",)

    def _angles(self, eta: NDArray[np.float64], phi: NDArray[np.float64]) -> NDArray[np.float64]:
        """theta^beta of all pairs of constituents of a jet."""
        deta, dphi = eta[:, np.newaxis] - eta, phi[:, np.newaxis] - phi
        square = deta**2 + dphi**2 if self.measure == "hadr" else 2 * (np.cosh(deta) - np.cos(dphi))
        return np.asarray(np.maximum(square, 0.0) ** (self.beta / 2))


def _name(graph: list[tuple[int, int]]) -> str:
    return "_".join(["efp", *(f"{a}{b}" for a, b in graph)]) if len(graph) else "efp_dot"


def energyflow() -> ModuleType:
    """The energyflow package. Raises Skip if it is not installed.

    It imports `wasserstein` for its energy mover's distance alone, which holds numpy below 2. Without wasserstein that
    one module is left out.
    """
    if find_spec("energyflow") is None:
        raise Skip(f"energy_flow: the package energyflow (GPLv3) is not installed. Install it: {INSTALL}")
    distance = "energyflow.emd"
    left_out = distance not in sys.modules and find_spec("wasserstein") is None
    if left_out:
        sys.modules[distance] = ModuleType(distance)
    try:
        return importlib.import_module("energyflow")
    finally:
        if left_out:
            del sys.modules[distance]


@lru_cache(maxsize=1)
def _polynomials(degree: int) -> Any:
    """The set of all polynomials up to a degree; `specs` has a row for each."""
    return energyflow().EFPSet(f"d<={degree}", measure="hadr", normed=False)
