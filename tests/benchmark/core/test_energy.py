"""Counters of energy in a folder as Linux has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.core import energy
from benchmark.core.energy import EnergyMeter

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 262_143_328_850


@pytest.fixture
def powercap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    return tmp_path


def count(powercap: Path, name: str, microjoules: object) -> None:
    (powercap / name).mkdir(exist_ok=True)
    (powercap / name / "energy_uj").write_text(f"{microjoules}\n")
    (powercap / name / "max_energy_range_uj").write_text(f"{LARGEST}\n")


def test_packages_are_added_and_their_parts_are_not(powercap: Path):
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0", "dtpm"):
        count(powercap, name, 1_000_000)
    meter = EnergyMeter()
    count(powercap, "intel-rapl:0", 3_500_000)
    count(powercap, "intel-rapl:1", 2_000_000)
    count(powercap, "intel-rapl:0:0", 9_000_000)
    assert meter.joules() == pytest.approx(3.5)


def test_a_counter_that_begins_anew(powercap: Path):
    count(powercap, "intel-rapl:0", LARGEST - 999_999)
    meter = EnergyMeter()
    count(powercap, "intel-rapl:0", 500_000)
    assert meter.joules() == pytest.approx(1.5)


@pytest.mark.parametrize("found", ["", "many", -1, LARGEST + 1])
def test_a_counter_that_can_not_be_read(powercap: Path, found: object):
    count(powercap, "intel-rapl:0", 0)
    count(powercap, "intel-rapl:1", found)
    assert EnergyMeter().joules() is None


def test_a_machine_without_counters(powercap: Path):
    assert EnergyMeter().joules() is None
