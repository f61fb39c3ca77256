"""Every reader of files that strangers may have written, with many changed files each; nothing but UserErrors come out.

`python -m tests.faults.fuzz --cases 10000` runs many more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.fuzz import Fuzzed, check, run
from tests.faults.readers import every_reader

if TYPE_CHECKING:
    from pathlib import Path

CASES = 200
FEW = 80
"""Cases of readers whose parser may crash, which have a process each of their own; `make test-slow` has `CASES`."""
READERS = every_reader()


@pytest.mark.parametrize("name", [name for name, fuzzed in READERS.items() if not fuzzed.apart])
def test_a_reader_in_this_process(tmp_path: Path, name: str):
    check(READERS[name], tmp_path, CASES)


@pytest.mark.parametrize("name", [name for name, fuzzed in READERS.items() if fuzzed.apart])
@pytest.mark.parametrize("cases", [FEW, pytest.param(CASES, marks=pytest.mark.slow)])
def test_a_reader_whose_parser_may_crash(name: str, cases: int):
    summary = run(name, cases)
    assert summary.counts.total() == cases
    assert summary.good, summary.errors


def test_the_harness_sees_what_goes_wrong(tmp_path: Path):
    def make(folder: Path) -> Path:
        (folder / "a").write_bytes(b"good")
        return folder / "a"

    def read(path: Path) -> None:
        if path.read_bytes() != b"good":
            raise ValueError("bad")

    with pytest.raises(AssertionError, match="wrong: ValueError: bad"):
        check(Fuzzed(make, read), tmp_path)
