"""A compiled function is compiled again when a file that it is made of has changed."""

import importlib.util
import sys

import numpy as np

from benchmark.core.compiled import compiled, stamp
from benchmark.core.source_text import hash_of


def loaded(folder, field):
    (folder / "field.py").write_text(f"FIELD = {field}\n")
    (folder / "bend.py").write_text(
        "from benchmark.core.compiled import compiled\nfrom field import FIELD\n\n\n"
        "@compiled\ndef bend(pt):\n    return FIELD / pt\n"
    )
    stamp.cache_clear()
    sys.modules.pop("field", None)
    spec = importlib.util.spec_from_file_location("bend", folder / "bend.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.bend


def test_a_constant_in_another_file_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # whose time stamps are too coarse for this
    first = loaded(tmp_path, 3.8)
    assert first(2.0) == 1.9
    again = loaded(tmp_path, 3.8)
    assert again(2.0) == 1.9
    assert sum(again.stats.cache_hits.values()) == 1, "there is a cache that could be stale"
    changed = loaded(tmp_path, 4.0)
    assert changed(2.0) == 2.0


def test_the_stamp_covers_the_imported_files_of_the_package(tmp_path):
    (tmp_path / "package" / "sub").mkdir(parents=True)
    for name in ("__init__.py", "sub/__init__.py", "constants.py", "unrelated.py"):
        (tmp_path / "package" / name).write_text("")
    kernel = tmp_path / "package" / "sub" / "kernel.py"
    kernel.write_text("import numpy\nfrom package.constants import FIELD\n")
    files = {name: tmp_path / "package" / name for name in ("__init__.py", "constants.py", "unrelated.py")}
    stamp.cache_clear()
    before = stamp(kernel)
    assert before == hash_of([kernel, files["constants.py"], files["__init__.py"]])
    for name, changes in (("unrelated.py", False), ("constants.py", True)):
        files[name].write_text("FIELD = 4.0\n")
        stamp.cache_clear()
        assert (stamp(kernel) != before) == changes


@compiled(inline="always")
def ratio(a: float, b: float) -> float:
    return a / b


@compiled(error_model="numpy")
def inverse(a: float) -> float:
    return ratio(1.0, a)


def test_options_reach_numba():
    assert np.isinf(inverse(0.0)), "with the error model of numpy, no ZeroDivisionError"
    assert ratio.targetoptions["inline"] == "always"
    assert inverse.targetoptions["nogil"]
    assert len(inverse._cache._cache_file._source_stamp) == 64
