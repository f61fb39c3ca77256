"""Small files for the tests of the readers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "Run,Event,E1,px1,py1,pz1,Q1,E2,px2,py2,pz2,Q2"
SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def back_to_back(mass: float, run: int, event: int, charges: tuple[int, int] = (1, -1)) -> str:
    """A line of two central muons along x whose invariant mass is sqrt(mass**2 + 4 * m_mu**2)."""
    half = mass / 2
    return f"{run},{event},{half},{half},0,0,{charges[0]},{half},{-half},0,0,{charges[1]}"


def csv(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def write_root(path: Path, tree: str, branches: dict[str, Any]) -> Path:
    with uproot.recreate(path) as file:
        types = {
            name: np.asarray(values).dtype if not isinstance(values, ak.Array) else values.type.content
            for name, values in branches.items()
        }
        file.mktree(tree, types).extend(branches)
    return path


def write_hdf5(path: Path, arrays: dict[str, Any], **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, **options)
    return path


def refused(read: Callable[[Path], Any], path: Path) -> str:
    """The message of a wrong file: one line, which names the file."""
    with pytest.raises(UserError) as caught:
        for _ in read(path).chunks:
            pass
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text
