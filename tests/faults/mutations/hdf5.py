"""Other arrays, attributes and links in HDF5 files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


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
