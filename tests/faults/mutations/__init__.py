"""Damage to files: bytes at random places, and content that keeps its format but says something else.

A mutator is a function of a content and a source of random numbers: `random.Random(seed)`, or that of hypothesis. There
is a file for each kind of format.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Mutator = Callable[[bytes, Random], bytes]
