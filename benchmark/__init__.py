"""Collision benchmark: which representation of an LHC collision works best, with which model, at what cost."""

from benchmark.core.version import __version__

__all__ = ["__version__"]
