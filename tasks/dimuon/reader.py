"""Recorded dimuons: the files, the identity of a collision, and the test events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.hashing import uniform
from tasks.dimuon.classes import MASS_RANGE, label_of, selected
from tasks.dimuon.csv_file import check_csv, read_csv
from tasks.dimuon.pairs import FilePart, MuonPairs
from tasks.dimuon.root_file import check_root, read_root
from tasks.reader import Imported, Reader
from tasks.sources.files import find_files, mix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TEST_STREAM = "MuRun2010B"
"""The recorded stream, by file name, whose events may be test events. The other CMS files have one mass range each, so
that a model could recognise the selection of the file instead of the class."""

STREAM_EDGES = (0.40, 0.50)
"""Of the stream, 40% are for training and 10% for validation, since hardly any other file has J/psi. Half are test
events, since the stream has few psi(2S) (239)."""

RARE = 100
"""If a class has fewer events than this in the stream (26 Z) and more in other files, all of them are test events: they
would not help the training, and the interval of the recall is wide enough."""

OTHER_EDGES = (0.90, 1.0)
"""All other files train (90%) or validate (10%); none are test events."""

SUFFIXES = {".csv": read_csv, ".root": read_root}
CHECKS = {".csv": check_csv, ".root": check_root}


class DimuonReader(Reader):
    """Dimuons of CSV or ROOT files, each collision once. PDG ids and columns of electrons are refused."""

    files: ClassVar[str] = "CSV or ROOT files with two muons per event"
    holds: ClassVar[str] = "reconstructed muons only"
    columns: ClassVar[tuple[str, ...]] = ("objects", "candidate")

    def read(self, source: Path) -> Imported:
        """Read a file or a folder. Raises UserError for a wrong file, or if no event is left."""
        recorded = read_pairs(source)
        mass = recorded.pairs.mass()
        inside = selected(mass)
        outside = int(np.count_nonzero(~inside))
        dropped = Counter({**recorded.dropped, f"mass outside {MASS_RANGE[0]:g} to {MASS_RANGE[1]:g} GeV": outside})
        if not inside.any():
            counts = ", ".join(f"{reason}: {number}" for reason, number in dropped.items() if number)
            raise UserError(
                f"dimuon: {source} has no event left after the selection (dropped: {counts or 'none'}), expected "
                "two muons of 2 to 110 GeV mass. Give files with dimuons in that range."
            )
        table = _table(recorded, inside, label_of(mass[inside]))
        return Imported([table], recorded.description, +dropped, recorded.notes)

    def check(self, source: Path) -> None:
        """Raise UserError for files without the columns, or empty ones; reads the beginning of each."""
        for path in find_files("dimuon", source, SUFFIXES):
            CHECKS[path.suffix.lower()](path)


@dataclass(frozen=True)
class Recorded:
    """Pairs of all files, one per collision, sorted by event_id.

    Parameters
    ----------
    tested : whether each pair is of the test stream, shape (events,); None if no file is of that stream.
    dropped : pairs left out, by reason.
    notes : how the files were read if there was a choice.
    """

    pairs: MuonPairs
    event_id: NDArray[np.int64]
    tested: NDArray[np.bool_] | None
    dropped: dict[str, int]
    description: str
    notes: list[str]


def read_pairs(source: Path) -> Recorded:
    """Read all dimuons of a CSV or ROOT file, or of a folder of them, each collision once.

    A collision is identified by its run and event number. Files without them, and simulated ones (run 0 or 1, where
    event numbers start again in every sample), use the momenta, so that ids do not depend on the order of files.
    Of several pairs of one collision, the one with the largest sum of pT is taken.
    Raises UserError for a wrong path, file or number.
    """
    files = find_files("dimuon", source, SUFFIXES)
    parts = [(index, part) for index, path in enumerate(files) for part in SUFFIXES[path.suffix.lower()](path)]
    if not parts:
        raise UserError(f"dimuon: {source} has no event, expected rows of two muons each. Give a file that has some.")
    pairs = MuonPairs.join([part.pairs for _, part in parts])
    ids = np.concatenate([event_ids(part) for _, part in parts])
    streams = np.array([TEST_STREAM.lower() in path.name.lower() for path in files])
    tested = streams[np.concatenate([np.full(len(part.pairs), index) for index, part in parts]).astype(int)]
    measurable = pairs.measurable
    pairs, ids, tested = pairs[measurable], ids[measurable], tested[measurable]
    kept = one_each(ids, tested, pairs.pt.sum(axis=1))
    dropped = {
        "fewer than two muons": sum(part.too_few for _, part in parts),
        "muon without transverse momentum": int(np.count_nonzero(~measurable)),
        "duplicate of a collision": len(ids) - len(kept),
    }
    stream = bool(streams.any())
    more = sum(part.more for _, part in parts)
    notes = [f"of more than two muons, the two of highest pT are taken ({more:,} times)"] if more else []
    description = _describe(files, stream)
    return Recorded(pairs[kept], ids[kept], tested[kept] if stream else None, dropped, description, notes)


def event_ids(part: FilePart) -> NDArray[np.int64]:
    """An id in [0, 2**63) per collision, from its run and event number or else from the momenta of its muons."""
    pairs = part.pairs
    words = np.concatenate([pairs.pt, pairs.eta, pairs.phi], axis=1).view(np.uint32).astype(np.uint64)
    ids = mix(words.T)
    if part.collision is not None:
        run = part.collision[:, 0]
        ids = np.where(run.view(np.int64) > 1, mix(part.collision.T), ids)
    return (ids >> np.uint64(1)).astype(np.int64)


def one_each(ids: NDArray[np.int64], tested: NDArray[np.bool_], pt_sum: NDArray[Any]) -> NDArray[np.intp]:
    """Indices of one pair per id, sorted by id: of the test stream if there is one, then of the largest sum of pT."""
    order = np.lexsort((-pt_sum, ~tested, ids))
    first = np.r_[True, np.diff(ids[order]) != 0] if len(ids) else np.empty(0, bool)
    return order[first]


def split_by_stream(ids: NDArray[np.int64], tested: NDArray[np.bool_], label: NDArray[np.int8]) -> NDArray[np.int8]:
    """0 train, 1 valid, 2 test by a hash of the id; only events of the test stream are test events."""
    at = uniform(ids)
    split = np.searchsorted(OTHER_EDGES, at, side="right")
    split[tested] = np.searchsorted(STREAM_EDGES, at[tested], side="right")
    for index in np.unique(label[tested]):
        own, others = tested & (label == index), ~tested & (label == index)
        if np.count_nonzero(own) < RARE and np.count_nonzero(own) < np.count_nonzero(others):
            split[own] = 2
    return split.astype(np.int8)


def _table(recorded: Recorded, inside: NDArray[np.bool_], label: NDArray[np.int8]) -> ak.Array:
    table = recorded.pairs[inside].table()
    ids = recorded.event_id[inside]
    columns: dict[str, NDArray[Any]] = {"event_id": ids, "group": ids, "label": label}
    columns["weight"] = np.ones(len(label), dtype=np.float32)
    if recorded.tested is not None:
        columns["split"] = split_by_stream(ids, recorded.tested[inside], label)
    return ak.zip({**columns, **{name: table[name] for name in table.fields}}, depth_limit=1)


def _describe(files: Sequence[Path], stream: bool) -> str:
    names = ", ".join(path.name for path in files)
    if stream:
        return f"{names}; test events are from {TEST_STREAM} only; its other events, and all other files, train"
    return f"{names}; no {TEST_STREAM} among them, so that all files share train, valid and test"
