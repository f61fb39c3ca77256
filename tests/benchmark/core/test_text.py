from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.core.blame import reason_of
from benchmark.core.errors import UserError, spelled
from benchmark.core.stored import first_reason
from benchmark.core.text import one_line, plain, plain_lines, short
from benchmark.records.fields import cleaned
from tests.faults.hostile import CALM, NASTY, dangerous


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("\u2028\u2029\u200b\ufeff", r"\u2028\u2029\u200b\ufeff"),
        ("\ud83d", r"\ud83d"),
        ("\U000e0041", r"\U000e0041"),
        ("ψ(2S) → µµ, 0.5 ± 0.1 − 日本", "ψ(2S) → µµ, 0.5 ± 0.1 − 日本"),
        ("±\N{NO-BREAK SPACE}2", "±\N{NO-BREAK SPACE}2"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_what_has_no_picture_is_written_as_in_python(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_name_looks_the_same_in_every_message() -> None:
    name = "\x1b[2Jcnn\u202e"
    for words in (spelled(name), reason_of(UserError(name)), first_reason(ValueError(name)), cleaned(name, 100)):
        assert words == plain(name)


@CALM
@given(st.text(), st.integers(4, 30))
def test_a_short_text_stays_as_it_is(text: str, most: int) -> None:
    for write in (plain, plain_lines):
        cut = short(text, most, write)
        assert len(cut) <= most
        assert short(cut, most, write) == cut
        assert cut == write(text) or (cut.endswith(" ...") and write(text).startswith(cut[:-4]))


@CALM
@given(st.text())
def test_no_text_controls_the_terminal(text: str) -> None:
    for shown in (plain(text), one_line(text)):
        assert not dangerous(shown)
        assert "\n" not in shown
        shown.encode()
    assert not dangerous(plain_lines(text).translate({10: None, 9: None}))
    assert plain(plain(text)) == plain(text)


@CALM
@given(st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" ")))
def test_ordinary_text_stays(text: str) -> None:
    assert plain(text) == text


@CALM
@given(st.lists(st.text()))
def test_lines_and_tabs_stay_where_they_are_meant(lines: list[str]) -> None:
    assert plain_lines("\n".join(map(plain, lines))).count("\n") == max(0, len(lines) - 1)
    assert plain_lines("a\tb\n\n c\n") == "a\tb\n\n c\n"


def test_a_message_is_one_line() -> None:
    assert one_line("a\n  b\x1b[0m\r\nc") == r"a b\x1b[0m c"
    long = one_line("a: " + "x" * 10**6)
    assert long.startswith("a: xxx")
    assert long.endswith(" ...")
    assert len(long) == 2000


def test_every_kind_of_character_without_a_picture_is_tried() -> None:
    assert {unicodedata.category(character) for character in NASTY} >= {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}
    assert all(dangerous(character) for character in NASTY)
