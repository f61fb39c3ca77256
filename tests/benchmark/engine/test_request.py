from __future__ import annotations

from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from benchmark.engine.job import build
from benchmark.engine.request import EXPERT, Cell, Choice, Request, cells, choices, parse_filter, parse_seeds
from benchmark.records.identity import Part
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS
from tests.benchmark.toys import model

WORDS = st.text("abcxyz0189_./:-", min_size=1)
NAMES = st.text("abcxyz_", min_size=1)
VALUES = st.text("abcXYZ0189._+-=: /é", min_size=1).map(str.strip).filter(bool)
CHOICES = st.builds(Choice, WORDS, st.dictionaries(NAMES, VALUES, max_size=4).map(lambda found: tuple(found.items())))


@given(st.lists(CHOICES, min_size=1, max_size=4))
def test_filters_round_trip(wanted):
    assert parse_filter(",".join(map(str, wanted))) == wanted


@given(st.text("ab[]=, .:", max_size=20))
def test_any_text_is_read_or_refused(text):
    with suppress(UserError):
        assert all(choice.target.strip() for choice in parse_filter(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cnn", [Choice("cnn")]),
        ("cnn,bdt", [Choice("cnn"), Choice("bdt")]),
        ("cnn[]", [Choice("cnn")]),
        ("cnn[depth=15,dropout=0.2],ffnn", [Choice("cnn", (("depth", "15"), ("dropout", "0.2"))), Choice("ffnn")]),
        (" cnn [ depth = 15 ] , bdt ", [Choice("cnn", (("depth", "15"),)), Choice("bdt")]),
        ("a/b.py:Mine[x=1=2]", [Choice("a/b.py:Mine", (("x", "1=2"),))]),
    ],
)
def test_grammar(text, wanted):
    assert parse_filter(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "cnn,",
        "cnn,,bdt",
        "cnn[",
        "cnn]",
        "cnn]a[",
        "[depth=15]",
        "cnn[[depth=15]]",
        "cnn[depth=15]x",
        "c[a=1][b=2]",
    ],
)
def test_what_is_no_filter(text):
    with pytest.raises(UserError, match="can't be read, expected name or name"):
        parse_filter(text)


@pytest.mark.parametrize("text", ["cnn[depth]", "cnn[=15]", "cnn[depth=]", "cnn[depth=15, =]"])
def test_what_is_no_parameter(text):
    with pytest.raises(UserError, match="expected parameter=value"):
        parse_filter(text)


def test_parameter_given_twice():
    with pytest.raises(UserError, match="parameter 'depth' is given twice"):
        parse_filter("cnn[depth=15,depth=11]")


