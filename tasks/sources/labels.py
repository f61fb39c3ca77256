"""The class of a file from its name: real files hold one process each, and do not say which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class FileClass:
    """How files of one class are called.

    pattern : regular expression, searched in the lower-case name. examples : names that users know, for messages.
    """

    name: str
    pattern: str
    examples: tuple[str, ...]

    def names(self, text: str) -> bool:
        """Whether a file or folder of this name is of the class."""
        return re.search(self.pattern, text.lower()) is not None


TTBAR_FILES = (
    # not TTW, TTZ or TTG, which are other processes
    FileClass("ttbar", r"(?<![a-z])t(?:op)?t(?:bar|jets|to[0-9hls]|(?![a-z]))", ("TTbar", "TTJets", "TTTo2L2Nu")),
    FileClass("wjets", r"(?<![a-z])w[0-9]?[-_+]?jets", ("WJets", "W1JetsToLNu")),
    FileClass(
        "drellyan", r"(?<![a-z])(?:dy(?![a-z])|dy(?:jets|to)|drell[-_ ]?yan|z[0-9]?[-_+]?jets)", ("DYJets", "DY")
    ),
)
"""The classes of `ttbar`, signal first, as CMS Open Data and the HEP Tutorial call their samples."""

DIPHOTON_FILES = (
    FileClass("higgs", r"higgs|hto(?:gg|yy|gammagamma)|(?<![a-z])h(?:gg|yy)(?![a-z])", ("Higgs", "GluGluHToGG")),
    FileClass("diphoton", r"di-?photon|gammagammajets|(?<![a-z])(?:gg|yy)jets", ("DiPhotonJets", "Diphoton")),
    FileClass(
        "gammajet",
        r"(?<![a-z])g[-_+]?jets?(?![a-z])|(?<!gamma)gamma[-_+]?jet|(?<!di)(?<!di-)photon[-_+]?(?:plus)?[-_+]?jet",
        ("GJet", "GammaJet", "PhotonJet"),
    ),
)
"""The classes of `diphoton`, signal first: gg -> H -> yy, true pairs of photons, photon and jet."""


def label_files(task: str, source: Path, files: Sequence[Path], classes: Sequence[FileClass]) -> list[int]:
    """The class index of each file, from its name, or else from the sub-folder of `source` that it lies in.

    The name of `source` itself never counts: a folder called after the task says nothing of its files.
    Raises UserError for a file that names no class, or two, or another than its sub-folder does.
    """
    return [_label(task, source, path, classes) for path in files]


def _label(task: str, source: Path, path: Path, classes: Sequence[FileClass]) -> int:
    own = _named(path.stem, classes)
    folder = _named(path.parent.name, classes) if path.parent != source and path != source else []
    found = sorted({*own, *folder})
    if len(found) == 1:
        return found[0]
    rule = "; ".join(f"{entry.name} (also {', '.join(entry.examples)})" for entry in classes)
    where = f"{task}: file {path}"
    if found:
        both = " and ".join(classes[index].name for index in found)
        raise UserError(f"{where} is named after {both}, expected one class: {rule}. Rename the file or its folder.")
    raise UserError(
        f"{where} names no class, and each file holds events of one class, expected in its name or in that of its "
        f"sub-folder: {rule}. Rename it, or put it into a sub-folder with such a name and give the folder above that."
    )


def _named(text: str, classes: Sequence[FileClass]) -> list[int]:
    return [index for index, entry in enumerate(classes) if entry.names(text)]
