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


def streams(
    process: str, level: str, *, multiparton: bool, shower: Shower = "simple"
) -> list[tuple[tuple[str, ...], float]]:
    """Pythia settings of each stream of a process, and the share in which its collisions are tried."""
    extra = level_settings(level, multiparton=multiparton, shower=shower)
    return [((*settings, *extra), share) for settings, share in STREAMS[process]]
