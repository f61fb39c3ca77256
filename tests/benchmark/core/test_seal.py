"""Seals: any change of a sealed record is noticed, and nothing else is."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from benchmark.core.seal import SEAL, sealed, unsealed


class Note(BaseModel):
    text: str
    numbers: dict[str, float] = {}


notes = st.builds(
    Note,
    text=st.text(max_size=20),
    numbers=st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), max_size=4),
)


def test_the_hash_is_that_of_sorted_json():
    expected = hashlib.sha256(b'{"numbers":{"a":0.1},"text":"\\u03b7"}').hexdigest()
    assert json.loads(sealed(Note(text="η", numbers={"a": 0.1})))[SEAL] == expected


@given(notes)
def test_each_field_is_a_line(note: Note):
    first, *lines, last, rest = sealed(note).decode().split("\n")
    assert (first, last, rest) == ("{", "}", "")
    names = [next(iter(json.loads(f"{{{line.removesuffix(',')}}}"))) for line in lines]
    assert names == ["text", "numbers", SEAL]


@given(notes)
def test_a_record_comes_back(note: Note):
    content, intact = unsealed(json.loads(sealed(note)))
    assert intact is True
    assert Note.model_validate(content) == note


@given(notes, st.text(max_size=20))
def test_another_text_is_noticed(note: Note, text: str):
    content: dict[str, Any] = json.loads(sealed(note))
    content["text"] = text
    assert unsealed(content)[1] is (text == note.text)


def test_a_field_that_is_added_or_removed_is_noticed():
    content: dict[str, Any] = json.loads(sealed(Note(text="a")))
    assert unsealed({**content, "more": None})[1] is False
    del content["numbers"]
    assert unsealed(content)[1] is False


def test_a_record_without_a_seal():
    assert unsealed({"text": "a"}) == ({"text": "a"}, None)
