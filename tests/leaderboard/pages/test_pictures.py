from __future__ import annotations

import math

import numpy as np
import pytest

from leaderboard.pages.pictures import ABOUT, KINDS, legend, ticks
from representations.circles.colours import COLOURS


def canvas(*colours: tuple[int, int, int]) -> np.ndarray:
    """Two white pictures, the first with a pixel of each colour."""
    stack = np.full((2, 8, 8, 3), 255, dtype=np.uint8)
    for place, colour in enumerate(colours):
        stack[0, 0, place] = colour
    return stack


def test_colours_are_those_of_the_canvas() -> None:
    assert {kind: colour for kind, (_, colour) in KINDS.items()} == COLOURS


def test_only_what_is_seen_is_in_the_legend() -> None:
    examples = {"a": canvas(COLOURS["muon"]), "b": canvas(COLOURS["met"], COLOURS["jet"]), "c": canvas(COLOURS["bjet"])}
    assert [name for name, _ in legend(examples, ("a", "b"))] == ["muon", "jet", "missing energy"]
    assert legend(examples, ("a",)) == [("muon", "rgb(0, 160, 0)")]
    assert legend({}, ("a",)) == []


def test_one_colour_has_the_name_that_the_examples_give_it() -> None:
    told = {"a": canvas(COLOURS["jet"], COLOURS["bjet"]), ABOUT["kinds"]: np.array(["charged_hadron", "photon"])}
    assert [name for name, _ in legend(told, ("a",))] == ["charged hadron"]


@pytest.mark.parametrize("kinds", [np.zeros(3), np.array([["jet"]]), np.array([], dtype="U4"), np.array(["<b>"])])
def test_a_strangers_kinds_do_no_harm(kinds: np.ndarray) -> None:
    found = legend({"a": canvas(COLOURS["jet"]), ABOUT["kinds"]: kinds}, ("a",))
    assert {name for name, _ in found} <= {"jet"}


@pytest.mark.parametrize(
    ("span", "eta", "phi"),
    [
        (None, "3", "π"),
        (np.array([3.0, math.pi]), "3", "π"),
        (np.array([1.25, 1.25]), "1.25", "1.25"),
        (np.array([np.nan, 1.0]), "3", "π"),
        (np.array(["x", "y"]), "3", "π"),
        (np.zeros((2, 2)), "3", "π"),
    ],
)
def test_axes(span: np.ndarray | None, eta: str, phi: str) -> None:
    examples = {} if span is None else {ABOUT["span"]: span}
    assert ticks(examples) == ((f"−{eta}", "0", eta), (f"−{phi}", "0", phi))
