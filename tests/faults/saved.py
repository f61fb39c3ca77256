"""Saved models of installed plug-ins, made in milliseconds, and records as a stranger could change them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet

from benchmark.core import seal
from benchmark.core.files import sha256
from benchmark.engine.job import build
from benchmark.engine.model_store import ORIGIN, folder_of, save
from benchmark.engine.request import Cell, Choice
from tasks.data.manifest import MANIFEST
from tasks.data.store import prepare
from tests.benchmark.cells import planned, run_cell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {"bdt": "model.ubj", "ffnn": "model.safetensors", "cut": "model.safetensors"}
"""The models, and the file of each."""


def write_muons(file: Path) -> None:
    """Dimuon events of the peaks of J/psi and Z in a CSV file, as CMS publishes them."""
    header = "Run,Event,E1,px1,py1,pz1,pt1,eta1,phi1,Q1,E2,px2,py2,pz2,pt2,eta2,phi2,Q2,M\n"
    rng = np.random.default_rng(0)
    rows = []
    for event in range(200):
        half, phi = (3.1 if event % 2 else 91.0) / 2, rng.uniform(-3, 0)
        angles = [(phi, 1), (phi + np.pi, -1)]
        parts = [f"{half},{half * np.cos(a)},{half * np.sin(a)},0,{half},0,{a},{charge}" for a, charge in angles]
        rows.append(f"1,{event},{parts[0]},{parts[1]},{2 * half}\n")
    file.write_text(header + "".join(rows))


def save_all(root: Path) -> tuple[dict[str, Path], Path]:
    """The folders of saved models by name, and the folder of the events that they were fitted on."""
    source = root / "muons.csv"
    write_muons(source)
    saved = {}
    for name in FILES:
        given = (("layers", "1"), ("units", "8"), ("epochs", "1")) if name == "ffnn" else ()
        choices = Choice("dimuon"), Choice("fourvectors"), Choice(name, given)
        job = build(Cell(*choices, preset="smoke", level="detector", seed=0, device="cpu", source=source))
        prepare(job.data, root / "data", 1, lambda *_: None)
        result, _ = run_cell(job, root / "data")
        assert result.status == "done", result.reason
        save(job.model, planned(job, root / "data").identity, result, root / "models")
        saved[name] = folder_of(root / "models", result)
    return saved, job.data.folder(root / "data")


def reseal(folder: Path, edit: Callable[[dict[str, Any]], object] = lambda record: None) -> None:
    """Change the record of a saved model, with the hashes of the files that are there, and seal it."""
    record, _ = seal.unsealed(json.loads((folder / ORIGIN).read_text()))
    record["files"] = {path.name: sha256(path) for path in folder.iterdir() if path.name != ORIGIN and path.is_file()}
    edit(record)
    (folder / ORIGIN).write_text(json.dumps({**record, seal.SEAL: seal._hash(record)}))


def claim_events(folder: Path, shard: Path) -> None:
    """Give the only shard of a data set the hash, size and number of events that its manifest then has."""
    count = pyarrow.parquet.read_metadata(shard).num_rows
    manifest, _ = seal.unsealed(json.loads((folder / MANIFEST).read_text()))
    manifest["shards"][0].update(sha256=sha256(shard), size=shard.stat().st_size, events=count)
    manifest["counts"] = {name: dict.fromkeys(row, 0) for name, row in manifest["counts"].items()}
    next(iter(manifest["counts"].values()))["test"] = count
    (folder / MANIFEST).write_text(json.dumps({**manifest, seal.SEAL: seal._hash(manifest)}))
