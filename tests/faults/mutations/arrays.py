"""Other arrays in .npz archives and safetensors files."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING, Any

from tests.faults.mutations.damage import damaged
from tests.faults.mutations.text import json_changed

if TYPE_CHECKING:
    from random import Random


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


def safetensors_changed(content: bytes, random: Random) -> bytes:
    """The header of a safetensors file, which is JSON, is changed; its length is right."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json_changed(content[8 : 8 + length], random)
    if random.choice((True, False)):
        header = header.replace(b"mean0", b"mean99999999999")
    return struct.pack("<Q", len(header)) + header + content[8 + length :]
