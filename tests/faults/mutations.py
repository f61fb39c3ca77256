"""Damage to files: bytes at random places, and content that keeps its format but says something else.

A mutator is a function of a content and a source of random numbers: `random.Random(seed)`, or that of hypothesis.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet

Mutator = Callable[[bytes, Random], bytes]

EDGE = 512
"""Bytes at either end of a file, where headers and footers are; half of all damage is there."""
NUMBERS = (0, 1, 2, 127, 255, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)


# --- bytes -----------------------------------------------------------------------------------------------------------


def damaged(content: bytes, random: Random) -> bytes:
    """One to four places are flipped, cut, filled, copied, swapped, or hold another integer."""
    for _ in range(random.choice((1, 1, 2, 4))):
        if not content:
            break
        content = random.choice(_DAMAGE)(content, random)
    return content


def _place(content: bytes, random: Random) -> int:
    last = len(content) - 1
    near = min(EDGE, last)
    return random.choice((random.randint(0, last), random.randint(0, near), last - random.randint(0, near)))


def _length(content: bytes, random: Random) -> int:
    return random.choice((1, 4, 16, 64, 1024, max(len(content) // 4, 1)))


def _flip(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + bytes([content[at] ^ 1 << random.randint(0, 7)]) + content[at + 1 :]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: _place(content, random)]


def _remove(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    return content[:at] + content[at + _length(content, random) :]


def _fill(content: bytes, random: Random) -> bytes:
    at, length = _place(content, random), _length(content, random)
    filled = random.choice((b"\0", b"\xff", b"\x80")) * min(length, len(content) - at)
    return content[:at] + filled + content[at + length :]


def _insert(content: bytes, random: Random) -> bytes:
    at = _place(content, random)
    inserted = bytes(random.randint(0, 255) for _ in range(random.choice((1, 3, 8, 40))))
    return content[:at] + inserted + content[at:]


def _copy(content: bytes, random: Random) -> bytes:
    """A block twice, or in another place."""
    source, target, length = _place(content, random), _place(content, random), _length(content, random)
    block = content[source : source + length]
    return content[:target] + block + content[target + random.choice((0, len(block))) :]


def _swap(content: bytes, random: Random) -> bytes:
    first, second = sorted((_place(content, random), _place(content, random)))
    length = min(_length(content, random), second - first)
    a, b = content[first : first + length], content[second : second + length]
    return content[:first] + b + content[first + length : second] + a + content[second + length :]


def _number(content: bytes, random: Random) -> bytes:
    """Another integer in place of one, such as a length."""
    at, order, size = _place(content, random), random.choice(("little", "big")), random.choice((1, 2, 4, 8))
    old = int.from_bytes(content[at : at + size], order)
    new = random.choice((*NUMBERS, old + 1, old - 1, old * 2, len(content))) % 2 ** (8 * size)
    return content[:at] + new.to_bytes(size, order) + content[at + size :]


_DAMAGE = (_flip, _flip, _cut, _remove, _fill, _insert, _copy, _swap, _number, _number)


# --- JSON ------------------------------------------------------------------------------------------------------------

_DEEP = "a value 900 levels deep"
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3.5, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, float("nan"), float("inf")),
    *("", "a", "0", "nan", "../../../etc/passwd", "/dev/zero", "a\nb", "\x1b[31m\x07", "\0", "\ud800", "é" * 300),
    *("x" * 10_000, "<script>", [], {}, [None], [[]], {"": None}, ["a"] * 2000, list(range(2000)), _DEEP),
)


def json_changed(content: bytes, random: Random) -> bytes:
    """One to three values of a JSON document are of another type or size, missing, renamed or repeated."""
    document = json.loads(content)
    for _ in range(random.choice((1, 1, 2, 3))):
        document = _json_node(document, random)
    return json.dumps(document).replace(json.dumps(_DEEP), "[" * 900 + "]" * 900).encode()


def _json_node(document: Any, random: Random) -> Any:
    """Go down to a random place of the document, and change it there."""
    if not isinstance(document, dict | list) or not document or random.randint(0, 4) == 0:
        return random.choice(VALUES)
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = random.choice(keys)
    action = random.choice(("in", "in", "in", "in", "delete", "add", "copy"))
    changed: Any = document.copy()
    if action == "in":
        changed[key] = _json_node(document[key], random)
    elif action == "delete":
        del changed[key]
    elif isinstance(document, list):
        changed.append(random.choice(VALUES) if action == "add" else document[key])
    else:
        changed[random.choice(("", "a", "é", str(key) * 3, "__class__"))] = document[key]
    return changed


# --- text and tables of text -----------------------------------------------------------------------------------------

CELLS = (
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "9" * 400,
    "",
    "a",
    "\0",
    '"',
    "é",
    "0x1f",
    "1_000",
    " ",
    "True",
    "1;2",
    "'",
)


def csv_changed(content: bytes, random: Random) -> bytes:
    """Cells, lines, names or the encoding of a table are others."""
    lines = [line.split(",") for line in content.decode().splitlines()]
    for _ in range(random.choice((1, 1, 2, 5))):
        row = lines[random.choice((0, random.randint(0, len(lines) - 1)))]
        place = random.randint(0, max(len(row) - 1, 0))
        action = random.choice(("cell", "cell", "delete", "add", "line", "column", "copy"))
        if action == "cell":
            row[place : place + 1] = [random.choice(CELLS)]
        elif action == "delete":
            del row[place : place + 1]
        elif action == "add":
            row[place:place] = [random.choice(CELLS)] * random.choice((1, 1, 3, 1000))
        elif action == "line":
            lines.insert(random.randint(0, len(lines)), [random.choice(CELLS)])
        elif action == "copy":
            lines.append(list(row))
        else:
            value = random.choice(CELLS)
            for other in lines[1:]:
                other[place : place + 1] = [value]
    text = random.choice(("\n", "\n", "\n", "\r\n", "\r")).join(
        random.choice((",", ",", ",", ";", "\t")).join(row) for row in lines
    )
    return text.encode(random.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")))


WORDS = (
    "[",
    "]",
    "[[",
    "=",
    ",",
    ":",
    "/",
    "..",
    "\0",
    "\n",
    "é",
    "-1",
    "1e400",
    "nan",
    "None",
    "'",
    '"',
    "a" * 5000,
    "9" * 5000,
)


def text_changed(content: bytes, random: Random) -> bytes:
    """Words are inserted, repeated or removed."""
    text = content.decode()
    for _ in range(random.choice((1, 1, 2, 4))):
        at, length = random.randint(0, len(text)), random.choice((0, 0, 1, 5))
        text = text[:at] + random.choice((*WORDS, text)) + text[at + length :]
    return text.encode()


# --- archives of arrays ----------------------------------------------------------------------------------------------

DTYPES = (
    "'O'",
    "'<U9'",
    "'|V8'",
    "[('a', '<f4')]",
    "'<f2'",
    "'>f8'",
    "'<c16'",
    "'<M8[s]'",
    "'|b1'",
    "'<i8'",
    "'<f16'",
    "'|S0'",
    "3",
)
SHAPES = (
    "()",
    "(0,)",
    "(1,)",
    "(0, 0)",
    "(1000000000000,)",
    "(-1,)",
    "(9223372036854775808,)",
    "(3, 4, 4)",
    "'x'",
    "(1.5,)",
    "(2**9,)",
)


def npz_changed(content: bytes, random: Random) -> bytes:
    """A member of an archive is damaged, missing, renamed, repeated, or has another header."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = random.randint(0, len(members) - 1)
    name, array = members[place]
    action = random.choice(("damage", "damage", "header", "header", "header", "delete", "rename", "copy"))
    if action == "delete":
        del members[place]
    elif action == "copy":
        members.append((name if random.choice((True, False)) else "copy.npy", array))
    elif action == "rename":
        members[place] = random.choice(("", "/", "../x.npy", "é.npy", "a" * 500 + ".npy", "x")), array
    else:
        members[place] = name, damaged(array, random) if action == "damage" else _header_changed(array, random)
    written = io.BytesIO()
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, array in members:
            with _quiet():
                archive.writestr(name or " ", array)
    return written.getvalue()


