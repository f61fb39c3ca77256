from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmark.core.console import PlainConsole
from benchmark.core.errors import UserError
from benchmark.core.streams import OutputStream, ReaderGone, _output_failed
from benchmark.core.terminal import table
from tests.faults.hostile import SEQUENCES, dangerous

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stream(tmp_path: Path):
    """A stream in place of standard output, and what is in its file."""
    with (tmp_path / "output").open("w", encoding="utf-8", errors="backslashreplace") as file:
        yield OutputStream(file, _output_failed)


def written(stream: OutputStream) -> str:
    stream.flush()
    with open(stream.name, encoding="utf-8", newline="") as file:
        return file.read()


def test_what_is_printed_is_escaped_and_keeps_its_lines(stream: OutputStream) -> None:
    print("one\ttab", SEQUENCES, "\ud83d", file=stream)
    stream.writelines(["\x1b[0m", "\n"])
    text = written(stream)
    assert text.startswith("one\ttab \\x1b[2J")
    assert text.endswith("\\x1b[0m\n")
    assert dangerous(text) == {"\n", "\t"}


def test_it_is_otherwise_the_stream_itself(stream: OutputStream) -> None:
    assert not stream.isatty()
    assert stream.encoding == "utf-8"
    assert stream.write("äb") == 2


def test_rich_writes_its_own_colours_and_nothing_of_others(stream: OutputStream) -> None:
    console = PlainConsole(file=stream, force_terminal=True, color_system="standard", width=300, highlight=False)
    console.print(SEQUENCES, style="red", markup=False)
    console.print(table(("name",), [(SEQUENCES,)]))
    console.print(":star: of markup")
    text = written(stream)
    assert text.startswith("\x1b[31m\\x1b[2J")
    assert ":star:" in text
    assert dangerous(text) == {"\n", "\x1b"}
    assert "\x1b[2J" not in text


def test_any_console_of_rich_may_colour(stream: OutputStream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", stream)
    Console(force_terminal=True, color_system="standard").print("red", style="red")
    assert written(stream) == "\x1b[31mred\x1b[0m\n"


def test_a_full_disk_is_an_error_that_is_raised_once() -> None:
    with open("/dev/full", "w", encoding="utf-8") as file:
        stream = OutputStream(file, _output_failed)
        stream.write("text")
        with pytest.raises(UserError, match=r"standard output: can't be written \(No space left on device\)"):
            stream.flush()
        stream.write("more")
        stream.flush()


def test_a_reader_that_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as file:
        stream = OutputStream(file, _output_failed)
        stream.write("text")
        with pytest.raises(ReaderGone):
            stream.flush()
        stream.flush()


def test_nothing_to_write_is_not_written(stream: OutputStream) -> None:
    with open("/dev/full", "w", encoding="utf-8") as file:
        assert OutputStream(file, _output_failed).write("") == 0
    with pytest.raises(TypeError):
        stream.write(b"")
