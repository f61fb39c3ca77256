"""Pythia settings of the dimuon classes, 7 TeV; one generator per component."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.generator.pythia import Shower

COMMON = ("Beams:eCM=7000", "PartonLevel:MPI=off")


def radiation(level: str, shower: Shower) -> tuple[str, ...]:
    """Photon radiation of muons: none at the level generator; else from Z, virtual photons and decays of hadrons.

    VINCIA radiates from Z and virtual photons only: it gives up on every event when decays of hadrons are to radiate.
    """
    if level == "generator":
        return ("TimeShower:QEDshowerByL=off", "Vincia:EWmode=0")
    return () if shower == "vincia" else ("HadronLevel:QED=on",)


_MUONS_ONLY = ("HadronLevel:Hadronize=off",)
"""Onia still decay; strings are not hadronised, since none of the muons come from light hadrons."""


def _to_muons(*onia: int) -> tuple[str, ...]:
    return tuple(line for onium in onia for line in (f"{onium}:onMode=off", f"{onium}:onIfMatch=13 -13"))


def _direct(*sets: str) -> tuple[str, ...]:
    """psi(2S) without J/psi: the second of the two states of each 3S1 process."""
    return tuple(f"Charmonium:{name}=off,on" for name in sets)


_PSI2S_PROCESSES = _direct(
    "gg2ccbar(3S1)[3S1(1)]g",
    "gg2ccbar(3S1)[3S1(8)]g",
    "qg2ccbar(3S1)[3S1(8)]q",
    "qqbar2ccbar(3S1)[3S1(8)]g",
    "gg2ccbar(3S1)[1S0(8)]g",
    "qg2ccbar(3S1)[1S0(8)]q",
    "qqbar2ccbar(3S1)[1S0(8)]g",
    "gg2ccbar(3S1)[3PJ(8)]g",
    "qg2ccbar(3S1)[3PJ(8)]q",
    "qqbar2ccbar(3S1)[3PJ(8)]g",
)

# the cross-section of onia diverges at pT = 0, and few pairs below 2 GeV pass the acceptance
_ONIUM = ("PhaseSpace:pTHatMin=2", *_MUONS_ONLY)

RESONANCES: dict[str, tuple[str, ...]] = {
    "jpsi": ("Charmonium:all=on", *_to_muons(443), *_ONIUM),
    "psi2s": (*_PSI2S_PROCESSES, *_to_muons(100443), *_ONIUM),
    "upsilon": ("Bottomonium:all=on", *_to_muons(553, 100553, 200553), *_ONIUM),
    "z": (
        "WeakSingleBoson:ffbar2gmZ=on",
        "PhaseSpace:mHatMin=75",
        "PhaseSpace:mHatMax=120",
        "23:onMode=off",
        "23:onIfAny=13",
        *_MUONS_ONLY,
    ),
}


def _boosted(low: float, high: float) -> tuple[str, ...]:
    """Drell-Yan at low mass that recoils against a parton: without recoil its muons fail the acceptance."""
    return (
        "WeakBosonAndParton:qqbar2gmZg=on",
        "WeakBosonAndParton:qg2gmZq=on",
        "PhaseSpace:pTHatMin=3",
        f"23:mMin={low:g}",
        f"23:mMax={high:g}",
        "23:onMode=off",
        "23:onIfAny=13",
        *_MUONS_ONLY,
    )


def _drell_yan(low: float, high: float) -> tuple[str, ...]:
    return (
        "WeakSingleBoson:ffbar2gmZ=on",
        f"PhaseSpace:mHatMin={low:g}",
        f"PhaseSpace:mHatMax={high:g}",
        "23:onMode=off",
        "23:onIfAny=13",
        *_MUONS_ONLY,
    )


_CHARM = (411, 421, 431, 4122, 4132, 4232, 4332)
_BEAUTY = (511, 521, 531, 541, 5122, 5132, 5232, 5332)

_HEAVY_FLAVOUR = (
    "HardQCD:hardbbbar=on",
    "PhaseSpace:pTHatMin=5",
    *(line for hadron in (*_BEAUTY, *_CHARM) for line in (f"{hadron}:onMode=off", f"{hadron}:onIfAny=13")),
)
"""Beauty pairs with forced decays of beauty and charm hadrons to muons: 40 times as many dimuons, without J/psi, and a
mass spectrum like that of MuRun2010B outside the peaks."""

_JOINT = 9.46
"""GeV: the boundary of the two kinds of Drell-Yan, inside the Upsilon window, so that `none` has no step."""

CONTINUUM: dict[str, tuple[tuple[str, float, tuple[str, ...]], ...]] = {
    "jpsi": (("boosted Drell-Yan", 0.20, _boosted(2.7, 3.5)),),
    "psi2s": (("boosted Drell-Yan", 0.50, _boosted(3.4, 4.2)),),
    "upsilon": (
        ("boosted Drell-Yan", 0.30, _boosted(6.0, _JOINT)),
        ("Drell-Yan", 0.25, _drell_yan(_JOINT, 13.5)),
    ),
    "z": (),  # the Z sample includes virtual photons and the interference
    "none": (
        ("boosted Drell-Yan", 0.25, _boosted(1.9, _JOINT)),
        ("Drell-Yan", 0.35, _drell_yan(_JOINT, 120.0)),
        ("beauty pairs", 0.40, _HEAVY_FLAVOUR),
    ),
}
"""Component, share of the class, settings. The shares under the onia are the sidebands of MuRun2010B
(20% of the J/psi window, 53% of psi(2S), 58% of Upsilon), rounded. Those of `none` are a guess with a similar
spectrum, and more events near the Z, where the class would have hardly any."""
