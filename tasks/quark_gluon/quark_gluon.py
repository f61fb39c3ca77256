"""Quark jets against gluon jets: EnergyFlow's published sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tasks.published import PublishedJets

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.task import Imported


@dataclass(frozen=True, kw_only=True)
class QuarkGluon(PublishedJets):
    """Quark jets against gluon jets: EnergyFlow's QG_jets or CMS jets in MOD format (extra; files only).

    QG_jets*.npz (Zenodo records 3164691, Pythia, and 3066475, Herwig) hold true particles, without any detector;
    MOD files (SIM*.h5, Zenodo record 3341500 and others) hold jets of CMS full simulation. One kind at a time.
    """

    name: ClassVar[str] = "quark_gluon"
    extra: ClassVar[bool] = True
    processes: ClassVar[tuple[str, ...]] = ("quark", "gluon")
    fetch: ClassVar[str] = (
        "QG_jets*.npz from https://zenodo.org/records/3164691 or SIM*.h5 from https://zenodo.org/records/3341500"
    )

    def read(self, source: Path) -> Imported:
        """The published jets. Raises UserError when a file is not what is needed."""
        from tasks.quark_gluon.reader import read_quark_gluon

        return read_quark_gluon(source, self.name)

    def read_new(self, source: Path) -> Imported:
        """Jets of such files that need not say what they are."""
        from tasks.quark_gluon.reader import read_quark_gluon

        return read_quark_gluon(source, self.name, labelled=False)
