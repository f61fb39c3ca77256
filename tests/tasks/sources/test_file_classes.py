from pathlib import Path

import pytest

from benchmark.core.errors import UserError
from tasks.diphoton.reader import FILE_CLASSES as DIPHOTON_FILES
from tasks.sources.cms import label_files
from tasks.ttbar.reader import FILE_CLASSES as TTBAR_FILES

SOURCE = Path("/data/ttbar")


def label(path, classes=TTBAR_FILES):
    return label_files("ttbar", SOURCE, [SOURCE / path], classes)[0]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ttbar.root", 0),
        ("TTbar.root", 0),
        ("TTJets_MassiveBinDECAY_TuneZ2star_8TeV.root", 0),
        ("TTTo2L2Nu_13TeV-powheg.root", 0),
        ("TTToSemiLeptonic.root", 0),
        ("TT_TuneCUETP8M1.root", 0),
        ("nanoaod_2015_ttbar.root", 0),
        ("wjets.root", 1),
        ("WJetsToLNu.root", 1),
        ("W1JetsToLNu.root", 1),
        ("W+jets.root", 1),
        ("dy.root", 2),
        ("nano_dy.root", 2),
        ("DYJetsToLL_M-50.root", 2),
        ("DYToMuMu.root", 2),
        ("Drell-Yan.root", 2),
        ("ZJets.root", 2),
        ("TTJets/file_17.root", 0),
        ("wjets/A.root", 1),
        ("DYJetsToLL/DYJets_1.root", 2),
    ],
)
def test_names_of_cms_samples(name, wanted):
    assert label(name) == wanted


@pytest.mark.parametrize(
    "name",
    [
        "zz.root",
        "single_top.root",
        "TTWJetsToLNu.root",
        "WWJets.root",
        "data.root",
        "heptutorial_wz.root",
        "qcd/1.root",
    ],
)
def test_other_samples_have_no_class(name):
    with pytest.raises(UserError, match=r"names no class.*ttbar \(also TTbar.*wjets.*drellyan.*Rename it"):
        label(name)


@pytest.mark.parametrize("name", ["ttbar_and_wjets.root", "wjets/ttbar.root"])
def test_two_classes_are_refused(name):
    with pytest.raises(UserError, match="is named after ttbar and wjets, expected one class"):
        label(name)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("GluGluHToGG_M125_13TeV.root", 0),
        ("higgs.root", 0),
        ("DiPhotonJets_M60_8TeV.root", 1),
        ("DiPhotonBorn_Pt-25To250.root", 1),
        ("diphoton.root", 1),
        ("GJet_Pt40_doubleEMEnriched.root", 2),
        ("GJets_HT-200To400.root", 2),
        ("gammajet/1.root", 2),
        ("PhotonJet.root", 2),
    ],
)
def test_names_of_diphoton_samples(name, wanted):
    assert label(name, DIPHOTON_FILES) == wanted
