from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest

from benchmark.core import registry
from benchmark.core.errors import UserError
from benchmark.core.parameters import parameters_of
from benchmark.core.registry import Entry, Registry
from benchmark.metrics.registry import METRICS
from models.model import Model
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS
from tests.benchmark.toys import PLUGINS
from tests.workers import spawned_workers

if TYPE_CHECKING:
    from pathlib import Path

ALL = [TASKS, REPRESENTATIONS, MODELS, METRICS]
MINE = """
from models.model import Model

class Mine(Model):
    '''Mine alone.

    More about it.
    '''
    name = "mine"
    def fit(self, train, valid, context): ...
    def predict_proba(self, samples): ...
    def save(self, folder): ...
    def load(self, folder, context): ...
"""
HALF = """
from models.model import Model

class Half(Model):
    name: str = "half"
    def fit(self, train, valid, context): ...
"""


def write(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_listing_imports_no_plugin():
    code = """
import sys
from benchmark.metrics.registry import METRICS
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS
groups = {group.group: group for group in (TASKS, REPRESENTATIONS, MODELS, METRICS)}
assert all(group.names() for group in groups.values())
plugins = {entry.target.partition(":")[0] for group in groups.values() for entry in group.entries().values()}
contracts = {group.contract.partition(":")[0] for group in groups.values()}
assert len(plugins) > 15
assert not (plugins | contracts | {"numpy", "torch"}) & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("group", ALL, ids=lambda group: group.group)
def test_everything_registered_loads_under_its_own_name(group: Registry):
    names = group.names()
    assert len(names) == len(set(names)) > 0
    for name in names:
        assert group.load(name).name == name
        assert group.find(name).origin == "package"
        assert group.find(name).file_hash() == ""


def test_unknown_name_has_a_suggestion():
    with pytest.raises(UserError, match=r"unknown model 'cmn'. Did you mean 'cnn'\?"):
        MODELS.load("cmn")
    with pytest.raises(UserError, match=r"unknown task 'zzzzzz'. Known: dimuon, .*ttbar"):
        TASKS.find("zzzzzz")


def test_file_plugin(tmp_path: Path):
    path = write(tmp_path, MINE)
    entry = MODELS.find(f"{path}:Mine")
    assert entry == Entry("mine", "Mine alone.\n\nMore about it.", f"{path}:Mine", str(path))
    assert entry.summary == "Mine alone."
    assert entry.is_file
    plugin = MODELS.load(f"{path}:Mine")
    assert issubclass(plugin, Model)
    assert MODELS.load(str(path)) is plugin, "the only class is the default, and a file is imported once"


def test_relative_file_is_found_and_kept_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write(tmp_path, MINE)
    monkeypatch.chdir(tmp_path)
    assert MODELS.find("mine.py:Mine").target == f"{path}:Mine"


USES_SIBLINGS = """
import helper
import helper as h
from helper import WORD
import parts.deep
import parts.deep as d
from parts import near
from models.model import Model

class Mine(Model):
    '''Mine alone.'''
    name = "mine"
    words = (WORD, helper.WORD, h.WORD, parts.deep.WORD, d.WORD, near.WORD)
    def fit(self, train, valid):
        import lazily
        return lazily.WORD
    def predict_proba(self, samples): ...
    def save(self, folder): ...
    def load(self, folder): ...
"""


def siblings(folder: Path, word: str) -> Path:
    """A plug-in with siblings in a folder of its own."""
    (folder / "parts").mkdir(parents=True)
    (folder / "helper.py").write_text(f"WORD = {word!r}\n\nclass Base:\n    pass\n")
    (folder / "lazily.py").write_text("from helper import WORD\n")
    (folder / "unrelated.py").write_text("")
    (folder / "parts" / "__init__.py").write_text("from . import near\n")
    (folder / "parts" / "near.py").write_text("import helper\nWORD = helper.WORD\n")
    (folder / "parts" / "deep.py").write_text("from .near import WORD\n")
    return write(folder, USES_SIBLINGS)


def test_a_file_imports_its_own_siblings(tmp_path: Path):
    first, second = (MODELS.load(str(siblings(tmp_path / word, word))) for word in ("one", "two"))
    assert set(first.words) == {"one"}
    assert set(second.words) == {"two"}, "though another folder has siblings of the same names"
    assert (first.fit(None, None, None), second.fit(None, None, None)) == ("one", "two"), "also imported later"
    assert not {str(tmp_path / "one"), str(tmp_path / "two")} & set(sys.path)
    assert not {"helper", "parts", "lazily"} & set(sys.modules)
    assert not list(tmp_path.rglob("*.pyc")), "a cached file may differ from the text of the plug-in"
    helper = sys.modules[f"{first.__module__.partition('.')[0]}.helper"]
    assert isinstance(pickle.loads(pickle.dumps(helper.Base())), helper.Base)


def test_siblings_are_imported_in_spawned_processes(tmp_path: Path):
    path = siblings(tmp_path / "one", "one")
    with spawned_workers(), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert set(pool.submit(words_of, str(path)).result()) == {"one"}


def words_of(target: str) -> tuple[str, ...]:
    return MODELS.load(target).words


def test_siblings_replace_neither_installed_modules_nor_ours(tmp_path: Path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("raise RuntimeError('not these')\n")
    (tmp_path / "json.py").write_text("WORD = 'mine'\n")
    plugin = MODELS.load(str(write(tmp_path, "import json\n" + MINE.replace("name =", "word = json.WORD\n    name ="))))
    assert plugin.word == "mine"
    assert json.loads("1") == 1


def test_a_base_class_in_a_sibling(tmp_path: Path):
    base = (
        MINE.replace("class Mine", "@dataclass(kw_only=True)\nclass Base")
        .replace('name = "mine"', "")
        .replace("    def fit", '    width: Annotated[int, Range(1, 3), "how wide"] = 2\n    def fit')
    )
    header = "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import Annotated\n"
    (tmp_path / "base.py").write_text(header + "from benchmark.core.plugin import Range\n" + base)
    path = write(tmp_path, "from base import Base\nclass Mine(Base):\n    '''Mine.'''\n    name = 'mine'\n")
    assert MODELS.load(str(path)).resolve("", {"width": "3"}).width == 3
    assert [parameter.range for parameter in parameters_of(MODELS.find(str(path)))] == ["1 to 3"]


def test_an_error_in_a_sibling_names_its_line(tmp_path: Path):
    path = siblings(tmp_path / "one", "one")
    (path.parent / "helper.py").write_text("WORD = 1 / 0\n")
    with pytest.raises(UserError, match=r"ZeroDivisionError: division by zero \(helper.py, line 1\)"):
        MODELS.load(str(path))


def test_file_hash_covers_siblings(tmp_path: Path):
    path = siblings(tmp_path / "one", "one")
    entry = MODELS.find(str(path))
    before = entry.file_hash()
    assert before != hashlib.sha256(path.read_bytes()).hexdigest()
    (path.parent / "unrelated.py").write_text("CHANGED = 1\n")
    assert entry.file_hash() == before
    for name in ("helper.py", "lazily.py", "parts/near.py", "parts/__init__.py"):
        with (path.parent / name).open("a") as file:
            file.write("# changed\n")
        assert entry.file_hash() != before, name
        before = entry.file_hash()


def test_a_file_without_siblings_has_the_hash_of_its_content(tmp_path: Path):
    path = write(tmp_path, MINE)
    (tmp_path / "unrelated.py").write_text("")
    assert MODELS.find(str(path)).file_hash() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_file_hash_follows_the_content(tmp_path: Path):
    path = write(tmp_path, MINE)
    before = MODELS.find(str(path)).file_hash()
    assert MODELS.find(str(path)).file_hash() == before
    path.write_text(MINE + "\n# changed\n")
    assert len({before, MODELS.find(str(path)).file_hash(), ""}) == 3


@pytest.mark.parametrize(
    ("text", "word", "message"),
    [
        (MINE, "nowhere.py:Mine", "no file .*nowhere.py"),
        (MINE, "mine.py:Yours", "mine.py has Mine. Name the class as mine.py:Class"),
        ("x = 1\n", "mine.py", "no class with a literal `name`. Write name = "),
        (MINE + MINE.replace("Mine", "Second"), "mine.py", "mine.py has Mine, Second"),
        ("def broken(:\n", "mine.py:Mine", "mine.py line 1 is not Python"),
        ("x = " + "-" * 200_000 + "1\n", "mine.py:Mine", "mine.py is (nested too deep for|not) Python"),
        ("x = " + "1+" * 100_000 + "1\n", "mine.py:Mine", "mine.py is (nested too deep for|not) Python"),
        ("x = 1\0\n", "mine.py:Mine", r"mine.py is not Python( text)? \(.*null byte.*\)"),
        ("x = 'a\0b'\n", "mine.py:Mine", "is not Python"),
        ("class Mine:\n    name = 'mine'\n", "mine.py:Mine", "'Mine' does not inherit models.model.Model"),
        (HALF, "mine.py", "'Half' lacks load, predict_proba, save; write these methods"),
        ("import nonsense_that_is_nowhere\n" + MINE, "mine.py", "importing it raised ModuleNotFoundError"),
        ("raise ValueError('no luck')\n" + MINE, "mine.py", "importing it raised ValueError: no luck"),
        (MINE.replace('"mine"', '"../mine"'), "mine.py", "is '../mine'.*letters, digits"),
    ],
)
def test_what_can_be_wrong_with_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text, word, message):
    write(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        MODELS.load(word)
    assert "\n" not in str(caught.value)


def test_file_that_is_no_text(tmp_path: Path):
    (tmp_path / "mine.py").write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(UserError, match=r"mine\.py is not Python|mine\.py line"):
        MODELS.find(str(tmp_path / "mine.py"))


def test_several_classes_of_a_file_are_distinguished():
    assert MODELS.load(f"{PLUGINS / 'toy_models.py'}:Nearest").name == "nearest"
    assert MODELS.load(f"{PLUGINS / 'toy_models.py'}:Raises").name == "raises"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs a distribution of one module that is an entry point of `benchmark.models`."""

    def install(point: str, module: str = MINE) -> None:
        (tmp_path / "fake_models.py").write_text(module)
        info = tmp_path / "fake_models-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-models\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[benchmark.models]\n{point}\n")
        monkeypatch.syspath_prepend(tmp_path)
        registry._announced.cache_clear()

    yield install
    sys.modules.pop("fake_models", None)
    monkeypatch.undo()
    registry._announced.cache_clear()


