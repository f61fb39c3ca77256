"""Commands that write files, each with the folders that it finds."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults import toy
from tests.faults.commands import Ended, Fresh, Nursery, Running
from tests.faults.folders import State, copy, state
from tests.faults.hooks import KILL, Plan
from tests.faults.nursery import TOY
from tests.tasks.sources.server import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALONE = ("--workers", "1", "--jobs", "1", "--quiet")
"""Files change in the same order every time."""
CELLS = ("--task", TOY, "--preset", "smoke", "--representation", "fourvectors", *ALONE)
TRUSTED = ("--quiet", "--trust-code")
OFFLINE = {"NO_PROXY": "127.0.0.1"}
DOWNLOAD = b"0123456789abcdef" * 20_000


@dataclass(frozen=True)
class Scenario:
    """A command and what is there before it.

    Parameters
    ----------
    words : its arguments. PLACE stands for the folder of the copy, FILES for the events of the toy task.
    needs : folders of the prepared ones that it finds: data, results, models.
    slow : whether it takes more than about a second.
    """

    name: str
    words: tuple[str, ...]
    needs: tuple[str, ...] = ()
    slow: bool = False

    @property
    def pages_have_times(self) -> bool:
        """Whether its pages show results that it has made itself."""
        return self.words[0] == "run"


def run_of(model: str, *more: str) -> tuple[str, ...]:
    """The words of a run of models."""
    return ("run", *CELLS, "--model", model, "--data", "PLACE/data", "--results", "PLACE/results", *more)


def _predict(ending: str) -> tuple[str, ...]:
    return ("predict", "PLACE/models/peak/fourvectors-bdt-*", "FILES", "--output", f"PLACE/scores.{ending}", *TRUSTED)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("run", run_of("constant")),
        Scenario("run and keep", run_of("bdt,ffnn[epochs=2]", "--keep-models", "PLACE/models"), ("data",)),
        Scenario("train", run_of("ffnn[epochs=2]"), ("data",), slow=True),
        Scenario("at once", run_of("constant,bdt[trees=5]", "--jobs", "2", "--shifts"), ("data",), slow=True),
        Scenario("generate", ("data", "generate", TOY, "--preset", "smoke", "--data", "PLACE/data", "--workers", "2")),
        Scenario("import", ("data", "import", TOY, "--preset", "smoke", "--data", "PLACE/data", "--source", "FILES")),
        Scenario("leaderboard", ("leaderboard", "--results", "PLACE/results", "--output", "PLACE/pages"), ("results",)),
        Scenario("predict to csv", _predict("csv"), ("models",)),
        Scenario("predict to parquet", _predict("parquet"), ("models",)),
        Scenario("predict to npz", _predict("npz"), ("models",)),
        Scenario("fetch", ("data", "fetch", "toy-files", "--data", "PLACE/data", "--quiet")),
        Scenario("figures", ("data", "show", TOY, "--data", "PLACE/data", "--plots", "PLACE/figures"), ("data",), True),
        Scenario(
            "export",
            ("export", "PLACE/models/peak/fourvectors-ffnn-*", "--onnx", "PLACE/a", "--trust-code"),
            ("models",),
            True,
        ),
    )
}


@dataclass(frozen=True)
class Reference:
    """A run without a fault: what it left, the changes of files that it made, and how long it took."""

    state: State
    changes: list[str]
    seconds: float

    def number_of(self, kind: str, name: str) -> int:
        """The number of the first change of this kind of a file whose path ends in `name`."""
        return next(place for place, line in enumerate(self.changes, 1) if f" {kind} " in line and line.endswith(name))


@dataclass
class Workshop:
    """Prepared folders, and a nursery that runs scenarios on copies of them.

    Parameters
    ----------
    folder : for everything. Its `ready` has the prepared folders.
    """

    nursery: Nursery
    folder: Path
    server: Server
    references: dict[str, Reference] = field(default_factory=dict)

    def arguments(self, scenario: Scenario, place: Path) -> list[str]:
        """The arguments of a scenario in a folder."""
        files = str(self.folder / "files")
        return [word.replace("PLACE", str(place)).replace("FILES", files) for word in scenario.words]

    def place(self, scenario: Scenario, name: str = "place") -> Path:
        """A new folder with what the scenario needs, in place of an earlier one of this name."""
        place = copy(self.folder / "ready" / "none", self.folder / name)
        for need in scenario.needs:
            copy(self.folder / "ready" / need, place / need)
        return place

    def start(self, scenario: Scenario, place: Path, **circumstances: Any) -> Running:
        """Start the command of a scenario in a folder."""
        catalogue, words = self.folder / "catalogue.toml", self.arguments(scenario, place)
        return self.nursery.start(words, environment=OFFLINE, catalogue=catalogue, folder=place, **circumstances)

    def start_fresh(self, scenario: Scenario, place: Path) -> Fresh:
        """Start the command of a scenario as a user starts it."""
        return Fresh(self.arguments(scenario, place), self.folder / "fresh.txt", place, OFFLINE)

    def run(self, scenario: Scenario, place: Path, **circumstances: Any) -> Ended:
        """Run the command of a scenario in a folder to its end."""
        return self.start(scenario, place, **circumstances).wait()

    def plan(self, place: Path, at: int = 0, fault: str = KILL, *, lasting: bool = False) -> Plan:
        """A fault at a change of the files in a folder."""
        return Plan(self.nursery.counter(), (str(place),), at, fault, lasting)

    def state(self, scenario: Scenario, place: Path) -> State:
        """The content of the folder of a scenario."""
        return state(place, pages_have_times=scenario.pages_have_times)

    def leftovers(self, scenario: Scenario, place: Path, room: int = 0, view: Path | None = None) -> list[str]:
        """Temporary files that stay after a run of the scenario, and after `data clean`, which should leave none."""
        view = view or place
        expected = self.reference(scenario).state.temporary
        if left := set(self.state(scenario, view).temporary) - set(expected):
            folders = [place, *(place / name for name in ("results", "models", "pages") if (view / name).is_dir())]
            words = ["data", "clean", "--yes", "--data", place / "data"]
            self.nursery.run([*words, *(word for folder in folders for word in ("--leftovers", folder))], room=room)
            left = set(self.state(scenario, view).temporary) - set(expected)
        return sorted(left)

    def reference(self, scenario: Scenario) -> Reference:
        """A run of a scenario without a fault."""
        if scenario.name not in self.references:
            place = self.place(scenario, "reference")
            plan = self.plan(place)
            ended = self.run(scenario, place, plan=plan)
            if ended.code != 0:
                raise RuntimeError(f"{scenario.name} ended with {ended.code}: {ended.err}")
            self.references[scenario.name] = Reference(self.state(scenario, place), changes(plan), ended.seconds)
        return self.references[scenario.name]


def changes(plan: Plan) -> list[str]:
    """The changes of files that were counted: number, kind, path."""
    with open(f"{plan.counter}.log") as file:
        return file.read().splitlines()


def change(plan: Plan, number: int) -> str:
    """The change of this number, if there was one."""
    return next((line for line in changes(plan) if line.startswith(f"{number} ")), "not reached")


@contextmanager
def workshop(folder: Path) -> Iterator[Workshop]:
    """A workshop in an empty folder."""
    ready = folder / "ready"
    (ready / "none").mkdir(parents=True)
    toy.write_files(folder / "files")
    with serving(DOWNLOAD) as server, Nursery() as nursery:
        (folder / "catalogue.toml").write_text(_catalogue(server), encoding="utf-8")
        made = Workshop(nursery, folder, server)
        everything = Scenario("everything", run_of("bdt,ffnn[epochs=2]", "--keep-models", "PLACE/models"))
        ended = made.run(everything, ready)
        if ended.code != 0:
            raise RuntimeError(f"the folders can't be prepared: {ended.err}")
        yield made


def _catalogue(server: Server) -> str:
    """A catalogue with one source of two files, as TOML."""
    files = [{"name": name, "urls": [server.url(name)], "size": len(DOWNLOAD)} for name in ("a.txt", "b.txt")]
    fields = {"task": "peak", "summary": "A toy.", "licence": "none", "record": "https://example.org/record/1"}

    def lines(head: str, values: dict[str, Any]) -> list[str]:
        return [head, *(f"{name} = {json.dumps(value)}" for name, value in values.items())]

    texts = lines("[toy-files]", fields) + [line for file in files for line in lines("[[toy-files.files]]", file)]
    return "\n".join(texts)
