"""What a representation makes of events: ragged, sparse, ready for a device.

Nothing here is ever dense for more than one batch. Tensors may lie on any device; those on the CPU may be
memory maps in copy-on-write mode.
"""

from representations.samples.base import Samples
from representations.samples.graphs import Graphs, Joined
from representations.samples.images import Entries, Images, Panel
from representations.samples.pyg import PygLoader
from representations.samples.ragged import Ragged
from representations.samples.vectors import Vectors

__all__ = ["Entries", "Graphs", "Images", "Joined", "Panel", "PygLoader", "Ragged", "Samples", "Vectors"]
