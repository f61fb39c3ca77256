"""Pythia settings of the diphoton processes, 8 TeV, and the selection of photon pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.generator.pythia import level_settings

if TYPE_CHECKING:
    from tasks.generator.pythia import Shower

ENERGY = 8000.0
"""GeV, of the two beams together."""
BEAM = (f"Beams:eCM={ENERGY:g}",)
# Generator cuts must be looser than the selection (pt > 20, mass > 90). Of photon + jet, 0.2% of the central events
# (0.7% forward) come from pTHat below 20, and 0.7% (1.9%) from masses below 75.
HIGGS = (*BEAM, "HiggsSM:gg2H=on", "25:m0=125", "25:onMode=off", "25:onIfMatch=22 22")
BORN = ("PromptPhoton:ffbar2gammagamma=on", "PhaseSpace:pTHatMin=15", "PhaseSpace:mHatMin=75")
BOX = ("PromptPhoton:gg2gammagamma=on",)
PHOTON_JET = (
    *BEAM,
    "PromptPhoton:qg2qgamma=on",
    "PromptPhoton:qqbar2ggamma=on",
    "PhaseSpace:pTHatMin=20",
    "PhaseSpace:mHatMin=75",
)

PT_MIN = 20.0
MASS_MIN = 90.0
"""GeV: the selection of the end-to-end paper (arXiv:1807.11916, section 2)."""
CENTRAL = 1.44
GAP = (1.44, 1.54)
FORWARD = 2.3
"""abs(eta) of photons: largest central; the excluded gap between barrel and endcaps; largest forward."""
HADRONIC = 0.15
"""Largest HCAL over ECAL energy of photon candidates in CMS (JINST 10 (2015) P08010, section 4)."""
HIGGS_MASS = 125.0


def settings_of(
    process: str, level: str, *, box: bool, multiparton: bool, shower: Shower = "simple"
) -> tuple[str, ...]:
    """Pythia's settings of a process; box : gluon fusion to two photons in the continuum as well."""
    continuum = (*BEAM, *BORN, *(BOX if box else ()))
    hard = {"higgs": HIGGS, "diphoton": continuum, "photon_jet": PHOTON_JET}[process]
    return (*hard, *level_settings(level, multiparton=multiparton, shower=shower))
