"""Text that a stranger might use as a name, and how to see whether it has an effect."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
"""The same examples each time, on a busy machine as well."""

NASTY = "".join(
    [
        "\x1b\x00\x07\x08\x0b\x0c\r\x7f",  # C0
        "\x85\x90\x9b\x9d",  # C1
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",  # direction of writing
        "\u2028\u2029",
        "\u200b\ufeff\ue000\ud83d",
    ]
)
"""Characters that have no picture."""

SEQUENCES = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://example.org\x1b\\\x9b31m\u202eevil\u2066\n\u2028\rerror: no"
"""Sequences that clear the terminal, rename its window, make a link, colour, turn the direction and forge a line."""


def dangerous(text: str) -> set[str]:
    """The characters that a terminal obeys or that make a reader see another text, apart from the end of a line."""
    return {
        character
        for character in text
        if ord(character) < 32
        or 0x7F <= ord(character) < 0xA0
        or character in "\u200b\u200e\u200f\u061c\u2028\u2029\ufeff"
        or "\u202a" <= character <= "\u202e"
        or "\u2066" <= character <= "\u2069"
        or "\ud800" <= character <= "\uf8ff"
    }
