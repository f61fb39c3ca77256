"""Small dimuon files for the tests."""

from __future__ import annotations

from pathlib import Path

HEADER = "Run,Event,E1,px1,py1,pz1,Q1,E2,px2,py2,pz2,Q2"
SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def back_to_back(mass: float, run: int, event: int, charges: tuple[int, int] = (1, -1)) -> str:
    """A line of two central muons along x whose invariant mass is sqrt(mass**2 + 4 * m_mu**2)."""
    half = mass / 2
    return f"{run},{event},{half},{half},0,0,{charges[0]},{half},{-half},0,0,{charges[1]}"


def csv(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path
