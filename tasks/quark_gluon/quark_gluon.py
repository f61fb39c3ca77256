"""Quark jets against gluon jets: EnergyFlow's published sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tasks.published import PublishedJets

if TYPE_CHECKING:
    from tasks.quark_gluon.reader import QuarkGluonReader


@dataclass(frozen=True, kw_only=True)
class QuarkGluon(PublishedJets):
    """Quark jets against gluon jets: EnergyFlow's QG_jets or CMS jets in MOD format (extra; files only).

    QG_jets*.npz (Zenodo records 3164691, Pythia, and 3066475, Herwig) hold true particles, without any detector;
    MOD files (SIM*.h5, Zenodo record 3341500 and others) hold jets of CMS full simulation. One kind at a time.
    """

    name: ClassVar[str] = "quark_gluon"
    extra: ClassVar[bool] = True
    processes: ClassVar[tuple[str, ...]] = ("quark", "gluon")

    @property
    def reader(self) -> QuarkGluonReader:
        """The published jets."""
        from tasks.quark_gluon.reader import QuarkGluonReader

        return QuarkGluonReader()
