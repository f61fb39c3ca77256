"""Conditions of the detector that a task may change, to see what depends on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conditions:
    """How the detector differs from its nominal state; the particles that reach it do not.

    Parameters
    ----------
    material : factor on the radiation lengths in front of the ECAL.
    noise : electronic noise of ECAL crystals; without it the fluctuations of showers and of their light remain.
    suppression : zero suppression of ECAL crystals; without it every crystal with more than 0 GeV is a hit.
    """

    material: float = 1.0
    noise: bool = True
    suppression: bool = True

    def __str__(self) -> str:
        """What differs, in words; empty for the nominal state."""
        parts = [f"{self.material:g} times the material"] if self.material != 1.0 else []
        parts += [f"no {name}" for name in ("noise", "suppression") if not getattr(self, name)]
        return f"detector: {', '.join(parts)}" if parts else ""


NOMINAL = Conditions()
