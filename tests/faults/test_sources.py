"""Event files of strangers: what is no file, what lies elsewhere, and small files that claim to be large.

Each ends in one line that names the file, or is left out with one; nothing is opened that is no regular file, and no
link is followed. The bounds on memory and time are those of `tests/faults/fuzz.py`, in a process of its own.
"""

from __future__ import annotations

import io
import lzma
import os
import socket
import struct
import zipfile
import zlib
from contextlib import nullcontext, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import awkward as ak
import cramjam
import h5py
import numpy as np
import pytest
import uproot
from uproot.models.RNTuple import ListFrameReader
from uproot.source.chunk import Chunk
from uproot.source.cursor import Cursor

from benchmark.core.errors import UserError
from tasks.registry import TASKS
from tasks.sources import folder, npz_file
from tasks.sources.files import find_files
from tasks.sources.folder import files_of
from tasks.sources.root_bounds import _check_steps, _Claim, _columns, read_branches, trees_of
from tasks.sources.text_lines import BLOCK
from tests.faults.fuzz import bounded
from tests.tasks.sources.files import HEADER, back_to_back, csv, refused, write_hdf5, write_root
from tests.tasks.sources.test_cms import nanoaod
from tests.tasks.sources.test_hdf5 import showers
from tests.tasks.top.test_reader import momenta, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def reader(task: str) -> Any:
    return TASKS.load(task).resolve("smoke").reader


def zstd(content: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(content))


def special(path: Path, kind: str) -> Path:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            os.chdir(path.parent)  # a path of a socket is short
            made.bind(path.name)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "nothing":
        path.symlink_to(path.parent / "nothing")
    return path


