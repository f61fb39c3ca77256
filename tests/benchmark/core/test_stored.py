"""The reader of stored files: what is no regular file, too large, changed or not parsed is refused in one line."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from benchmark.core.arrays import arrays_parser
from benchmark.core.errors import UserError
from benchmark.core.stored import StoredFile

if TYPE_CHECKING:
    from pathlib import Path

NOTE = StoredFile("a note", 1000, "Write it again.")


class Note(BaseModel):
    text: str
    number: int = 0


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.json"
    path.write_text('{"text": "a"}')
    return path


def refused(path: Path, sha256: str | None = None) -> str:
    with pytest.raises(UserError) as error:
        NOTE.model(path, Note, sha256)
    text = str(error.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


def test_a_valid_file(note: Path):
    assert NOTE.model(note, Note) == Note(text="a")
    assert NOTE.model(note, Note, hashlib.sha256(note.read_bytes()).hexdigest()) == Note(text="a")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux alone has these files")
@pytest.mark.parametrize("name", ["/proc/self/status", "/proc/kmsg", "/sys/kernel/mm/transparent_hugepage/enabled"])
def test_files_of_the_kernel_are_not_opened(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    """Reading `/proc/kmsg` waits, and takes what another reader waits for."""
    if not os.path.exists(name):
        pytest.skip(f"{name} is not there")
    link = tmp_path / "note.json"
    link.symlink_to(name)
    opened, real = [], os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened.append(str(path)) or real(path, *rest))
    for read in (NOTE.read, NOTE.open, lambda path: NOTE.verify(path, "0" * 64), lambda path: NOTE.parse_at(path, str)):
        with pytest.raises(UserError, match=r"note\.json: is a file of the kernel, expected a file with a note"):
            read(link)
    assert str(link) not in opened


def test_a_file_that_claims_to_be_empty_is_not_read(note: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever it would give: file systems that make content while it is read say so, and may never end."""
    real = os.fstat

    def empty(descriptor: int) -> os.stat_result:
        fields = list(real(descriptor))
        fields[6] = 0
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", empty)
    assert NOTE.read(note) == b""
    NOTE.verify(note, hashlib.sha256(b"").hexdigest())
    with pytest.raises(UserError, match=r"note\.json: is empty, expected a note\. Write it again\."):
        NOTE.parse_at(note, str)


def test_a_file_that_has_no_content_yet(note: Path, monkeypatch: pytest.MonkeyPatch):
    class Waiting(io.BufferedReader):
        def read(self, size: int | None = -1) -> Any:
            return None

    monkeypatch.setattr(os, "fdopen", lambda descriptor, mode: Waiting(io.FileIO(descriptor)))
    assert "can't be read (has no content yet)" in refused(note)


def test_a_link_to_a_valid_file(note: Path, tmp_path: Path):
    (tmp_path / "link.json").symlink_to(note)
    assert NOTE.read(tmp_path / "link.json") == note.read_bytes()


def test_what_is_no_regular_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pipe, device, place, home = (tmp_path / name for name in ("pipe", "device", "socket", "folder"))
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    home.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # a path of a socket is short
        server.bind("socket")
        found = [refused(path) for path in (pipe, device, place, home)]
    kinds = ["a pipe", "a device", "a socket", "a folder"]
    assert all(f"is {kind}, expected a file with a note" in text for kind, text in zip(kinds, found, strict=True))


def test_missing_and_unreadable_files(note: Path, monkeypatch: pytest.MonkeyPatch):
    assert "no such file, expected a note. Write it again." in refused(note.with_name("other"))

    def denied(*_: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    text = refused(note)
    assert "can't be read (Permission denied)" in text
    assert NOTE.remedy not in text  # nothing is wrong with the file itself


def test_the_size_is_checked_before_the_file_is_read(tmp_path: Path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(10**12)  # a file with a hole, as large as a disk
    assert "has 1,000,000.0 MB, expected a note of at most 0.0 MB" in refused(path)


def test_a_changed_file(note: Path):
    assert "changed since it was written" in refused(note, hashlib.sha256(b"other").hexdigest())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 900, b'{"text": 3}', b'{"text": "\\ud800"}', b'{"text": "a", "number": 1e400}', b"\xff\xfe"],
)
def test_what_the_parser_refuses(note: Path, content: bytes):
    note.write_bytes(content)
    text = refused(note)
    assert "not a note (" in text
    assert text.endswith("Write it again.")


