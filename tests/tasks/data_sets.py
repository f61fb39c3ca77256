"""Data sets of `coins`, which need no physics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.data.dataset import DataSet
from tasks.registry import TASKS

COINS = f"{Path(__file__).with_name('coins.py')}:Coins"


def quiet(stage: str, done: float, total: float) -> None:
    """No report."""


def coins(level: str | None = None, source: Path | None = None, **given: Any) -> DataSet:
    """Three shards per class: 20, 20 and 10 events."""
    level = level or ("hadron" if source is None else "detector")
    return DataSet(COINS, TASKS.load(COINS).resolve("smoke", given), level, source)
