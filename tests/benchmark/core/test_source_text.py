"""Which files a file imports, read from their texts."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmark.core.source_text import hash_of, imported_files, sibling, source_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "main.py": "import a\nfrom b import f\nimport pkg.deep as d\nfrom pkg import leaf\nimport numpy\n",
        "a.py": "def f():\n    import lazily\n",
        "b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import types_only\nelse:\n    import main\n",
        "lazily.py": "",
        "types_only.py": "",
        "unrelated.py": "",
        "models.py": "",
        "pkg/__init__.py": "",
        "pkg/deep.py": "from . import near\nfrom .near import x\nfrom .. import a\n",
        "pkg/leaf.py": "def broken(:\n",
        "pkg/near.py": "",
        "pkg/far.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_imports_are_followed_within_the_folder(folder: Path):
    found = imported_files(folder / "main.py", folder, lambda _: True)
    names = [path.relative_to(folder).as_posix() for path in found]
    assert names[0] == "main.py"
    assert sorted(names[1:]) == [
        "a.py",
        "b.py",
        "lazily.py",
        "pkg/__init__.py",
        "pkg/deep.py",
        "pkg/leaf.py",
        "pkg/near.py",
    ]
    assert imported_files(folder / "main.py", folder, lambda name: name == "a") == [
        folder / "main.py",
        folder / "a.py",
    ]


def test_siblings_are_modules_of_the_folder_that_are_not_ours(folder: Path):
    assert sibling(folder, "a") == folder / "a.py"
    assert sibling(folder, "pkg") == folder / "pkg" / "__init__.py"
    assert sibling(folder, "pkg.deep") == folder / "pkg" / "deep.py"
    assert sibling(folder, "numpy") is None
    assert sibling(folder, "models") is None


def test_hash_is_that_of_a_file_or_of_all_names_and_contents(folder: Path):
    first, second = folder / "a.py", folder / "pkg" / "near.py"
    one, both = hash_of([first]), hash_of([first, second])
    assert both == hash_of([second, first])
    assert len({one, both, hash_of([second]), hash_of([first, folder / "pkg" / "far.py"])}) == 4


def test_source_of_a_module_imports_nothing():
    code = "import sys; from benchmark.core.source_text import source_of; print(source_of('models.views.clustering'));"
    code += "assert not {'models', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip().endswith("models/views/clustering.py")
    assert source_of("tasks").name == "__init__.py"
    assert source_of("sys") is None
    assert source_of("tasks.nowhere") is None
