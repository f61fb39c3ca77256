"""Events of each class that the selection is expected to leave: for S / sqrt(S + B)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LUMINOSITY = 5000.0
"""Inverse picobarns: about what CMS recorded at 7 TeV in 2011."""
CROSS_SECTIONS: Mapping[int, Mapping[str, float]] = {
    0: {"ttbar": 29.8, "wjets": 7600.0, "drellyan": 1090.0},
    2: {"ttbar": 27.5, "wjets": 90.0, "drellyan": 32.6},
}
"""pb after the selection of at least one lepton, by the smallest number of jets, as `tasks.ttbar.cross_sections` gives
them: leading order, as Pythia reports it, in 1,500 collisions of tt, 1,200 of single bosons and 3,000 of bosons with a
parton. Errors are 3 to 5%, for two jets 14% (W) and 9% (Drell-Yan); higher orders add 20 to 60%."""


def yields(min_jets: int, leptons: str, *, multiparton: bool) -> dict[str, float]:
    """Expected events of each process; empty for selections that were not measured."""
    if leptons != "at_least_one" or not multiparton or min_jets not in CROSS_SECTIONS:
        return {}
    return {name: LUMINOSITY * value for name, value in CROSS_SECTIONS[min_jets].items()}
