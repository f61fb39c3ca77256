"""Top jets against QCD jets: the reference set that top taggers are compared on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tasks.published import PublishedJets

if TYPE_CHECKING:
    from tasks.top.reader import TopReader


@dataclass(frozen=True, kw_only=True)
class Top(PublishedJets):
    """Top jets against QCD jets of 550 to 650 GeV: the top-tagging reference set (extra; files only).

    The files train.h5, val.h5 and test.h5 of Zenodo record 2603256 (1.2, 0.4 and 0.4 million jets) in one folder; their
    split is kept. Delphes, so a fast simulation. The constituents have neither charge nor species.
    """

    name: ClassVar[str] = "top"
    extra: ClassVar[bool] = True
    processes: ClassVar[tuple[str, ...]] = ("top", "qcd")

    @property
    def reader(self) -> TopReader:
        """The published jets."""
        from tasks.top.reader import TopReader

        return TopReader()
