"""The list of public data sets, as far as it can be checked without a network."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from benchmark.core.errors import UserError
from tasks.registry import TASKS
from tasks.sources.catalogue import Source, find, sources
from tasks.sources.checksum import algorithm_of

LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "adler32": 8}
PLANNED = {"wprime", "egamma", "top", "quark_gluon"}
UNPUBLISHED = "ecal-showers"


@pytest.mark.parametrize("source", sources().values(), ids=sources())
def test_every_entry_is_complete(source: Source):
    assert re.fullmatch(r"[a-z0-9-]+", source.name)
    assert source.name != "list"
    assert source.task in {*TASKS.names(), *PLANNED}
    assert source.licence
    assert 20 < len(source.summary) < 125
    assert source.files
    names = [file.name for file in source.files]
    assert len(set(names)) == len(names)
    for file in source.files:
        assert re.fullmatch(r"[\w.-]+\.(csv|root|hdf5|h5|npz)", file.name), "a plain name, inside the folder"
        assert file.urls
        assert len(set(file.urls)) == len(file.urls)
        for url in (*file.urls, file.record, source.record):
            parts = urlsplit(url)
            assert (parts.scheme, bool(parts.netloc)) == ("https", True)
            assert "{" not in url
        assert file.size is None or file.size > 0
        if file.checksum is None:
            assert source.name == UNPUBLISHED
        else:
            algorithm = algorithm_of(file.checksum)
            assert re.fullmatch(rf"{algorithm}:[0-9a-f]{{{LENGTHS[algorithm]}}}", file.checksum)
            assert algorithm != "adler32" or file.size, "32 bits alone would be too weak"


def test_no_two_files_share_a_checksum():
    sums = [file.checksum for source in sources().values() for file in source.files if file.checksum]
    assert len(set(sums)) == len(sums)


def test_names_are_found_or_guessed():
    assert find("top-tagging").task == "top"
    with pytest.raises(UserError, match="Did you mean 'top-tagging'"):
        find("toptagging")


def test_some_files_of_a_source():
    source = find("top-tagging")
    assert [file.name for file in source.choose(["test.h5", "train.h5"])] == ["train.h5", "test.h5"]
    assert source.choose([]) == source.files
    with pytest.raises(UserError, match=r"no file 'tst\.h5'\. Did you mean 'test\.h5'"):
        source.choose(["tst.h5"])
    assert source.size == sum(file.size or 0 for file in source.files)
    assert find("quark-gluon").size is None


def test_names_are_of_files_in_the_folder():
    for source in sources().values():
        for file in source.files:
            assert file.name == file.name.strip("./\\ ")
            assert not {"/", "\\", "\0"} & set(file.name)
            assert all(url.startswith("https://") for url in file.urls)
