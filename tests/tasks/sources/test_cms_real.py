"""Real NanoAOD and HEP Tutorial files, where they are at hand."""

import awkward as ak
import numpy as np
import pytest
import uproot

from tasks.diphoton.reader import DiphotonReader
from tasks.events import KINDS, check
from tasks.ttbar.ttbar import TTbar
from tests.tasks.sources.files import SHARED


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"real CMS files are not at {SHARED}")
class TestRealFiles:
    @pytest.fixture
    def linked(self, tmp_path):
        def linked(name, called):
            path = tmp_path / f"{called}_{name}.root"
            path.symlink_to((SHARED / "events" / f"{name}.root").resolve())
            return path

        return linked

    @pytest.mark.parametrize(
        ("name", "events"),
        [
            ("nanoaod_2015_ttbar", 200),
            ("nano_dy", 40),
            ("nano_dimuon", 40),
            ("heptutorial_zz", 2421),
            ("heptutorial_wz", 3367),
            ("heptutorial_single_top", 5684),
        ],
    )
    def test_every_event_is_kept_or_counted(self, linked, name, events):
        called = "dy" if name == "nano_dy" else "ttbar"
        read = TTbar().reader.read(
            linked(name, called) if name != "nanoaod_2015_ttbar" else SHARED / "events" / f"{name}.root"
        )
        table = read.table
        assert len(table) + sum(read.dropped.values()) == events
        assert len(table) > 0
        check(table, name)
        lepton = table.objects[table.objects.kind <= KINDS.index("muon")]
        assert ak.all(ak.num(lepton) >= 1)
        assert ak.min(lepton.pt) > 20
        assert (table.label == (2 if called == "dy" else 0)).to_numpy().all()

    def test_muons_of_older_nanoaod_whose_identification_is_never_filled(self):
        read = TTbar().reader.read(SHARED / "events" / "nanoaod_2015_ttbar.root")
        muons = ak.sum(read.table.objects.kind == KINDS.index("muon"))
        assert read.notes == ["nanoaod_2015_ttbar.root never fills Muon_tightId: muons are selected without it"]
        assert muons >= 20
        assert read.dropped["not selected"] < 160

    def test_top_quarks_have_more_tagged_jets_than_bosons(self, linked):
        top = TTbar().reader.read(linked("heptutorial_single_top", "ttbar")).table.candidate.n_bjets.to_numpy()
        zz = TTbar().reader.read(linked("heptutorial_zz", "dy")).table.candidate.n_bjets.to_numpy()
        assert np.mean(top > 0) > 3 * np.mean(zz > 0)

    @pytest.mark.parametrize("name", ["heptutorial_zz", "heptutorial_wz", "nano_dy"])
    def test_electrons_that_pass_for_photons_are_read(self, linked, name):
        """No selection but that of the paper: the electrons of a Z are pairs of clusters like photons."""
        path = linked(name, "higgs")
        found = branches_of(path)
        kept = sum(len(chunk) for chunk in DiphotonReader(forward=True).read(path).chunks) if found else 0
        assert kept == found


def branches_of(path):
    """Events with two photons of the selection and m_yy > 90, counted one by one with uproot alone."""
    with uproot.open(path) as file:
        tree = file["Events"] if "Events" in file else file["events"]
        names = {name.lower(): name for name in tree.keys(recursive=False) if name.startswith("Photon_")}
        cartesian = "photon_px" in names
        axes = [names[f"photon_{axis}"] for axis in (("px", "py", "pz") if cartesian else ("pt", "eta", "phi"))]
        rows = list(zip(*(tree[axis].array().tolist() for axis in axes), strict=True))
    kept = 0
    for event in rows:
        found = []
        for a, b, c in zip(*event, strict=True):
            pt, eta, phi = (
                (np.hypot(a, b), np.arcsinh(c / np.hypot(a, b)), np.arctan2(b, a)) if cartesian else (a, b, c)
            )
            if pt > 20 and (abs(eta) < 1.44 or 1.54 < abs(eta) < 2.3):
                found.append((pt, eta, phi))
        found = sorted(found, reverse=True)[:2]
        if len(found) == 2:
            (pt, eta, phi), (pt2, eta2, phi2) = found
            kept += bool(2 * pt * pt2 * (np.cosh(eta - eta2) - np.cos(phi - phi2)) > 90**2)
    return kept
