"""A task without physics, given to the store as a loose file; spawned workers import it by its path."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import awkward as ak
import numpy as np

from tasks.events import EventInfo
from tasks.generator import progress
from tasks.reader import Imported, Reader
from tasks.task import Task

GATE = "COINS_GATE"
"""Names a pipe (FIFO) that tails wait at, so that a test can end a run of which it knows how far it got."""

REPORTS = "COINS_TELLS"
"""Seconds between the events that it reports while it makes a shard."""


class CoinReader(Reader):
    """Tests replace `read`."""

    files = "coins"
    holds = "coins only"
    columns = ("objects",)

    def read(self, source: Path) -> Imported:
        return Imported([], "coins")


@dataclass(frozen=True, kw_only=True)
class Coins(Task):
    """Heads against tails."""

    name = "coins"
    processes = ("heads", "tails")
    reader = CoinReader()
    applied_parameters = frozenset({"swapped"})
    presets: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"events_per_class": 50, "shard_events": 20}}

    bias: float = 0.0
    swapped: bool = False

    def info(self, level: str) -> EventInfo:
        return EventInfo(self.name, self.classes, level, {"jet": 3})

    def settings(self, process: str, level: str) -> tuple[str, ...]:
        return (f"coin={process}", f"level={level}", f"bias={self.bias:g}")

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        if process == "tails" and (gate := os.environ.get(GATE)):
            Path(gate).read_bytes()
        if told := os.environ.get(REPORTS):  # some of its events, and works on for a while, as a generator does
            for _ in range(2):
                progress.report(count // 4)
                hashlib.pbkdf2_hmac("sha256", b"coin", b"toss", int(told))
        rng = np.random.default_rng(seed)
        counts = rng.integers(0, 4, count)
        pt = (rng.exponential(50, counts.sum()) + self.bias).astype(np.float32)
        ht = rng.random(count).astype(np.float32)
        if self.bias < 0:
            ht[3] = np.nan
        return ak.zip(
            {"objects": ak.unflatten(ak.zip({"pt": pt}), counts), "candidate": ak.zip({"ht": ht})}, depth_limit=1
        )

    def apply_variant(self, table: ak.Array) -> ak.Array:
        return ak.with_field(table, 1 - table["label"], "label") if self.swapped else table
