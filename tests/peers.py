"""Libraries that do the same: not needed to use this one, only to compare with."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType


def peer(module: str) -> ModuleType:
    """The module, or a skip of the test (or of the file) that says how to have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peers have to mend themselves
        return pytest.importorskip(module, reason=f"{module} is not installed; `make bench` installs it")