def test_the_field_is_named_and_the_cause_is_chained(note: Path):
    note.write_text('{"text": "a", "number": "many"}')
    with pytest.raises(UserError, match="field 'number'") as error:
        NOTE.model(note, Note)
    assert error.value.__cause__ is not None


def test_only_exceptions_of_the_parser_are_turned_into_errors_of_the_file(note: Path):
    def interrupted(_: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        NOTE.parse(note, interrupted)


@given(content=st.binary(max_size=300))
@settings(max_examples=200)
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    try:
        made = NOTE.model(path, Note)
    except UserError:
        return
    assert json.loads(content)["text"] == made.text


# --- arrays -----------------------------------------------------------------------------------------------------------

ARCHIVE = StoredFile("arrays", 10_000_000, "Delete it.")
parse = arrays_parser(1_000_000)


def archive(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def member(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, content)
    return file.getvalue()


def npy(header: str, content: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return member("a.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content)


def test_arrays_as_numpy_reads_them():
    arrays = {
        "numbers": np.arange(12, dtype=np.float32).reshape(3, 4),
        "by_columns": np.asfortranarray(np.arange(12).reshape(3, 4)),
        "scalar": np.array(2.5),
        "none": np.zeros((0, 3), np.int64),
        "names": np.array(["jet", "muon"]),
    }
    read = parse(archive(**arrays))
    assert list(read) == list(arrays)
    for name, expected in arrays.items():
        np.testing.assert_array_equal(read[name], expected)
        assert read[name].dtype == expected.dtype
        assert read[name].flags.writeable


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a zip file"),
        (archive(a=np.array([{}], object)), "holds object"),
        (archive(a=np.zeros(2, [("x", "f4")])), "expected numbers or text"),
        (archive(a=np.zeros(2_000_000)), "of 16,000,128 bytes, expected at most"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"), "claims the shape"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), ""),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n"), "holds object"),
        (npy("__import__('os').abort()"), ""),
        (member("a.npy", b"\x93NUMPY\x09\x00"), ""),
        (member("a.txt", b"text"), ""),
    ],
)
def test_archives_that_are_refused(tmp_path: Path, content: bytes, reason: str):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not arrays") as error:
        ARCHIVE.parse(path, parse)
    assert reason in str(error.value)


def test_a_flipped_byte_is_noticed_or_harmless(tmp_path: Path):
    arrays = {"a": np.arange(100), "b": np.linspace(0, 1, 50)}
    content = archive(**arrays)
    path = tmp_path / "a.npz"
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        try:
            read = ARCHIVE.parse(path, parse)
        except UserError:
            continue
        for name in arrays.keys() & read.keys():
            np.testing.assert_array_equal(read[name], arrays[name])


def peak_mb(content: bytes) -> float:
    """Memory that parsing takes; the content has to be refused."""
    tracemalloc.start()
    try:
        with pytest.raises((ValueError, OSError, zipfile.BadZipFile)):
            parse(content)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def bomb(method: int, declared: int, start: bytes = b"") -> bytes:
    """An archive whose only member expands to 200 MB, but declares another size."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        made.writestr("a.npy", start + bytes(200_000_000 - len(start)))
    content = bytearray(file.getvalue())
    for place in (content.index(b"PK\x03\x04") + 22, content.index(b"PK\x01\x02") + 24):
        content[place : place + 4] = declared.to_bytes(4, "little")
    return bytes(content)


HEADER = b"{'descr': '|u1', 'fortran_order': False, 'shape': (872,), }" + b" " * 58 + b"\n"
VERSION_1 = b"\x93NUMPY\x01\x00" + len(HEADER).to_bytes(2, "little") + HEADER
VERSION_2 = b"\x93NUMPY\x02\x00" + (190_000_000).to_bytes(4, "little")


@pytest.mark.parametrize("declared", [1000, 900_000, 200_000_000])
@pytest.mark.parametrize("start", [b"", VERSION_1, VERSION_2])
def test_an_archive_takes_no_more_memory_than_it_may(declared: int, start: bytes):
    assert peak_mb(bomb(zipfile.ZIP_DEFLATED, declared, start)) < 5


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_only_compressions_that_numpy_writes_are_read(method: int):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        made.writestr("a.npy", VERSION_1 + bytes(872))
    with pytest.raises(ValueError, match="has the compression"):
        parse(file.getvalue())


def test_a_list_of_many_members_is_not_read():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for number in range(20_000):
            made.writestr(str(number), b"")
    content = file.getvalue()
    assert peak_mb(content) < 3 * len(content) / 1e6
