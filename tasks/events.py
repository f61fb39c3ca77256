"""The Events table: one entry per event, as an Awkward record array, stored as Parquet.

Columns (those a task does not need are absent; float32 throughout, GeV and radians):

| column | type | meaning |
|---|---|---|
| event_id | int64 | unique within the task |
| group | int64 | events that share a parent; they are never in two splits |
| label | int8 | class index; 0 is the signal |
| weight | float32 | event weight |
| split | int8, optional | 0 train, 1 valid, 2 test, where the source dictates it; else a hash of `group` decides |
| mass | float32, optional | the mass that scores of class 1, the first background, must not depend on (CVM) |
| objects | list of {pt, eta, phi, mass, charge, kind} | reconstructed objects; kind is an index into `KINDS` |
| constituents | list of {pt, eta, phi, mass, charge, pdg_id} | of the candidate jet |
| ecal | list of {row, column, energy[, time]} | barrel crystals: row 0-169 in eta, column 0-359 in phi; ns |
| ecal_endcap | list of {row, column, energy[, time]} | row 0-99: iY at negative z, 100-199: at positive z |
| hcal | list of {row, column, energy} | towers: row 0-55 in eta, column 0-71 in phi |
| tracks | list of {pt, eta, phi} | reconstructed tracks, at the beam line |
| pileup | int16, optional | collisions overlaid on the event; to check that classes agree; not a feature |
| candidate | record of float32 | engineered scalars of the event, such as HT; each is a feature |
| axes | record of float32, optional | directions (of a jet and its subjets) that representations need; no features |

Hits of the ECAL may have the ten samples of their pulse, `sample0` to `sample9`, in GeV (`tasks.detector.digis`).
Rows and columns are int16; `tasks.detector.geometry` has their positions. Energies of hits are not transverse.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import awkward as ak
import numpy as np
import pyarrow.parquet

from benchmark.core.errors import UserError
from benchmark.core.hashing import uniform

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

KINDS = ("electron", "muon", "photon", "jet", "bjet", "met")
"""Kinds of reconstructed object; `objects.kind` is an index into this tuple."""

TRUTH = ("event_id", "group", "label", "weight", "split", "mass")
"""Columns that training and scoring need, with any representation."""

SPLITS = ("train", "valid", "test")
SPLIT_EDGES = (0.64, 0.80)
"""Uniform hash below 0.64: train; below 0.80: valid; else test."""


@dataclass(frozen=True)
class EventInfo:
    """Information on a table of events that a representation may use.

    Parameters
    ----------
    task, classes, level : name of the task; its classes, signal first; realism of the events.
    slots : number of objects of each kind in a fixed-length table, in this order.
    particles : list column of the particles of an event: objects, constituents of a jet, or crystals of a shower.
    picture : default area of a calorimeter image: the whole detector, the ECAL barrel, both photons, a crop around the
        hottest crystal, or the candidate jet.
    nodes : what the nodes of a graph are by default: these particles, or the crystals around `photons` if there are
        hits.
    magnitude : size of an object on a picture: its pt or its energy.
    has_signal : whether class 0 is a signal and the others its background, or all classes are equal.
    pair_masses : whether masses of pairs of particles may be features; not if a mass defines the classes.
    headline : the metric by which the board of the task ranks, by name.
    bounds : largest values of metrics, by name, of a row that is ranked.
    yields : expected events of each class after the selection, by name of the class, in the luminosity that the task
        documents; empty if it declares none. S / sqrt(S + B) is for these.
    note : what a reader of the board must know of these events, a sentence; shown above its rows.
    unranked : why rows of this variant have no rank, a sentence; empty if they have.
    expert, expert_note : of the task: columns of the expert line, or why there are none. `info_of` sets them.
    holds : the content of the files that the events were read from, in words; empty for generated events.
    """

    task: str
    classes: tuple[str, ...]
    level: str
    slots: Mapping[str, int]
    particles: Literal["objects", "constituents", "ecal"] = "objects"
    picture: Literal["detector", "barrel", "photons", "crop", "jet"] = "detector"
    nodes: Literal["particles", "photons"] = "particles"
    magnitude: Literal["pt", "energy"] = "pt"
    has_signal: bool = True
    pair_masses: bool = True
    headline: str = "auc"
    bounds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    yields: Mapping[str, float] = dataclasses.field(default_factory=dict)
    note: str = ""
    unranked: str = ""
    expert: tuple[str, ...] = ()
    expert_note: str = ""
    holds: str = ""


@dataclass(frozen=True)
class Events:
    """A table of events with the information that representations may use.

    Parameters
    ----------
    table : rows of the Events table (see the top of this file).
    info : the task behind them.
    """

    table: ak.Array
    info: EventInfo

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: Any) -> Events:
        return replace(self, table=self.table[index])

    def column(self, name: str) -> NDArray[Any]:
        """A flat column as a numpy array of shape (events,)."""
        return np.asarray(ak.to_numpy(self.table[name]))

    def has(self, name: str) -> bool:
        """Whether the table has this column."""
        return name in self.table.fields

    def splits(self) -> dict[str, Events]:
        """Train, valid and test events; no group is ever in two of them."""
        where = split_of(self.table)
        return {name: self[where == code] for code, name in enumerate(SPLITS)}


def split_of(table: ak.Array) -> NDArray[np.int8]:
    """0 train, 1 valid, 2 test for each event: the table's own `split`, else by a hash of `group`."""
    if "split" in table.fields:
        return np.asarray(ak.to_numpy(table["split"])).astype(np.int8)
    return np.searchsorted(SPLIT_EDGES, uniform(ak.to_numpy(table["group"])), side="right").astype(np.int8)


def check(table: ak.Array, what: str) -> None:
    """Raise UserError, naming the event, when a number in the table is missing, NaN or infinite."""
    for column in table.fields:
        fields = table[column].fields or [None]
        for field in fields:
            values = table[column] if field is None else table[column][field]
            bad = ak.fill_none(~np.isfinite(values), True, axis=-1)
            per_event = ak.any(bad, axis=-1) if bad.ndim > 1 else bad
            if ak.any(per_event):
                first = int(np.argmax(ak.to_numpy(per_event)))
                name = column if field is None else f"{column}.{field}"
                event = int(table["event_id"][first])
                raise UserError(
                    f"{what}: event {event} has {name} that is missing, NaN or infinite, expected finite numbers. "
                    "Remove or correct this event."
                )


def write(table: ak.Array, file: BinaryIO) -> None:
    """Write Parquet (zstd) to an open file. The same table gives the same bytes."""
    arrow = ak.to_arrow_table(table, extensionarray=False)
    pyarrow.parquet.write_table(arrow, file, compression="zstd")


def read(path: Path, columns: Collection[str] | None = None) -> ak.Array:
    """Read a file that `write` wrote; only the named columns that the file has.

    Raises UserError when it is not a whole Parquet file.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            return ak.from_arrow(file.read([name for name in names if columns is None or name in columns]))
    except (pyarrow.lib.ArrowInvalid, OSError) as error:
        raise UserError(
            f"{path}: not a readable Parquet file ({error}). Delete its folder to make it again."
        ) from error
