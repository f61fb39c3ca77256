"""A bounded sample of a data set of any size."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.core.errors import UserError
from tasks.validation.sample import sample
from tests.tasks.data_sets import coins


def taken(made, count: int, folder=None):
    data = coins()
    return sample(folder or data.folder(made.root), made.manifest, data.task, count)


def test_few_events_are_all_looked_at(made):
    assert len(taken(made, 20_000)) == made.manifest.events()


@pytest.mark.parametrize("count", [60, 31])
def test_classes_in_equal_parts_and_no_more_than_asked(made, count: int):
    events = taken(made, count)
    classes = len(made.manifest.counts)
    assert np.bincount(events.column("label")).tolist() == [count // classes] * classes
    assert events.info.classes == coins().task.processes


def test_imported_shards_all_give_their_share(made):
    shards = [shard.model_copy(update={"process": None}) for shard in made.manifest.shards]
    manifest = made.manifest.model_copy(update={"shards": shards})
    data = coins()
    events = sample(data.folder(made.root), manifest, data.task, 50)
    assert 50 <= len(events) <= 50 + len(shards)
    assert len(np.unique(events.column("event_id") // 10**6)) == len(shards)


def test_a_changed_shard_is_refused_and_one_that_is_not_needed_is_not_read(made, copied):
    last = made.manifest.shards[-1]
    (copied / last.file).write_bytes(b"")
    assert len(taken(made, 20, copied)) > 0
    with pytest.raises(UserError, match=f"{last.file}: changed since it was written"):
        taken(made, 20_000, copied)
