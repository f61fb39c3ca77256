from __future__ import annotations

import math

import numpy as np
import pytest

from leaderboard.pages.pictures import ABOUT, legend, ticks


def canvas(*colours: tuple[int, int, int]) -> np.ndarray:
    """Two white pictures, the first with a pixel of each colour."""
    stack = np.full((2, 8, 8, 3), 255, dtype=np.uint8)
    for place, colour in enumerate(colours):
        stack[0, 0, place] = colour
    return stack


MUON, JET, MET = (0, 160, 0), (255, 120, 120), (0, 0, 0)
LEGEND = {
    ABOUT["kinds"]: np.array(["muon", "jet", "missing energy"]),
    ABOUT["colours"]: np.array([MUON, JET, MET], dtype=np.uint8),
}


def test_only_what_is_seen_is_in_the_legend() -> None:
    examples = {"a": canvas(MUON), "b": canvas(MET, JET), "c": canvas((139, 0, 0)), **LEGEND}
    assert [name for name, _ in legend(examples, ("a", "b"))] == ["muon", "jet", "missing energy"]
    assert legend(examples, ("a",)) == [("muon", "rgb(0, 160, 0)")]
    assert legend({}, ("a",)) == []


def test_one_colour_has_the_name_that_the_examples_give_it() -> None:
    examples = {"a": canvas(JET), ABOUT["kinds"]: np.array(["charged hadron", "photon"])}
    examples[ABOUT["colours"]] = np.array([JET, MUON], dtype=np.uint8)
    assert legend(examples, ("a",)) == [("charged hadron", "rgb(255, 120, 120)")]


@pytest.mark.parametrize("kinds", [np.zeros(3), np.array([["jet"]]), np.array([], dtype="U4"), np.array(["<b>"])])
def test_malformed_kinds_give_no_legend(kinds: np.ndarray) -> None:
    assert legend({**LEGEND, "a": canvas(JET), ABOUT["kinds"]: kinds}, ("a",)) == []


@pytest.mark.parametrize("colours", [None, np.zeros((3, 3)), np.zeros((2, 3), np.uint8), np.array(["red"] * 3)])
def test_malformed_colours_give_no_legend(colours: np.ndarray | None) -> None:
    examples = {**LEGEND, "a": canvas(JET), ABOUT["colours"]: colours}
    assert legend({name: array for name, array in examples.items() if array is not None}, ("a",)) == []


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
