"""Pythia settings of the ttbar processes, 7 TeV: one generator per stream, each with its share of the tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.generator.pythia import level_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.generator.pythia import Shower

HADRONIC_W = 0.6758
"""Branching fraction of W to quarks in Pythia's table (PDG 2024: 0.674)."""

ENERGY = 7000.0
"""GeV, of the two beams together."""
BEAM = (f"Beams:eCM={ENERGY:g}",)
TOP = (*BEAM, "Top:gg2ttbar=on", "Top:qqbar2ttbar=on", "24:onMode=off")
# W+jets and Drell-Yan both start from one boson, so that recoil does not separate them.
W_JETS = (*BEAM, "WeakSingleBoson:ffbar2W=on", "24:onMode=off", "24:onIfAny=11 13 15")
DRELL_YAN = (
    *BEAM,
    "WeakSingleBoson:ffbar2gmZ=on",
    "PhaseSpace:mHatMin=50",
    "23:onMode=off",
    "23:onIfAny=11 13 15",
)
STREAMS: Mapping[str, tuple[tuple[tuple[str, ...], float], ...]] = {
    # At least one lepton: the W+ decays to one and the W- to anything, or the W+ to quarks and the W- to a lepton.
    # Tried in the ratio 1 : B(W to quarks), the two streams give every final state its branching fraction.
    "ttbar": (
        ((*TOP, "24:onIfAny=11 13 15", "24:onNegIfAny=1 2 3 4 5"), 1.0),
        ((*TOP, "24:onPosIfAny=1 2 3 4 5", "24:onNegIfAny=11 13 15"), HADRONIC_W),
    ),
    "wjets": ((W_JETS, 1.0),),
    "drellyan": ((DRELL_YAN, 1.0),),
}

PARTON_FROM = 2
"""Jets that a selection must require for W and Drell-Yan to start from a boson and a parton.

Of single W, 0.6% have a lepton and two jets of 30 GeV; of those with a parton of more than 15 GeV, 1.4% (Drell-Yan: 1.3
and 3.1%). Both classes start so: in either, the boson recoils against a parton. Events with fewer jets would be cut by
pTHat.
"""
# far below the jets' 30 GeV; "PhaseSpace:mHatMin" would bound boson and parton together
PARTON = ("PhaseSpace:pTHatMin=15",)
WITH_PARTON: Mapping[str, tuple[str, ...]] = {
    "wjets": (
        *(*BEAM, "WeakBosonAndParton:qqbar2Wg=on", "WeakBosonAndParton:qg2Wq=on", *PARTON),
        *("24:onMode=off", "24:onIfAny=11 13 15"),
    ),
    "drellyan": (
        *(*BEAM, "WeakBosonAndParton:qqbar2gmZg=on", "WeakBosonAndParton:qg2gmZq=on", *PARTON),
        *("23:mMin=50", "23:onMode=off", "23:onIfAny=11 13 15"),
    ),
}


def streams(
    process: str, level: str, *, min_jets: int = 0, multiparton: bool, shower: Shower = "simple"
) -> list[tuple[tuple[str, ...], float]]:
    """Pythia settings of each stream of a process, and the share in which its collisions are tried."""
    extra = level_settings(level, multiparton=multiparton, shower=shower)
    hard = STREAMS[process]
    if min_jets >= PARTON_FROM and process in WITH_PARTON:
        hard = ((WITH_PARTON[process], 1.0),)
    return [((*settings, *extra), share) for settings, share in hard]