@pytest.mark.parametrize(
    ("text", "seeds"), [("1", [0]), ("3", [0, 1, 2]), ("0,1,2", [0, 1, 2]), ("7,", [7]), ("4,4, 2", [4, 2])]
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", ",", "0", "-1", "1,-1", "three", "1.5", "1;2", "123456789"])
def test_wrong_seeds(text):
    with pytest.raises(UserError, match=f"--seeds '{text}': expected how many"):
        parse_seeds(text)


def test_no_word_and_all_mean_all_and_nothing_comes_twice():
    everything = [Choice(name) for name in MODELS.core()]
    assert choices(MODELS, ()) == choices(MODELS, ["all"]) == choices(MODELS, ["all,cnn", "bdt"]) == everything
    assert choices(MODELS, ["cnn,bdt", "cnn", "cnn[depth=7]"]) == [
        Choice("cnn"),
        Choice("bdt"),
        Choice("cnn", (("depth", "7"),)),
    ]


def test_all_takes_no_parameters():
    with pytest.raises(UserError, match="'all' takes no parameters"):
        choices(MODELS, ["all[depth=15]"])


def test_files_are_known_by_their_whole_path(monkeypatch):
    target = model("Nearest")
    file, _, _ = target.rpartition(":")
    monkeypatch.chdir(Path(file).parent)
    assert choices(MODELS, ["toy_models.py:Nearest[noise=1]", target]) == [
        Choice(target, (("noise", "1"),)),
        Choice(target),
    ]


def test_a_plugin_of_a_file_is_printed_by_its_name():
    made = cells(Request(("ttbar",), ("circles",), (f"{model('Nearest')}[noise=1]",)))
    assert str(made[0]) == "ttbar · circles · nearest[noise=1] · seed 0"
    assert made[0].model.target == model("Nearest")


def test_cells_are_the_product_in_order():
    found = cells(Request(("ttbar",), ("circles,fourvectors",), ("cnn[depth=7]", "bdt"), seeds="2", preset="smoke"))
    assert [str(cell) for cell in found[:5]] == [
        "ttbar · circles · cnn[depth=7] · seed 0",
        "ttbar · circles · cnn[depth=7] · seed 1",
        "ttbar · circles · bdt · seed 0",
        "ttbar · circles · bdt · seed 1",
        "ttbar · fourvectors · cnn[depth=7] · seed 0",
    ]
    assert len(found) == len(set(found)) == 8
    cnn = Choice("cnn", (("depth", "7"),))
    assert found[0] == Cell(Choice("ttbar"), Choice("circles"), cnn, "smoke", "detector", 0, "cpu")


def test_an_empty_request_means_everything():
    names = [(cell.task.target, cell.representation.target, cell.model.target) for cell in cells(Request())]
    grid = list(product(REPRESENTATIONS.core(), MODELS.core()))
    lines = {task: [EXPERT] if TASKS.load(task).expert else [] for task in TASKS.core()}
    assert names == [(task, *pair) for task in TASKS.core() for pair in [*grid, *lines[task]]]
    assert lines["ttbar"] == [("expert", "bdt")] != lines["dimuon"], "masses are classes there"


@pytest.mark.parametrize("asked", [{"models": ("bdt",)}, {"representations": ("all",)}])
def test_the_expert_line_is_of_a_run_of_everything(asked):
    assert "expert" not in {cell.representation.target for cell in cells(Request(("ttbar",), **asked))}


def test_a_cell_for_each_number_of_training_events():
    found = cells(Request(("ttbar",), ("graph",), ("bdt",), seeds="2", train_events=(100, 50, 100), test_events=7))
    assert [(cell.seed, cell.train_events) for cell in found] == [(0, 100), (0, 50), (1, 100), (1, 50)]
    assert {cell.test_events for cell in found} == {7}
    assert str(found[0]) == "ttbar · graph · bdt · seed 0 · 100 events"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(("tbar",)), "unknown task 'tbar'. Did you mean 'ttbar'?"),
        (Request(representations=("circle",)), "unknown representation 'circle'. Did you mean 'circles'?"),
        (Request(models=("cnm",)), "unknown model 'cnm'. Did you mean 'cnn'?"),
        (Request(preset="standart"), "unknown preset 'standart'. Did you mean 'standard'?"),
        (Request(source=Path("x.csv")), "files belong to one task, but"),
    ],
)
def test_wrong_requests(request_, message):
    with pytest.raises(UserError) as caught:
        cells(request_)
    assert message in str(caught.value)


def test_source_of_one_task_is_kept():
    (found, *_) = cells(Request(("dimuon",), source=Path("x.csv")))
    assert found.source == Path("x.csv")


def test_identity_names_what_is_no_default_however_it_was_said():
    def known(text: str, preset: str = "") -> dict:
        (choice,) = parse_filter(text)
        return Part.of(MODELS, choice.target, choice.build(MODELS, preset)).hashed()

    assert known("cnn")["parameters"] == {}
    assert known("cnn[depth=15]") == known("cnn")
    assert known("cnn[depth=7]")["parameters"] == {"depth": 7}
    given = known("cnn", "smoke")["parameters"]
    assert known(f"cnn[{','.join(f'{name}={value}' for name, value in given.items())}]") == known("cnn", "smoke")


ALIKE = {
    "model": ("from models.bdt import BDT", "BDT", "bdt"),
    "representation": ("from representations.fourvectors.fourvectors import FourVectors", "FourVectors", "fourvectors"),
    "task": ("from tests.benchmark.plugins.toy_task import Toy", "Toy", "ttbar"),
}


@pytest.mark.parametrize("group", ALIKE)
def test_a_file_plugin_named_like_one_of_ours_takes_nothing_of_it(tmp_path: Path, group: str):
    """Neither its name in tables, nor the keys of its data, samples, trainings and results."""
    line, base, name = ALIKE[group]
    frozen = "" if group == "model" else "frozen=True, "
    text = f"{line}\nfrom dataclasses import dataclass\n\n@dataclass({frozen}kw_only=True)\nclass Mine({base}):\n"
    (tmp_path / "mine.py").write_text(text + f"    '''Mine.'''\n    name = '{name}'\n")
    names = {"task": "ttbar", "representation": "fourvectors", "model": "bdt"}
    both = [names, names | {group: f"{tmp_path / 'mine.py'}:Mine"}]
    chosen = [Request(*[(found[kind],) for kind in names], preset="smoke") for found in both]
    ours, mine = (build(cell) for request in chosen for cell in cells(request))
    assert str(mine.cell) == str(ours.cell).replace(name, f"{name} (mine.py)", 1)
    one, other = ours.identity(None), mine.identity(None)
    assert one.result_key() != other.result_key()
    assert one.training_key() != other.training_key()
    assert ours.record(None, one).stem != mine.record(None, other).stem
    assert (one.samples_key() != other.samples_key()) == (group != "model")
    assert (ours.data.folder(tmp_path) != mine.data.folder(tmp_path)) == (group == "task")
    assert (ours.is_foreign, mine.is_foreign) == (False, True)
