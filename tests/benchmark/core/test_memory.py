from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from benchmark.core.memory import _glibc, peak_memory_mb, reset_peak_memory

needs_glibc = pytest.mark.skipif(_glibc() is None, reason="the C library is not glibc, whose memory this is about")

FREED = """
import resource
import sys
import numpy as np
from benchmark.core.memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()

def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

np.ones(2**20)
before = faults()
for _ in range(50):
    np.ones(2**20 // 4)  # 2 MB, less than what NumPy asks huge pages for
    np.ones(2**20)
print(faults() - before)
"""

PEAK = """
import numpy as np
from benchmark.core.memory import keep_freed_memory, peak_memory_mb, reset_peak_memory

keep_freed_memory()
small, block = np.ones(1000), np.ones(32 * 2**20)
large = peak_memory_mb("cpu")[0]
del block
reset_peak_memory("cpu")
print(large - peak_memory_mb("cpu")[0])
"""


def printed(script: str, *arguments: str) -> float:
    """In a new process, whose memory nothing else has used."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_peak_memory_sees_what_was_allocated_since_the_reset():
    reset_peak_memory("cpu")
    before, gpu = peak_memory_mb("cpu")
    block = np.ones(8 * 2**20)
    assert peak_memory_mb("cpu")[0] >= before + 32
    assert gpu == 0
    assert block.nbytes == 64 * 2**20


@needs_glibc
def test_freed_memory_is_used_again_without_asking_the_system():
    assert printed(FREED, "keep") < 50 < printed(FREED, "leave")


@needs_glibc
def test_memory_that_is_kept_for_later_is_not_counted():
    assert printed(PEAK) > 200, "256 MB were freed before the reset"
