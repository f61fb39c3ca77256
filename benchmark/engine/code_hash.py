"""Hash of the source code that makes samples: part of their key, so that edited code never uses old samples."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import representations
from benchmark.core.source_text import source_of
from representations.samples import store

TAKEN = ("tasks.events", "tasks.detector.shower_shapes", "tasks.detector.digis", "tasks.detector.geometry")
"""The modules of tasks that representations import: the events table, and the geometry of detectors."""


def sources(*targets: str) -> list[Path]:
    """All files of representations, those that they import from tasks, and those of the targets (`module:Class`)."""
    files = sorted(Path(representations.__file__).parent.rglob("*.py"))
    modules = *TAKEN, *(target.rpartition(":")[0] for target in targets)
    return files + [path for module in modules if (path := source_of(module))]


def sources_key(*targets: str) -> str:
    """SHA-256 over these files, and the version of the format in which samples are stored."""
    files = tuple((path, path.stat().st_mtime_ns) for path in sources(*targets))
    return hashlib.sha256(f"{store.SCHEMA_VERSION} {_hashed(files)}".encode()).hexdigest()


@cache
def _hashed(files: tuple[tuple[Path, int], ...]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path, _ in files)).hexdigest()
