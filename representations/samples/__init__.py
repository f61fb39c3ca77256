"""Samples: the arrays a representation makes of events.

Images are stored sparse; dense images and pair features are built per batch on the device. Tensors may lie on any
device; those on the CPU may be memory maps in copy-on-write mode.
"""

from representations.samples.base import Samples
from representations.samples.graphs import Graphs, Joined
from representations.samples.images import INK, Entries, Images, Panel, Quantity
from representations.samples.pyg import PygLoader
from representations.samples.ragged import Ragged
from representations.samples.vectors import Vectors

__all__ = [
    "INK",
    "Entries",
    "Graphs",
    "Images",
    "Joined",
    "Panel",
    "PygLoader",
    "Quantity",
    "Ragged",
    "Samples",
    "Vectors",
]
