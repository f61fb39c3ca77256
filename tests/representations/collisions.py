"""Small events made by hand or at random, for the tests of the representations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import awkward as ak
import numpy as np

from tasks.events import KINDS, EventInfo, Events

if TYPE_CHECKING:
    from collections.abc import Sequence

Object = tuple[str, float, float, float]
"""kind, pt, eta, phi."""

SLOTS = {"electron": 2, "muon": 2, "jet": 4, "bjet": 2, "met": 1}


def truth_columns(count: int) -> dict[str, Any]:
    return {
        "event_id": np.arange(count) + 1000,
        "group": np.arange(count) // 2,
        "label": (np.arange(count) % 2).astype(np.int8),
        "weight": np.ones(count, np.float32),
    }


def info(particles: Literal["objects", "constituents", "ecal"] = "objects", **changes: Any) -> EventInfo:
    default: dict[str, Any] = {"task": "toy", "classes": ("signal", "background"), "level": "detector", "slots": SLOTS}
    return EventInfo(**(default | {"particles": particles} | changes))


def lists(counts: Sequence[int] | np.ndarray, **columns: Any) -> ak.Array:
    """Lists of records, of these lengths, from flat columns."""
    whole = ("kind", "pdg_id")
    flat = {name: np.asarray(column, np.int32 if name in whole else np.float32) for name, column in columns.items()}
    return ak.unflatten(ak.Array(flat), np.asarray(counts, np.int64))


def events_of(collisions: Sequence[Sequence[Object]], mass: float = 0.0, **changes: Any) -> Events:
    """Events of objects given as (kind, pt, eta, phi)."""
    flat = [row for collision in collisions for row in collision]
    objects = lists(
        [len(collision) for collision in collisions],
        kind=[KINDS.index(row[0]) for row in flat],
        pt=[row[1] for row in flat],
        eta=[row[2] for row in flat],
        phi=[row[3] for row in flat],
        mass=[mass] * len(flat),
        charge=[-1.0 if row[0] in ("electron", "muon") else 0.0 for row in flat],
    )
    return Events(ak.Array(truth_columns(len(collisions)) | {"objects": objects}), info(**changes))


def random_events(count: int, objects: int, seed: int = 0, **changes: Any) -> Events:
    """Events of exactly `objects` objects of random kinds, the last one missing energy; pt as steep as in nature."""
    rng = np.random.default_rng(seed)
    total = count * objects
    kind = rng.choice([0, 1, 3, 4], total)
    kind[objects - 1 :: objects] = 5
    table = lists(
        np.full(count, objects),
        kind=kind,
        pt=rng.exponential(35, total) + 20,
        eta=rng.uniform(-2.4, 2.4, total),
        phi=rng.uniform(-np.pi, np.pi, total),
        mass=np.where(kind >= 3, 8.0, 0.1),
        charge=rng.choice([-1.0, 1.0], total),
    )
    return Events(ak.Array(truth_columns(count) | {"objects": table}), info(**changes))


def jets_of(jets: Sequence[Sequence[tuple[int, float, float, float]]], **changes: Any) -> Events:
    """Jets of constituents given as (pdg_id, pt, eta, phi)."""
    flat = [row for jet in jets for row in jet]
    constituents = lists(
        [len(jet) for jet in jets],
        pdg_id=[row[0] for row in flat],
        pt=[row[1] for row in flat],
        eta=[row[2] for row in flat],
        phi=[row[3] for row in flat],
        mass=[0.0] * len(flat),
        charge=[float(np.sign(row[0])) if abs(row[0]) not in (22, 130, 2112) else 0.0 for row in flat],
    )
    changes = {"slots": {"constituent": 30}} | changes
    return Events(ak.Array(truth_columns(len(jets)) | {"constituents": constituents}), info("constituents", **changes))


def showers_of(events: Sequence[Sequence[tuple[int, int, float]]], *, times: bool = True, **changes: Any) -> Events:
    """Barrel crystals given as (row, column, energy); the time of each is its energy in ns."""
    flat = np.array([hit for event in events for hit in event], np.float64).reshape(-1, 3)
    columns = {"row": flat[:, 0].astype(np.int16), "column": flat[:, 1].astype(np.int16)}
    energy = flat[:, 2].astype(np.float32)
    columns |= {"energy": energy, "time": energy} if times else {"energy": energy}
    ecal = ak.unflatten(ak.zip(columns), np.array([len(event) for event in events], np.int64))
    changes = {"slots": {"crystal": 25}, "picture": "crop", "magnitude": "energy"} | changes
    return Events(ak.Array(truth_columns(len(events)) | {"ecal": ecal}), info("ecal", **changes))


def with_column(events: Events, name: str, lists: Sequence[Sequence[dict[str, float]]]) -> Events:
    """The events with one more column of lists of records."""
    return replace(events, table=ak.with_field(events.table, ak.Array(lists), name))


def collisions_of(events: Sequence[dict[str, list[dict[str, float]]]], **changes: Any) -> Events:
    """Events with lists of records for the columns `ecal`, `ecal_endcap`, `hcal` and `tracks`, as `looped` has them."""
    whole = ("row", "column")
    fields = {"ecal": ("row", "column", "energy", "time"), "ecal_endcap": ("row", "column", "energy", "time")}
    fields |= {"hcal": ("row", "column", "energy"), "tracks": ("eta", "phi", "pt")}
    table = truth_columns(len(events))
    for name, keys in fields.items():
        flat = [hit for event in events for hit in event[name]]
        keys = tuple(flat[0]) if flat else keys
        columns = {key: np.array([hit[key] for hit in flat], np.int16 if key in whole else np.float32) for key in keys}
        table[name] = ak.unflatten(ak.zip(columns), np.array([len(event[name]) for event in events], np.int64))
    return Events(ak.Array(table), info("ecal", **({"picture": "detector"} | changes)))
