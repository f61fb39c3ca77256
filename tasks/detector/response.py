"""Efficiencies and resolutions of objects, with their sources.

The model is CMS at 7 TeV, with rounded values. No value was tuned on the score of a classifier. Values without a source
are called guesses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Response:
    """Efficiencies and resolutions of one detector. The defaults are CMS-like.

    Jets: sigma(pt)/pt = sqrt(stochastic^2 / pt + constant^2), which gives 13% at 30 GeV, 8% at 100 GeV and 4% at
    1 TeV, the figures that CMS quotes for particle-flow jets (8% at 100 GeV and 4% at 1 TeV: JINST 12 (2017) P10003).
    Missing energy: the energy outside jets and leptons is smeared by `soft_met` * sqrt(its scalar sum of pt) in x and
    in y (JINST 6 (2011) P09001: 0.45 to 0.55 GeV^1/2 for particle flow).
    B-tags: the working point "CSV medium" (JINST 8 (2013) P04013): b 70%, light 1.5%; charm 20% from its curves.
    Electrons: identification 85% in the barrel and 75% in the endcaps (JHEP 10 (2011) 132, rounded), resolution
    1.7% and 4.5% (JINST 10 (2015) P06005, best and worst class). Muons: 95% (JINST 7 (2012) P10002), resolution
    1.3 to 2% in the barrel and under 6% in the endcaps (same paper). Angles of jets: a guess.
    """

    electron_efficiency: tuple[float, float] = (0.85, 0.75)  # barrel, endcaps
    muon_efficiency: tuple[float, float] = (0.95, 0.95)
    electron_resolution: tuple[float, float] = (0.017, 0.045)
    muon_resolution: tuple[float, float] = (0.016, 0.040)
    jet_stochastic: float = 0.70  # GeV^1/2
    jet_constant: float = 0.035
    jet_angle: float = 0.02
    soft_met: float = 0.5  # GeV^1/2
    tag_efficiency: tuple[float, float, float] = (0.015, 0.20, 0.70)  # light, charm, bottom
    muon_eta: float = 2.4  # edge of the chambers; a muon beyond it is invisible
    crack: tuple[float, float] = (1.444, 1.566)  # abs(eta) between ECAL barrel and endcap: no electrons

    def jet_resolution(self, pt: Array) -> Array:
        """sigma(pt)/pt of jets with this pt in GeV."""
        return np.sqrt(self.jet_stochastic**2 / np.maximum(pt, 1.0) + self.jet_constant**2)


CMS = Response()

IDEAL = Response(
    electron_efficiency=(1.0, 1.0),
    muon_efficiency=(1.0, 1.0),
    electron_resolution=(0.0, 0.0),
    muon_resolution=(0.0, 0.0),
    jet_stochastic=0.0,
    jet_constant=0.0,
    jet_angle=0.0,
    soft_met=0.0,
    tag_efficiency=(0.0, 0.0, 1.0),
    muon_eta=np.inf,
    crack=(0.0, 0.0),
)
"""No smearing, no losses, perfect b-tags: the levels `generator` and `hadron`."""


def response_of(level: str) -> Response:
    """The response at a level of realism."""
    return CMS if level == "detector" else IDEAL


def smear(values: Array, relative: Array, rng: np.random.Generator) -> Array:
    """Smear values with a Gaussian of this relative width; results stay above a tenth of the true value.

    A number is drawn for every value, even if its resolution is zero, so that all levels use the same random numbers.
    """
    return values * np.maximum(1.0 + relative * rng.standard_normal(len(values)), 0.1)
