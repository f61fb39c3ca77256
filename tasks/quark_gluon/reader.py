"""Quark and gluon jets: EnergyFlow's `QG_jets*.npz`, and CMS jets in the MOD HDF5 format.

Both are read with numpy and h5py: `energyflow` itself loads whole files, and requires numpy below 2.

QG_jets (P. Komiske, E. Metodiev and J. Thaler, JHEP 01 (2019) 121; Zenodo 3164691 Pythia, 3066475 Herwig): `X` of
shape (n, M, 4) with pt (GeV), rapidity, phi and PDG code, zeros after the last; `y`, 1 for quarks. 14 TeV, Z + jet,
anti-kt R = 0.4, 500 < pt < 550 GeV. No detector simulation: these are true, stable particles.

MOD (Komiske et al., Phys. Rev. D 101 (2020) 034009; Zenodo 3341500 and others): CMS 2011 jets, anti-kt R = 0.5,
pt > 375 GeV. `jets_i` and `jets_f` hold a row per jet, `pfcs` (SIM) or `gens` (GEN) a row per particle, `pfcs_index`
and `gens_index` the first particle of each jet, and the attribute `cols` of each array the names of its columns.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError, spelled
from tasks.reader import Imported, Reader
from tasks.sources.files import (
    as_words,
    binary_labels,
    find_files,
    group_ids,
    read_files,
    row_ids,
    whole_table,
)
from tasks.sources.hdf5_file import MOST_CHUNK_BYTES, READ_BYTES, array, child, finite, keys, open_hdf5, same_length
from tasks.sources.jets import MASSES, charges, constituents, eta_of, jet_scalars, of_species, wrapped
from tasks.sources.npz_file import open_npz, stream

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MOST_ETA = 1.9
MEDIUM = 2
"""Selection of jets of MOD files (as in the MOD paper): abs(eta) < 1.9, and quality "medium" where the file has it."""
GLUON = 21
JETS_AT_ONCE = 2000


class QuarkGluonReader(Reader):
    """Jets of .npz (QG_jets) or .h5 (MOD) files: label 0 for quarks, 1 for gluons.

    Jets of one event of a MOD file share their `group`. Their weight is the cross-section in nb that the file gives.
    """

    files: ClassVar[str] = (
        "QG_jets*.npz from https://zenodo.org/records/3164691 or SIM*.h5 from https://zenodo.org/records/3341500"
    )
    holds: ClassVar[str] = "constituents of jets only"
    columns: ClassVar[tuple[str, ...]] = ("mass", "constituents", "candidate")

    def read(self, source: Path) -> Imported:
        """Read a file or a folder. Raises UserError at once for paths, and while reading for the content."""
        return self._read(source, labelled=True)

    def read_new(self, source: Path) -> Imported:
        """Read files without `y` or a parton; the label is 0."""
        return self._read(source, labelled=False)

    def _read(self, source: Path, *, labelled: bool) -> Imported:
        suffixes = (".npz", ".h5", ".hdf5")
        files = find_files("quark_gluon", source, suffixes)
        archives = [path for path in files if path.suffix.lower() == ".npz"]
        if archives and len(archives) < len(files):  # a model would separate the sets, not the jets
            raise UserError(
                f"quark_gluon: folder {source} has {len(archives)} .npz and {len(files) - len(archives)} .h5 files, "
                "expected one kind, since the jets of the two differ. Name a folder for each."
            )
        return read_files(
            "quark_gluon",
            source,
            suffixes,
            partial(_qg_jets if archives else _mod_jets, labelled=labelled),
            note="particles without detector simulation" if archives else "MOD jets of CMS simulation",
            wanted="quark and gluon jets",
        )


def _qg_jets(path: Path, number: int, dropped: Counter[str], what: str, *, labelled: bool) -> Iterator[ak.Array]:
    with (
        open_npz(path, what) as archive,
        stream(archive, "X", (None, None, 4), what) as jets,
        stream(archive, "y", (None,), what) if labelled else nullcontext() as truth,
    ):
        rows = same_length({"X": range(jets.shape[0])} | ({"y": range(truth.shape[0])} if truth else {}), what)
        row = 4 * jets.dtype.itemsize * jets.shape[1]
        if not 0 < row <= READ_BYTES:
            raise UserError(
                f"{what}: 'X' has {jets.shape[1]:,} particles per jet, expected 1 to 10,000. Give another file."
            )
        step = max(READ_BYTES // row, 1)
        for start in range(0, rows, step):
            count = min(step, rows - start)
            chunk = finite(jets.read(count), "X", start, what)
            label = np.zeros(count, np.int64)
            if truth:
                label = binary_labels(truth.read(count), "y", ("quark", "gluon"), start, what)
            jet, place = np.nonzero(chunk[..., 0] > 0)
            pt, y, phi, pid = np.moveaxis(chunk[jet, place].astype(np.float64), 1, 0)
            counts = np.bincount(jet, minlength=count)
            yield _table(_particles(pt, y, phi, pid, counts), label, row_ids(number, start, count), None, None, dropped)


def _mod_jets(path: Path, number: int, dropped: Counter[str], what: str, *, labelled: bool) -> Iterator[ak.Array]:
    with open_hdf5(path, what) as file:
        whole = array(file, "jets_i", (None, None), what), array(file, "jets_f", (None, None), what)
        places = [_columns(values, values.name.lstrip("/"), what) for values in whole]
        if not labelled:
            places[0].pop("hard_pid", None)
        elif "hard_pid" not in places[0]:
            raise UserError(
                f"{what}: 'jets_i' has no column hard_pid (found: {spelled(', '.join(places[0]), 80)}), and recorded "
                "jets have no true parton, expected simulated ones. Give SIM or GEN files."
            )
        kind = "pfcs" if child(file, "pfcs") is not None else "gens"
        if child(file, kind) is None:
            raise UserError(f"{what} has no particles (found: {keys(file)}), expected 'pfcs' or 'gens'.")
        particles, index = array(file, kind, (None, None), what), array(file, f"{kind}_index", (None,), what)
        columns = _columns(particles, kind, what, ("pt", "y", "phi", "m", "pid"))
        rows = same_length({"jets_i": whole[0], "jets_f": whole[1], f"{kind}_index": range(len(index) - 1)}, what)
        for start in range(0, rows, JETS_AT_ONCE):
            stop = min(start + JETS_AT_ONCE, rows)
            jets: dict[str, NDArray[Any]] = {}
            for values, names in zip(whole, places, strict=True):
                chunk = finite(np.asarray(values[start:stop]), values.name, start, what)
                jets |= {name: chunk[:, column] for name, column in names.items()}
            first = np.asarray(index[start : stop + 1]).astype(np.int64)
            _check_index(first, len(particles), particles.dtype.itemsize * particles.shape[1], f"{kind}_index", what)
            flat = finite(np.asarray(particles[first[0] : first[-1]]), kind, int(first[0]), what)
            yield _mod_table(flat, columns, np.diff(first), jets, row_ids(number, start, stop - start), dropped, what)


def _columns(values: Any, name: str, what: str, needed: tuple[str, ...] = ()) -> dict[str, int]:
    """The columns of a MOD array by name. Raises UserError when they are not named, or one is missing."""
    names = [
        bytes(word).decode("ascii", "replace") for word in np.atleast_1d(values.attrs.get("cols", np.array([], "S1")))
    ]
    missing = [column for column in needed if column not in names]
    if len(names) != values.shape[1] or missing:
        wanted = f"with {', '.join(needed)} among them" if needed else "one for each column"
        raise UserError(
            f"{what}: '{name}' has {values.shape[1]} columns called {spelled(', '.join(names), 80) or 'nothing'}, "
            f"expected names in the attribute 'cols', {wanted}. Give a file in MOD HDF5 format."
        )
    return {column: place for place, column in enumerate(names)}


def _check_index(first: NDArray[np.int64], particles: int, row: int, name: str, what: str) -> None:
    if (
        first[0] < 0
        or first[-1] > particles
        or (np.diff(first) < 0).any()
        or (first[-1] - first[0]) * row > MOST_CHUNK_BYTES
    ):
        raise UserError(
            f"{what}: '{name}' points outside its {particles:,} particles, or not in order, expected rising places. "
            "Fetch the file again."
        )


def _mod_table(
    flat: NDArray[Any],
    columns: Mapping[str, int],
    counts: NDArray[np.int64],
    jets: Mapping[str, NDArray[Any]],
    ids: NDArray[np.int64],
    dropped: Counter[str],
    what: str,
) -> ak.Array:
    needed = ("jet_eta", "rn", "lbn", "evn", "weight")
    if missing := [name for name in needed if name not in jets]:
        raise UserError(f"{what}: its jets have no column {', '.join(missing)}, expected {', '.join(needed)}.")
    jet = np.repeat(np.arange(len(counts)), counts)
    near = flat[:, columns["pt"]] > 0
    if "vertex" in columns:  # charged particles of pile-up (vertex 1 and more) are removed, as in CMS
        near &= flat[:, columns["vertex"]] <= 0
    pt, y, phi, mass, pid = (flat[near, columns[name]].astype(np.float64) for name in ("pt", "y", "phi", "m", "pid"))
    particles = _particles(pt, y, phi, pid, np.bincount(jet[near], minlength=len(counts)), mass)
    parton = np.abs(jets.get("hard_pid", np.ones(len(counts))))  # without labels, all count as quarks
    known = ((parton >= 1) & (parton <= 5)) | (parton == GLUON)
    good = np.abs(jets["jet_eta"]) < MOST_ETA
    if "quality" in jets:
        good &= jets["quality"] >= MEDIUM
    dropped["no quark or gluon as parton"] += int(np.count_nonzero(~known))
    dropped["jet at large eta or of low quality"] += int(np.count_nonzero(known & ~good))
    kept = known & good
    group = group_ids([as_words(jets[name].astype(np.int64)[kept]) for name in ("rn", "lbn", "evn")])
    label = np.where(parton == GLUON, 1, 0)[kept]
    return _table(particles[kept], label, ids[kept], group, jets["weight"][kept], dropped)


def _particles(
    pt: NDArray[Any],
    y: NDArray[Any],
    phi: NDArray[Any],
    pid: NDArray[Any],
    counts: NDArray[np.int64],
    mass: NDArray[Any] | None = None,
) -> ak.Array:
    """Lists of {pt, eta, phi, mass, charge, pdg_id}; without masses those of the species."""
    pdg_id = np.rint(pid).astype(np.int64)
    mass = of_species(MASSES, pdg_id) if mass is None else np.maximum(mass, 0.0)
    columns = {"pt": pt, "eta": eta_of(pt, y, mass), "phi": wrapped(phi), "mass": mass}
    return ak.unflatten(ak.zip({**columns, "charge": charges(pdg_id), "pdg_id": pdg_id}), counts)


def _table(
    particles: ak.Array,
    label: NDArray[np.int64],
    ids: NDArray[np.int64],
    group: NDArray[np.int64] | None,
    weight: NDArray[Any] | None,
    dropped: Counter[str],
) -> ak.Array:
    lit = np.asarray(ak.to_numpy(ak.num(particles.pt) > 0))
    dropped["no constituent"] += int(np.count_nonzero(~lit))
    particles, ids = particles[lit], ids[lit]
    jet = jet_scalars(particles)
    content = {"mass": jet["mass"], "constituents": constituents(particles), "candidate": jet}
    group = ids if group is None else group[lit]
    return whole_table(ids, group, label[lit], None if weight is None else weight[lit], content)