def test_entry_point(install):
    install("mine = fake_models:Mine")
    assert MODELS.find("mine") == Entry(
        "mine", "Mine alone.\n\nMore about it.", "fake_models:Mine", "entry point of fake-models"
    )
    assert "fake_models" not in sys.modules
    assert MODELS.names()[-1] == "mine"
    assert MODELS.load("mine").name == "mine"
    with pytest.raises(UserError, match="Did you mean 'mine'"):
        MODELS.find("mime")


def test_one_name_is_one_plugin(install):
    install("cnn = fake_models:Mine")
    with pytest.raises(UserError, match=r"model 'cnn': models.cnn:CNN \(package\) and fake_models:Mine .*same name"):
        MODELS.entries()


@pytest.mark.parametrize(
    ("point", "module", "message"),
    [
        ("mine = fake_models:Yours", MINE, "'Yours' does not inherit"),
        ("mine = fake_models", MINE, "does not inherit"),
        ("mine = fake_models:Mine", "def broken(:\n", "raised SyntaxError"),
        ("mine = fake_modules:Mine", MINE, "raised ModuleNotFoundError.*Correct or reinstall"),
        ("yours = fake_models:Mine", MINE, "is 'mine', expected 'yours'"),
    ],
)
def test_broken_entry_point_harms_only_itself(install, point, module, message):
    install(point, module)
    name = point.partition(" ")[0]
    assert name in MODELS.names()
    assert MODELS.load("cnn").name == "cnn"
    with pytest.raises(UserError, match=message):
        MODELS.load(name)