KINDS = ("pipe", "device", "socket", "loop", "nothing")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("task", "name"), [("dimuon", "a.csv"), ("ttbar", "tt.root"), ("egamma", "photon.h5")])
def test_what_is_no_file_is_not_opened(tmp_path: Path, monkeypatch, kind: str, task: str, name: str):
    monkeypatch.chdir(tmp_path)
    path = special(tmp_path / name, kind)
    refused(reader(task).read, path)
    with pytest.raises(UserError):
        reader(task).check(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_read_without_what_is_no_file(tmp_path: Path, monkeypatch, capsys, kind: str):
    monkeypatch.chdir(tmp_path)
    good = csv(tmp_path / "good.csv", back_to_back(9.5, 1, 1))
    path = special(tmp_path / "bad.csv", kind)
    (tmp_path / "folder.csv").mkdir()
    assert find_files("dimuon", tmp_path, (".csv",)) == [good]
    assert files_of(tmp_path) == [good]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {path}: left out")


def test_names_that_no_file_can_have(tmp_path: Path):
    assert "does not exist" in refused(reader("dimuon").read, tmp_path / ("x" * 300 + ".csv"))


def test_a_folder_of_too_many_files(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(folder, "MOST_ENTRIES", 3)
    (tmp_path / "inner").mkdir()
    for number in range(4):
        (tmp_path / "inner" / f"{number}.csv").write_text("")
    for read in (files_of, lambda path: find_files("dimuon", path, (".csv",), deep=True)):
        with pytest.raises(UserError, match="has over 3 files"):
            read(tmp_path)


# --- tables of text --------------------------------------------------------------------------------------------------

GOOD = [back_to_back(9.5, 1, event) for event in range(3)]
TEXT = {
    "a million columns": ",".join(f"c{number}" for number in range(10**6)),
    "many columns": ",".join(f"c{number}" for number in range(2000)),
    "a long line": "\n".join([HEADER, *GOOD, "1," * 10**6, *GOOD]),
    "a long cell": "\n".join([HEADER, *GOOD, "9" * 10**6 + GOOD[0], *GOOD]),
    "a quote that is not closed": "\n".join([HEADER, GOOD[0], '"' + GOOD[1], *GOOD * 1000]),
    "zero bytes after a while": "\n".join([HEADER, *GOOD * 1000, "\0" * 100]),
    "a zero byte": "\n".join([HEADER, GOOD[0], "\0"]),
    "a form feed in the names": HEADER.replace("E1,", "E1\f") + "\n" + GOOD[0],
    "nothing but a line end": "\n",
    "control characters": "\n".join([HEADER, GOOD[0].replace("4.75", "\x1b[31m\x85\u2028")]),
}


@pytest.mark.parametrize("name", TEXT)
def test_text_that_is_no_table(tmp_path: Path, name: str):
    path = tmp_path / "a.csv"
    path.write_text(TEXT[name])
    assert len(refused(reader("dimuon").read, path).splitlines()) == 1


def test_quoted_cells_are_read(tmp_path: Path):
    plain = csv(tmp_path / "plain.csv", *GOOD)
    quoted = tmp_path / "quoted.csv"
    lines = [",".join(f'"{cell}"' for cell in line.split(",")) for line in plain.read_text().splitlines()]
    quoted.write_text("\r\n".join([lines[0], *lines[1:] * (BLOCK // 100)]))
    assert reader("dimuon").read(quoted).table.to_list() == reader("dimuon").read(plain).table.to_list()


# --- HDF5 ------------------------------------------------------------------------------------------------------------


def test_links_to_groups_are_not_followed(tmp_path: Path):
    """At any level, and whatever kind of link."""
    write(tmp_path / "other.h5", momenta())
    os.mkfifo(tmp_path / "pipe.h5")
    path = tmp_path / "train.h5"
    for target in ("other.h5", str(tmp_path / "other.h5"), "pipe.h5", "/dev/zero", "none.h5"):
        with h5py.File(path, "w") as file:
            file["table"] = h5py.ExternalLink(target, "/table")
        assert "has no pandas table (found: 'table')" in refused(reader("top").read, path)
        with h5py.File(path, "w") as file:
            file.create_group("table")["table"] = h5py.ExternalLink(target, "/table/table")
        assert "has no pandas table" in refused(reader("top").read, path)
    for name, task in (("X", "egamma"), ("y", "egamma"), ("pfcs", "quark_gluon")):
        with h5py.File(path, "w") as file:
            file[name] = h5py.ExternalLink("pipe.h5", "/X")
        refused(reader(task).read, path)
    with h5py.File(path, "w") as file:
        file["real/table"] = 1
        file["table"] = h5py.SoftLink("/real")
        file["real/again"] = file["/"]
    refused(reader("top").read, path)


def test_chunks_that_become_larger_than_they_say(tmp_path: Path):
    bomb, content = zlib.compress(bytes(10**9)), showers(4)
    path = tmp_path / "photon.h5"
    for rows in (1, 4):
        with h5py.File(path, "w") as file:
            images = file.create_dataset("X", (4, 32, 32, 2), "f4", chunks=(rows, 32, 32, 2), compression="gzip")
            for row in range(0, 4, rows):
                images.id.write_direct_chunk((row, 0, 0, 0), bomb)
        assert "become more than" in bounded("egamma", path)
    write_hdf5(path, content, compression="gzip", chunks=True)
    assert len(reader("egamma").read_new(path).table) == 4


@pytest.mark.parametrize("code", [32001, 305, 60_000])
def test_filters_that_are_no_part_of_hdf5(tmp_path: Path, code: int):
    """HDF5 would look for a library of that number, and load it."""
    path = tmp_path / "photon.h5"
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((1, 32, 32, 2))
        plist.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (1, 2))
        space = h5py.h5s.create_simple((1, 32, 32, 2))
        h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, space, plist).write_direct_chunk((0, 0, 0, 0), b"x" * 8192)
    assert "is compressed with" in refused(reader("egamma").read, path)


def test_names_in_messages_are_short_and_plain(tmp_path: Path):
    path = tmp_path / "photon.h5"
    with h5py.File(path, "w") as file:
        for number in range(100):
            file["\x1b[31m\x07" + "n" * 10_000 + str(number)] = np.zeros(1)
    text = refused(reader("egamma").read, path)
    assert text.isprintable()
    assert len(text) < 2000


# --- ROOT and .npz ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "compress"), [("ZLIB", zlib.compress), ("LZMA", lzma.compress), ("ZSTD", zstd)])
def test_blocks_end_at_the_size_of_their_header(name: str, compress: Callable[[bytes], bytes]):
    content = bytes(10**6) + b"the end"
    decompress = getattr(uproot.compression, f"_decompress_{name}").decompress
    assert bytes(decompress(compress(content), len(content))) == content
    with suppress(ValueError, cramjam.DecompressionError):
        assert len(decompress(compress(content), 1000)) <= 1000


def test_a_basket_of_gigabytes_is_not_decompressed(tmp_path: Path):
    """Two gigabytes of zeros in blocks of zstd, for one entry."""
    path = write_root(tmp_path / "tt.root", "Events", nanoaod())
    with uproot.open(path) as file:
        branch = file["Events"]["genWeight"]
        seek, key = int(branch.member("fBasketSeek")[0]), branch.basket_key(0)
    content = bytearray(path.read_bytes())
    place = seek + 4 + 2  # after the number of bytes and the version
    assert content[place : place + 4] == key.fObjlen.to_bytes(4, "big")
    content[place : place + 4] = (2**31 - 1).to_bytes(4, "big")
    path.write_bytes(bytes(content))
    with uproot.open(path) as file, pytest.raises(UserError, match="take 2,147 MB, expected at most 500 MB"):
        list(read_branches(file["Events"], ["genWeight"], "np", "it"))


@pytest.mark.parametrize("wrong", [2**31 - 100, 2**31 + 100])
def test_lists_that_end_before_they_begin(tmp_path: Path, wrong: int):
    """Their difference in 32 bits is gigabytes of numbers, for which uproot would make room."""
    path, made = tmp_path / "tt.root", nanoaod()
    types = {name: v.type.content if isinstance(v, ak.Array) else np.asarray(v).dtype for name, v in made.items()}
    with uproot.recreate(path, compression=None) as file:
        file.mktree("Events", types).extend(made)
    with uproot.open(path) as file:
        basket = file["Events"]["Muon_pt"].basket(0)
        offsets = np.asarray(basket.raw_data[basket.border :], np.uint8).tobytes()
    content = path.read_bytes()
    assert offsets in content
    changed = bytearray(offsets)
    changed[8:12] = wrong.to_bytes(4, "big")
    path.write_bytes(content.replace(offsets, bytes(changed)))
    assert "lists of branch Muon_" in bounded("ttbar", path)


def test_what_an_entry_takes_bounds_the_number_of_entries():
    claim = _Claim("x", np.array([0, 10]), np.array([40.0]), 4)
    _check_steps([claim], 10, 10, "it")
    with pytest.raises(UserError, match="claims 10 entries in 40 bytes"):
        _check_steps([replace(claim, smallest=5)], 10, 10, "it")


def test_pages_of_more_numbers_than_they_can_hold(tmp_path: Path):
    path = tmp_path / "tt.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", nanoaod())
    with uproot.open(path) as file:
        tree = file["Events"]
        assert sum(claim.sizes.sum() for claim in _columns(tree, ["run"], "it")) == 4 * tree.num_entries
        page = tree.page_link_list[0][0].pages[0]
        page.num_elements = page.locator.num_bytes * 10**6
        name = tree.field_records[tree.column_records[0].field_id].field_name
        with pytest.raises(UserError, match=r"numbers in .* bytes, which is too many"):
            list(read_branches(tree, [name], "ak", "it"))


def test_lists_of_an_rntuple_that_leave_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A cut or changed file gave such lists; Awkward's kernels followed them to a segmentation fault."""
    path = tmp_path / "tt.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", nanoaod())
    outside = ak.contents.ListOffsetArray(ak.index.Index64([0, 2, 10**9]), ak.contents.NumpyArray(np.zeros(2)))
    with uproot.open(path) as file:
        tree = file["Events"]
        monkeypatch.setattr(type(tree), "iterate", lambda *_, **__: iter([ak.Array({"x": ak.Array(outside)})]))
        with pytest.raises(UserError, match=r"its lists are not in order .* Fetch the file again"):
            list(read_branches(tree, ["run"], "ak", "it"))


@pytest.mark.parametrize(("claimed", "message"), [(1, None), (4, None), (131_073, "a list of 16 bytes claims 131,073")])
def test_a_list_of_an_rntuple_has_as_many_items_as_it_can_hold(claimed: int, message: str | None):
    """A damaged file of 9 kB made uproot read 131,073 items of a list of 60 bytes, for five seconds."""
    content = np.frombuffer(struct.pack("<qI", -16, claimed) + bytes(100), np.uint8)
    chunk, cursor = Chunk.wrap(None, content), Cursor(0)
    items = ListFrameReader(SimpleNamespace(read=lambda *_: "item"))
    with pytest.raises(ValueError, match=message) if message else nullcontext():
        assert items.read(chunk, cursor, {}) == ["item"] * claimed
        assert cursor.index == 16


def test_strings_are_no_numbers(tmp_path: Path):
    made = nanoaod()
    path = write_root(tmp_path / "tt.root", "Events", {**made, "MET_pt": ak.Array(["a"] * len(made["MET_pt"]))})
    assert "branch MET_pt holds" in refused(reader("ttbar").read, path)


def test_aliases_of_a_file_are_not_evaluated(tmp_path: Path, monkeypatch):
    path = write_root(tmp_path / "tt.root", "Events", nanoaod())
    expected = reader("ttbar").read(path).table.to_list()
    run = "sqrt.__class__.__mro__"
    names = [*nanoaod(), "Jet_btag", "Muon_tightId"]
    monkeypatch.setattr("uproot.behaviors.TTree.TTree.aliases", dict.fromkeys(names, run))
    assert reader("ttbar").read(path).table.to_list() == expected
    with uproot.open(path) as file, pytest.raises(KeyError):
        list(read_branches(file["Events"], ["Jet_btag"], "np", "it"))


def test_folders_that_hold_each_other():
    class Folder:
        fSeekDir = 1  # noqa: N815 - as uproot calls it

        def classnames(self, **_: object) -> dict[str, str]:
            return {"a": "TDirectory", "b": "TDirectory"}

        def __getitem__(self, name: str) -> Folder:
            return self

    with pytest.raises(ValueError, match="folders hold each other"):
        trees_of(Folder(), ("TTree",), 1000)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_an_archive_of_zeros(tmp_path: Path, monkeypatch, method: int):
    monkeypatch.setattr(npz_file, "SMALL", 10**6)
    path = tmp_path / "QG_jets.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        written = io.BytesIO()
        np.save(written, np.zeros((10_000, 10, 4)))
        archive.writestr("X.npy", written.getvalue())
    assert "'X' has 3,200,128 bytes in " in refused(reader("quark_gluon").read_new, path)
