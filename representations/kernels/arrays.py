"""Types in compiled functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Pixels = NDArray[np.int32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Whole = int | np.int64
