import pytest

from benchmark.core.errors import UserError
from benchmark.engine.request import choices
from tasks.registry import TASKS

EXTRAS = [name for name in TASKS.names() if TASKS.find(name).extra]


def test_extra_tasks_are_listed_but_all_does_not_mean_them():
    assert {"top", "quark_gluon"} <= set(EXTRAS)
    assert not set(EXTRAS) & {choice.target for choice in choices(TASKS, ["all"])}
    assert [choice.target for choice in choices(TASKS, ["all,top"])] == [*TASKS.core(), "top"]


@pytest.mark.parametrize("name", EXTRAS)
def test_the_marker_in_the_text_is_that_of_the_class(name):
    assert TASKS.load(name).extra is True


@pytest.mark.parametrize("name", ["top", "quark_gluon"])
def test_what_cannot_be_generated_says_what_to_fetch(name):
    task = TASKS.load(name)()
    with pytest.raises(UserError, match=rf"^{name}: .*can't be generated.*zenodo\.org/records/.*--source"):
        task.generate(task.processes[0], "detector", 10, 1)
