"""Data sets of `coins`, which need no physics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.seal import SEAL, _hash
from tasks.data.dataset import DataSet
from tasks.data.manifest import MANIFEST
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

COINS = f"{Path(__file__).with_name('coins.py')}:Coins"


def quiet(stage: str, done: float, total: float) -> None:
    """No report."""


def coins(level: str | None = None, source: Path | None = None, **given: Any) -> DataSet:
    """Three shards per class: 20, 20 and 10 events."""
    level = level or ("hadron" if source is None else "detector")
    return DataSet(COINS, TASKS.load(COINS).resolve("smoke", given), level, source)


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a sealed JSON file by hand, and seal it again; of a folder its manifest."""
    path = path / MANIFEST if path.is_dir() else path
    record = json.loads(path.read_text())
    del record[SEAL]
    change(record)
    path.write_text(json.dumps({**record, SEAL: _hash(record)}))


def unseal(folder: Path) -> None:
    """Make a manifest one of an earlier version, without a seal."""
    record = json.loads((folder / MANIFEST).read_text())
    del record[SEAL]
    for shard in record["shards"]:
        del shard["size"]
    (folder / MANIFEST).write_text(json.dumps(record))
