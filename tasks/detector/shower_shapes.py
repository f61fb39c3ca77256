"""The crop of barrel crystals around the hottest one, and the shapes that discriminate showers.

Shapes follow CMS (JINST 10 (2015) P08010, section 4; P06005, section 5): R9 is the energy of 3 x 3 crystals over
that of the cluster; the widths sigma_ieta_ieta are over 5 x 5 crystals, with weights max(0, 4.7 + ln(E_i / E_5x5)).
"""

from __future__ import annotations

import awkward as ak
import numpy as np

from tasks.detector.geometry import BARREL, CRYSTAL

HALF = 16
"""Half the width of the crop: rows and columns from -16 to 15 relative to the hottest crystal."""
LOG_WEIGHT = 4.7


def relative(ecal: ak.Array) -> ak.Array:
    """The hits with row and column relative to the hottest crystal of each event; columns are periodic in phi."""
    hottest = ak.argmax(ecal.energy, axis=1, keepdims=True)
    row, column = (ak.values_astype(ecal[axis], np.int64) for axis in ("row", "column"))
    down = row - ak.fill_none(ak.firsts(row[hottest]), 0)
    across = column - ak.fill_none(ak.firsts(column[hottest]), 0)
    across = (across + BARREL[1] // 2) % BARREL[1] - BARREL[1] // 2
    others = {name: ecal[name] for name in ecal.fields if name not in ("row", "column")}
    return ak.zip({"row": down, "column": across, **others})


def around_hottest(ecal: ak.Array) -> ak.Array:
    """The hits in 32 x 32 crystals of the barrel around the hottest one."""
    near = relative(ecal)
    inside = (near.row >= -HALF) & (near.row < HALF) & (near.column >= -HALF) & (near.column < HALF)
    return ecal[inside]


def shower_shapes(crop: ak.Array) -> ak.Array:
    """Shapes of one shower for each event, as a record of float32 columns; 0 without hits.

    Returns
    -------
    energy : of the crop, GeV
    e1, e4, e9, e25 : energy of the hottest crystal, the best 2 x 2 with it, 3 x 3 and 5 x 5, over that of the crop
    r9 : energy of 3 x 3 crystals over that of the cluster: 5 rows and all columns, as electrons spread in phi
    sigma_ieta_ieta, sigma_ieta_iphi, sigma_iphi_iphi : width in eta, covariance, width in phi
    hits : number of hits
    """
    near = relative(crop)
    energy, row, column = near.energy, near.row, near.column

    def box(rows: tuple[int, int], columns: tuple[int, int]) -> ak.Array:
        inside = (row >= rows[0]) & (row <= rows[1]) & (column >= columns[0]) & (column <= columns[1])
        return ak.sum(energy[inside], axis=1)

    total = ak.sum(energy, axis=1)
    e25 = box((-2, 2), (-2, 2))
    corners = [box((i, i + 1), (j, j + 1)) for i in (-1, 0) for j in (-1, 0)]
    e4 = np.max(np.stack([ak.to_numpy(corner) for corner in corners]), axis=0)
    five = (abs(row) <= 2) & (abs(column) <= 2)
    share = energy[five] / ak.where(e25 > 0, e25, 1.0)
    weight = np.maximum(0.0, LOG_WEIGHT + np.log(np.maximum(share, 1e-12)))
    sums = ak.sum(weight, axis=1)
    sums = ak.where(sums > 0, sums, 1.0)
    i, j = row[five] * CRYSTAL, column[five] * CRYSTAL
    mean_i, mean_j = ak.sum(weight * i, axis=1) / sums, ak.sum(weight * j, axis=1) / sums

    def covariance(a: ak.Array, b: ak.Array) -> ak.Array:
        return ak.sum(weight * a * b, axis=1) / sums

    norm = ak.where(total > 0, total, 1.0)
    cluster = box((-2, 2), (-HALF, HALF))
    shapes = {
        "energy": total,
        "e1": box((0, 0), (0, 0)) / norm,
        "e4": e4 / norm,
        "e9": box((-1, 1), (-1, 1)) / norm,
        "e25": e25 / norm,
        "r9": box((-1, 1), (-1, 1)) / ak.where(cluster > 0, cluster, 1.0),
        "sigma_ieta_ieta": np.sqrt(np.maximum(covariance(i, i) - mean_i**2, 0.0)),
        "sigma_ieta_iphi": covariance(i, j) - mean_i * mean_j,
        "sigma_iphi_iphi": np.sqrt(np.maximum(covariance(j, j) - mean_j**2, 0.0)),
        "hits": ak.num(energy),
    }
    return ak.zip({name: ak.values_astype(ak.to_numpy(values), np.float32) for name, values in shapes.items()})
