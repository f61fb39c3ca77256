"""Calorimeter pictures made hit by hit: slow, and plainly right. Events are dicts of lists of dicts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tasks.detector.geometry import HCAL_EDGES, endcap_mask

Event = dict[str, list[dict[str, float]]]
Pictures = dict[str, np.ndarray]
"""By channel."""

PITCH, DISTANCE = 0.03, 3.154
"""Metres: of the endcap's crystals, and from the centre of the detector."""


def ring_of(eta: float) -> int:
    """Row of the HCAL (0 to 55) that points to this eta."""
    number = sum(1 for edge in HCAL_EDGES[1:-1] if abs(eta) >= edge)
    return 28 + number if eta >= 0 else 27 - number


def is_wide(row: int) -> bool:
    return row < 8 or row > 47


def endcap_place(row: int, column: int) -> tuple[float, float]:
    """eta and phi of an endcap's crystal."""
    x, y = (column - 49.5) * PITCH, (row % 100 - 49.5) * PITCH
    eta = math.asinh(DISTANCE / math.hypot(x, y))
    return (eta if row >= 100 else -eta), math.atan2(y, x)


def tower_of(row: int, column: int) -> tuple[int, int]:
    """The tower that a crystal of an endcap points to."""
    eta, phi = endcap_place(row, column)
    ring, sector = ring_of(eta), math.floor(round((math.degrees(phi) + 180) / 5, 9))
    return ring, sector - sector % 2 if is_wide(ring) else sector


def crystals_of_towers() -> dict[tuple[int, int], list[tuple[int, int]]]:
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in np.argwhere(np.tile(endcap_mask(), (2, 1))).tolist():
        found.setdefault(tower_of(row, column), []).append((row, column))
    return found


CRYSTALS = crystals_of_towers()


def barrel(event: Event) -> Pictures:
    found = {name: np.zeros((170, 360)) for name in ("tracks", "ecal", "hcal")}
    for hit in event["ecal"]:
        found["ecal"][int(hit["row"]), int(hit["column"])] += hit["energy"]
    for hit in event["hcal"]:
        row, column = int(hit["row"]), int(hit["column"])
        if 11 <= row < 45:  # the towers of the barrel, 5 x 5 crystals each
            for i in range(5):
                for j in range(5):
                    found["hcal"][5 * (row - 11) + i, 5 * column + j] += hit["energy"] / 25
    for track in event["tracks"]:
        if abs(track["eta"]) < 1.479:
            row = math.floor((track["eta"] + 1.479) / 1.479 * 85)
            found["tracks"][row, math.floor(math.degrees(track["phi"]) + 180) % 360] += track["pt"]
    return found


def ends(event: Event) -> Pictures:
    """Both endcaps, 200 x 100."""
    found = {name: np.zeros((200, 100)) for name in ("tracks", "ecal", "hcal")}
    for hit in event["ecal_endcap"]:
        found["ecal"][int(hit["row"]), int(hit["column"])] += hit["energy"]
    for hit in event["hcal"]:
        tower = int(hit["row"]), int(hit["column"])
        if not 11 <= tower[0] < 45:
            for row, column in CRYSTALS[tower]:
                found["hcal"][row, column] += hit["energy"] / len(CRYSTALS[tower])
    for track in event["tracks"]:
        if 1.479 <= abs(track["eta"]) < 3:
            distance = DISTANCE / math.sinh(abs(track["eta"]))
            column = math.floor(distance * math.cos(track["phi"]) / PITCH + 50)
            row = math.floor(distance * math.sin(track["phi"]) / PITCH + 50)
            if 0 <= row < 100 and 0 <= column < 100:
                found["tracks"][row + (100 if track["eta"] > 0 else 0), column] += track["pt"]
    return found


def ecal(event: Event) -> dict[str, Pictures]:
    """By panel."""
    both = ends(event)
    minus, plus = ({name: picture[part] for name, picture in both.items()} for part in (slice(100), slice(100, 200)))
    return {"barrel": barrel(event), "endcap_minus": minus, "endcap_plus": plus}


