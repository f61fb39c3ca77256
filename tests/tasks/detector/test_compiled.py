"""A compiled function is made anew when a file beside it has changed."""

import importlib.util

from tasks.detector.compiled import stamp
from tasks.detector.showers import entry


def loaded(folder, field):
    (folder / "field.py").write_text(f"FIELD = {field}\n")
    (folder / "bend.py").write_text(
        f"import sys\nsys.path.insert(0, {str(folder)!r})\nsys.modules.pop('field', None)\n"
        "from field import FIELD\nsys.path.pop(0)\nfrom tasks.detector.compiled import compiled\n\n\n"
        "@compiled\ndef bend(pt):\n    return FIELD / pt\n"
    )
    stamp.cache_clear()
    spec = importlib.util.spec_from_file_location("bend", folder / "bend.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.bend


def test_a_constant_in_another_file_is_seen(tmp_path):
    first = loaded(tmp_path, 3.8)
    assert first(2.0) == 1.9
    again = loaded(tmp_path, 3.8)
    assert again(2.0) == 1.9
    assert sum(again.stats.cache_hits.values()) == 1  # so there is a cache that could be stale
    changed = loaded(tmp_path, 4.0)
    assert changed(2.0) == 2.0


def test_the_detector_is_compiled_so():
    assert len(entry._cache._cache_file._source_stamp) == 64
