"""The processes of torchrun, as the environment describes them."""

from __future__ import annotations

import re

import pytest

from benchmark.core.errors import UserError
from benchmark.core.process import rank_and_size


@pytest.mark.parametrize(
    ("rank", "size"), [(None, None), ("a", "2"), ("0", None), ("2", "2"), ("-1", "2"), ("1", "\x1b")]
)
def test_the_mark_of_torchrun_without_its_numbers(monkeypatch: pytest.MonkeyPatch, rank: str | None, size: str | None):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    for name, value in (("RANK", rank), ("WORLD_SIZE", size)):
        monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name, raising=False)
    shown = re.escape(repr(size or "")[1:-1])
    with pytest.raises(UserError, match=f"^RANK is '{rank or ''}' and WORLD_SIZE is '{shown}', expected numbers"):
        rank_and_size()
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert rank_and_size() == (1, 2)