def _header_changed(array: bytes, random: Random) -> bytes:
    """An .npy file of another type, shape or order, with the same numbers."""
    length = struct.unpack("<H", array[8:10])[0]
    header = array[10 : 10 + length].decode("latin-1")
    part = random.choice(("descr", "shape", "fortran_order"))
    old = header.split(f"'{part}': ")[1].split(", '")[0].rstrip("} \n,")
    new = {
        "descr": random.choice(DTYPES),
        "shape": random.choice(SHAPES),
        "fortran_order": random.choice(("True", "2")),
    }[part]
    changed = header.replace(old, new, 1).rstrip().encode("latin-1") + b"\n"
    return array[:8] + struct.pack("<H", len(changed)) + changed + array[10 + length :]


def _quiet() -> Any:
    import warnings

    found = warnings.catch_warnings()
    warnings.simplefilter("ignore")  # a name twice
    return found


# --- HDF5 ------------------------------------------------------------------------------------------------------------


def hdf5_changed(content: bytes, random: Random) -> bytes:
    """An array, or an attribute, of an HDF5 file is of another kind or elsewhere."""
    written = io.BytesIO(content)
    with h5py.File(written, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        arrays = [name for name in names if isinstance(file[name], h5py.Dataset)]
        name = random.choice(arrays)
        attributes = list(file[name].attrs)
        if attributes and random.choice((True, False)):
            attribute = random.choice(attributes)
            del file[name].attrs[attribute]
            if (value := random.choice(_ATTRIBUTES)) is not None:
                file[name].attrs[attribute] = value
            return _closed(file, written)
        old = file[name][()]
        where = random.choice((name, name, name, name.split("/")[0]))
        del file[where]
        random.choice(_ARRAYS)(file, where, old)
        return _closed(file, written)


def _closed(file: Any, written: io.BytesIO) -> bytes:
    file.close()
    return written.getvalue()


_ATTRIBUTES: tuple[Any, ...] = (
    *(None, 1, "text", np.arange(3), np.bytes_(b"(lp0\n."), np.void(b"\x80\x05K\x01."), h5py.Empty("f4")),
    *(np.array([b"a", b"b"]), np.array(["a", "é"], dtype=h5py.string_dtype()), np.zeros((50, 50))),
)


def _as(dtype: Any, shape: Any = None, **options: Any) -> Callable[[Any, str, Any], None]:
    def make(file: Any, name: str, old: Any) -> None:
        size = np.shape(old) if shape is None else shape
        file.create_dataset(name, size, dtype, **(options if size else {}))

    return make


def _link(link: Any) -> Callable[[Any, str, Any], None]:
    def make(file: Any, name: str, old: Any) -> None:
        file[name] = link

    return make


def _virtual(file: Any, name: str, old: Any) -> None:
    layout = h5py.VirtualLayout(np.shape(old), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "X", np.shape(old))
    file.create_virtual_dataset(name, layout)


def _loop(file: Any, name: str, old: Any) -> None:
    file.create_group(name)["again"] = file["/"]


def _nested(file: Any, name: str, old: Any) -> None:
    file.create_group(name + "/a" * 300)


_ARRAYS: tuple[Callable[[Any, str, Any], None], ...] = (
    *(
        _as(kind)
        for kind in ("f2", "f4", "f8", ">f8", "i1", "u8", "c16", "S5", "V16", "?", "f4, i8", "(3,)f4", "(3,)f4, i8")
    ),
    *(_as(kind) for kind in (h5py.string_dtype(), h5py.vlen_dtype(np.float32), h5py.ref_dtype, h5py.regionref_dtype)),
    *(
        _as(h5py.enum_dtype({"A": 1, "B": 2})),
        _as("f4", shape=()),
        _as("f4", shape=(0,)),
        _as("f4", shape=(4, 4, 4, 4, 4)),
    ),
    *(_as("f4", compression="gzip"), _as("f4", shuffle=True, chunks=True), _as("i4", scaleoffset=0, chunks=True)),
    *(
        _as("f4", shape=(10**9,), chunks=(10**6,)),
        _as("f4", shape=(2**40,)),
        _as("f4", external=[("/tmp/raw", 0, h5py.h5f.UNLIMITED)]),
    ),
    *(_link(h5py.SoftLink("/nowhere")), _link(h5py.SoftLink("/")), _link(h5py.ExternalLink("/tmp/other.h5", "/"))),
    *(_link(np.dtype("f4")), _link(h5py.Empty("f4")), _virtual, _loop, _nested),
)


# --- Parquet and safetensors -----------------------------------------------------------------------------------------


def parquet_changed(content: bytes, random: Random) -> bytes:
    """A column of a Parquet file is missing, renamed, of another type, or has other or no values."""
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    place = random.randint(0, table.num_columns - 1)
    name, rows = table.column_names[place], table.num_rows
    action = random.choice(("drop", "rename", "value", "value", "value", "twice", "rows"))
    if action == "drop":
        table = table.remove_column(place)
    elif action == "rename":
        table = table.rename_columns(
            [random.choice(("", "é", "label")) if n == name else n for n in table.column_names]
        )
    elif action == "twice":
        table = table.append_column(name, table.column(place))
    elif action == "rows":
        table = table.slice(0, random.choice((0, 1)))
    else:
        table = table.set_column(place, name, pa.array([random.choice(_PARQUET)] * rows))
    written = io.BytesIO()
    pyarrow.parquet.write_table(table, written, compression=random.choice(("zstd", "none", "gzip", "snappy")))
    return written.getvalue()


_PARQUET: tuple[Any, ...] = (
    *(None, True, 0, -1, 7, 2**40, float("nan"), float("inf"), 1e300, "a", "é", b"\xff", [], [1.0], [[1.0]], [None]),
    *({"pt": 1.0}, [{"pt": 1.0}], [{"pt": float("nan"), "eta": None}], ["a"], {"a": {"b": [1]}}),
)


def safetensors_changed(content: bytes, random: Random) -> bytes:
    """The header of a safetensors file, which is JSON, is changed; its length is right."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json_changed(content[8 : 8 + length], random)
    if random.choice((True, False)):
        header = header.replace(b"mean0", b"mean99999999999")
    return struct.pack("<Q", len(header)) + header + content[8 + length :]
