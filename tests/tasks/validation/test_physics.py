"""Numbers of small samples of every task, within loose bounds of physics."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.detector.response import CMS
from tasks.registry import TASKS
from tasks.validation.figure import Curve, Map, Spectrum

EXPECTED = [
    ("dimuon", "J/psi: fitted mass", 3.0969, 0.015),
    ("dimuon", "J/psi: fitted width", 0.035, 0.02),
    ("dimuon", "psi(2S): fitted mass", 3.6861, 0.025),
    ("dimuon", "psi(2S): fitted width", 0.045, 0.03),
    ("dimuon", "Upsilon(1S): fitted mass", 9.4603, 0.04),
    ("dimuon", "Upsilon(1S): fitted width", 0.10, 0.06),
    ("dimuon", "Z: fitted mass", 91.0, 0.6),
    ("dimuon", "Z: fitted width", 2.1, 0.9),
    ("wprime", "W jets: fitted trimmed mass", 80.0, 3.0),
    ("wprime", "W jets: fitted width", 6.0, 4.0),
    ("wprime", "tau21: median of QCD jets less that of W jets", 0.3, 0.15),
    ("diphoton", "Higgs: median of m_yy", 125.0, 1.0),
    ("diphoton", "Higgs: half of the central 68% of m_yy", 1.5, 1.0),
    ("diphoton", "Higgs: second photon with R9 above 0.94", 65.0, 25.0),
    ("ttbar", "Drell-Yan: fitted dilepton mass", 91.2, 1.0),
    ("ttbar", "W + jets: transverse mass at half height beyond its peak", 84.0, 8.0),
    ("ttbar", "tt: mean number of jets", 3.5, 1.0),
    ("ttbar", "missing energy over neutrinos above 30 GeV", 1.0, 0.08),
    ("ttbar", "resolution of missing energy along them", 6.0, 4.0),
    ("ttbar", "tagged b jets", CMS.tag_efficiency[2], 0.06),
    ("ttbar", "tagged c jets", CMS.tag_efficiency[1], 0.10),
    ("ttbar", "tagged light jets", CMS.tag_efficiency[0], 0.015),
    ("ttbar", "leading jet: median of both calorimeters over pt", 0.82, 0.10),
    ("ttbar", "leading jet: median of the tracks' pt over its own", 0.59, 0.08),
    ("ttbar", "leading electron: median of the ECAL over pt", 0.955, 0.03),
    ("ttbar", "leading muon: median energy in the HCAL", 2.2, 0.2),
    ("egamma", "unconverted photons: in 1 crystal, at its centre", 0.76, 0.06),
    ("egamma", "unconverted photons: in 3 x 3 crystals", 0.94, 0.04),
    ("egamma", "unconverted photons: in 5 x 5 crystals", 0.97, 0.03),
    ("egamma", "photons that convert in the tracker", 0.40, 0.12),
    ("egamma", "unconverted photons: median R9", 0.96, 0.03),
    ("egamma", "electrons: median sigma_ieta_ieta", 0.0095, 0.0025),
    ("egamma", "pile-up: mean number of collisions", 12.0, 0.1),
    ("egamma", "pile-up: variance over mean", 1.0, 0.04),
    ("diphoton", "pile-up: mean number of collisions", 5.0, 0.07),
    ("diphoton", "pile-up: transverse energy read a collision", 15.0, 10.0),
]


@pytest.mark.parametrize(("task", "name", "value", "margin"), EXPECTED)
def test_numbers_of_physics(checks, task: str, name: str, value: float, margin: float):
    assert checks(task)[name].value == pytest.approx(value, abs=margin)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("wprime", "jet pt alone"),
        ("wprime", "abs(eta) alone"),
        ("egamma", "energy of the crop alone"),
        ("egamma", "true pt alone"),
        ("egamma", "true eta alone"),
        ("egamma", "true phi alone"),
    ],
)
def test_what_must_not_tell_classes_apart(checks, task: str, name: str):
    check = checks(task)[name]
    assert check.verdict == "ok"
    assert check.low < 0.5 < check.high


@pytest.mark.parametrize("task", TASKS.core())
def test_every_check_knows_its_range_and_source(checks, task: str):
    assert len(checks(task)) >= 5
    for check in checks(task).values():
        assert check.low < check.high
        assert len(check.source) > 8
    symmetric = [check for name, check in checks(task).items() if "azimuth" in name or "forward" in name]
    assert [check.name for check in symmetric if check.verdict == "OUTSIDE"] == []


@pytest.mark.parametrize("task", TASKS.core())
def test_figures_are_whole(figures, task: str):
    for name, figure in figures(task).items():
        assert name.replace("-", "").isalnum()
        for panel in figure.panels:
            if isinstance(panel, Spectrum):
                assert np.all(np.diff(panel.edges) > 0)
                assert sum(counts.sum() for counts in panel.counts.values()) > 0, (name, panel.title)
            elif isinstance(panel, Curve):
                points = [*panel.points.values()]
                assert any(len(each.x) for each in points)
                assert all(np.all(each.low <= each.y) and np.all(each.y <= each.high) for each in points)
            else:
                assert isinstance(panel, Map)
                assert np.isfinite(panel.values).any()


def test_photons_that_convert_are_wider_in_phi(checks):
    found = checks("egamma")
    assert found["R9: unconverted less converted photons"].value > 0.01
    assert found["R9: unconverted photons less electrons"].value > 0.005


def test_energy_flow_and_hits_grow_with_pileup(figures):
    _, flow, read = figures("egamma")["pile-up"].panels
    for panel in (flow, read):
        for points in panel.points.values():
            assert np.polyfit(points.x, points.y, 1)[0] > 0
            assert points.y[-1] > 1.5 * points.y[0]


def test_b_tags_are_as_set_in_every_bin_with_jets(figures):
    (panel,) = figures("ttbar")["b-tags"].panels
    beauty = panel.points["b"]
    assert len(beauty.x) >= 4
    assert np.all(np.abs(beauty.y - CMS.tag_efficiency[2]) < 5 * (beauty.high - beauty.low))


def test_mean_pictures(figures):
    electron, photon, difference = figures("egamma")["shower-picture"].panels
    for panel in (electron, photon):
        assert np.unravel_index(np.nanargmax(panel.values), panel.values.shape) == (16, 16)
    # electrons spread in phi, along a row; photons keep more in the hottest crystal
    assert difference.values[16, 16] < 0
    assert difference.values[16, 18:22].sum() > 0
    first, second, apart = figures("wprime")["jet-picture"].panels
    assert first.values.sum() == pytest.approx(1.0, abs=0.02)
    assert np.unravel_index(first.values.argmax(), first.values.shape) == (12, 12)
    # below the first subjet, where a W has its second and most QCD jets have nothing
    assert first.values[4:10, 12].sum() > 1.5 * second.values[4:10, 12].sum()
    assert apart.diverging
    assert math.isclose(apart.values.sum(), first.values.sum() - second.values.sum(), abs_tol=1e-9)
