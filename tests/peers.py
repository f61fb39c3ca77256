"""Other libraries that do the same, to compare with."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from benchmark.core.errors import Skip
from representations.energy_flow import energyflow

if TYPE_CHECKING:
    from types import ModuleType


def peer(module: str) -> ModuleType:
    """The module; if it is not installed, the test (or the file) is skipped with the reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of peers
        if module.partition(".")[0] == "energyflow":
            try:
                energyflow()
            except Skip as reason:
                pytest.skip(str(reason))
        return pytest.importorskip(module, reason=f"{module} is not installed; `make bench` installs it")
