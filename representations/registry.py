"""The representations that are known; none is imported before it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.core.registry import Registry

if TYPE_CHECKING:
    from representations.representation import Representation

REPRESENTATIONS: Registry[Representation] = Registry("representations", "representations.representation:Representation")
