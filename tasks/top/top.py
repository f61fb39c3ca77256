"""Top jets against QCD jets: the reference set that top taggers are compared on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tasks.published import PublishedJets

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.task import Imported


@dataclass(frozen=True, kw_only=True)
class Top(PublishedJets):
    """Top jets against QCD jets of 550 to 650 GeV: the top-tagging reference set (extra; files only).

    The files train.h5, val.h5 and test.h5 of Zenodo record 2603256 (1.2, 0.4 and 0.4 million jets) in one folder; their
    split is kept. Delphes, so a fast simulation. The constituents have neither charge nor species.
    """

    name: ClassVar[str] = "top"
    extra: ClassVar[bool] = True
    processes: ClassVar[tuple[str, ...]] = ("top", "qcd")
    fetch: ClassVar[str] = "train.h5, val.h5 and test.h5 from https://zenodo.org/records/2603256 into one folder"

    def read(self, source: Path) -> Imported:
        """The published jets with their split. Raises UserError when a file is not what is needed."""
        from tasks.top.reader import read_top

        return read_top(source, self.name)

    def read_new(self, source: Path) -> Imported:
        """Jets of such tables that need not say what they are, nor belong to a split."""
        from tasks.top.reader import read_top

        return read_top(source, self.name, labelled=False)