def detector(event: Event) -> Pictures:
    found = {name: np.zeros((280, 360)) for name in ("tracks", "ecal", "hcal")}
    middle = barrel(event)
    for name in ("ecal", "tracks"):
        found[name][55:225] = middle[name]
    for hit in event["ecal_endcap"]:
        eta, phi = endcap_place(int(hit["row"]), int(hit["column"]))
        line, across = line_of(eta), math.degrees(phi) + 180
        for i in (math.floor(line - 0.5), math.floor(line - 0.5) + 1):
            for j in (math.floor(across - 0.5), math.floor(across - 0.5) + 1):
                low, high = (225, 279) if eta > 0 else (0, 54)
                found["ecal"][min(max(i, low), high), j % 360] += hit["energy"] / 4
    for hit in event["hcal"]:
        row, column = int(hit["row"]), int(hit["column"])
        width = 10 if is_wide(row) else 5
        for i in range(5):
            for j in range(width):
                found["hcal"][5 * row + i, 5 * column + j] += hit["energy"] / (5 * width)
    for track in event["tracks"]:
        if 1.479 <= abs(track["eta"]) < 3:
            row = math.floor(line_of(track["eta"]))
            found["tracks"][row, math.floor(math.degrees(track["phi"]) + 180) % 360] += track["pt"]
    return found


def line_of(eta: float) -> float:
    """Row, with its fraction, of the picture of the whole detector: five a tower."""
    ring = min(sum(1 for edge in HCAL_EDGES[1:-1] if abs(eta) >= edge), 27)
    low, high = HCAL_EDGES[ring : ring + 2]
    away = 5 * (ring + (abs(eta) - low) / (high - low))
    return 140 + away if eta >= 0 else 140 - away


def crop(event: Event) -> Pictures:
    picture = np.zeros((32, 32))
    if event["ecal"]:
        hottest = min(event["ecal"], key=lambda hit: (-hit["energy"], hit["row"], hit["column"]))
        for hit in event["ecal"]:
            row = int(hit["row"] - hottest["row"]) + 16
            column = int(hit["column"] - hottest["column"]) % 360
            column = (column if column < 180 else column - 360) + 16
            if 0 <= row < 32 and 0 <= column < 32:
                picture[row, column] += hit["energy"]
    return {"ecal": picture}


def coarse(picture: np.ndarray, step: int) -> np.ndarray:
    high, wide = picture.shape
    found = np.zeros((high // step, wide // step))
    for row in range(high):
        for column in range(wide):
            found[row // step, column // step] += picture[row, column]
    return found


def random_event(rng: np.random.Generator, hits: int) -> Event:
    """Hits anywhere, some twice, some of no energy and some below; tracks up to abs(eta) 3.2, away from edges."""
    inside = np.argwhere(np.tile(endcap_mask(), (2, 1)))
    towers = [(row, column) for row in range(56) for column in range(72) if not (is_wide(row) and column % 2)]

    def cells(places: Any) -> list[dict[str, float]]:
        chosen = [places[k] for k in rng.integers(len(places), size=hits)]
        chosen += chosen[: hits // 4]
        energies = np.float32(rng.exponential(3.0, len(chosen)) * rng.choice([1, 1, 1, 1, 1000, 0, -0.1], len(chosen)))
        return [
            {"row": int(row), "column": int(column), "energy": float(energy), "time": float(np.float32(rng.normal()))}
            for (row, column), energy in zip(chosen, energies, strict=True)
        ]

    grid = [(int(k) // 360, int(k) % 360) for k in rng.integers(170 * 360, size=max(hits, 1))]
    tracks = [
        {
            "eta": float(np.float32((int(rng.integers(-184, 184)) + rng.uniform(0.2, 0.8)) * 1.479 / 85)),
            "phi": float(np.float32(math.radians(int(rng.integers(-180, 180)) + rng.uniform(0.2, 0.8)))),
            "pt": float(np.float32(rng.exponential(5.0))),
        }
        for _ in range(hits)
    ]
    hcal = [{name: hit[name] for name in ("row", "column", "energy")} for hit in cells(towers)]
    return {"ecal": cells(grid), "ecal_endcap": cells(inside), "hcal": hcal, "tracks": tracks}
