"""What a result depends on: one record, from whose parts the keys of data, samples, training and result are made.

DataRecipe  what the events are made of       -> the name of the folder of a data set
Identity  everything that changes a result  -> the keys of samples, of a training and of a result
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.core.plugin import Plugin
    from benchmark.core.registry import Registry

SHARED_VERSION = "2"
"""Part of every result key. Raise it when code that all models share (`models/inputs.py`, the training loop) gives
other numbers than before. The changes of one plug-in are in its `version`."""


def make_key(parts: Mapping[str, Any]) -> str:
    """SHA-256 of these parts as JSON. Raises UserError for values that are not JSON."""
    try:
        text = json.dumps(parts, sort_keys=True, allow_nan=False, default=sorted)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"parameters: {error}, expected plain JSON values. Correct the defaults of the plug-in."
        ) from error
    return hashlib.sha256(text.encode()).hexdigest()


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(_Frozen):
    """A task, representation or model with its resolved parameters.

    target : how the registry finds it. file : SHA-256 of a plug-in's own file, empty for a registered one.
    given : names of the parameters whose values are not the defaults of their fields.
    """

    target: str
    name: str
    version: str
    file: str
    parameters: dict[str, Any]
    given: tuple[str, ...]

    @classmethod
    def of(cls, registry: Registry[Any], target: str, plugin: Plugin) -> Self:
        """The part that an instance of a plug-in takes in an identity."""
        return cls(
            target=target,
            name=plugin.name,
            version=plugin.version,
            file=registry.find(target).file_hash(),
            parameters=plugin.parameters(),
            given=tuple(plugin.changed("")),
        )

    def hashed(self) -> dict[str, Any]:
        """The fields that keys depend on.

        Parameters count if they are not defaults, so that a plug-in may gain a parameter and keep its keys. A
        default that changes needs another `version`.
        """
        parameters = {name: self.parameters[name] for name in self.given}
        return {"name": self.name, "version": self.version, "file": self.file, "parameters": parameters}


class DataRecipe(_Frozen):
    """What the events of a data set are made of; known before they exist.

    origin : versions of generator and detector of generated events, or the paths, sizes and times of files.
    """

    task: str
    version: str
    file: str
    level: str
    parameters: dict[str, Any]
    origin: dict[str, Any]

    def key(self) -> str:
        """The key of a data set, which names its folder."""
        parts = {name: value for name, value in self if name != "origin"}
        return make_key({**parts, **self.origin})


class DataContent(_Frozen):
    """The events of a data set.

    content : fingerprint of all events. fingerprint : of the test events. train : number of training events that are
        used.
    shards : SHA-256 of the files, in order.
    """

    level: str
    content: str
    fingerprint: str
    train: int
    source: str
    shards: tuple[str, ...]


class Identity(_Frozen):
    """Everything that can change a result.

    content : the training and validation events, and of files the test events as well; None for a level at which the
        task makes no events. test : the generated test events. device : its kind, "cpu" or "cuda".
    processes : that train together. sources : SHA-256 of the source files that samples are made with.
    """

    task: Part
    representation: Part
    model: Part
    level: str
    content: DataContent | None
    preset: str
    seed: int
    device: str
    processes: int = 1
    sources: str = ""
    test: DataContent | None = None

    def samples_key(self, content: DataContent | None = None) -> str:
        """The key of samples: of the events in their order, task, representation and source code.

        Unlike the key of a result it covers source code: samples are cheap to make again, and an edited representation
        never gets old ones.

        content : the events; None for those that the model is trained on.
        """
        content = content or self.content
        events = content.model_dump(exclude={"fingerprint", "train"}) if content else None
        parts = {"task": self.task.hashed(), "representation": self.representation.hashed()}
        return make_key({**parts, "content": events, "sources": self.sources})

    def training_key(self) -> str:
        """The key of a training, which names its checkpoint."""
        parts = {"samples": self.samples_key(), "result": self.result_key(), "torch": version("torch")}
        return make_key(parts)

    def result_key(self) -> str:
        """The key of a result.

        It covers the task, representation and model (name, version, file, parameters that are not defaults), the shared
        code's version, level, all events and the test events, number of training events, preset, seed, kind of device,
        and the processes that train together if there are several.
        """
        content, test = self.content, self.test or self.content
        parts = {
            "task": self.task.hashed(),
            "representation": self.representation.hashed(),
            "model": self.model.hashed(),
            "shared": SHARED_VERSION,
            "level": self.level,
            "content": content.content if content else None,
            "fingerprint": test.fingerprint if test else None,
            "train": content.train if content else 0,
            "preset": self.preset,
            "seed": self.seed,
            "device": self.device,
        }
        if self.processes > 1:  # each draws its own dropout and augmentation
            parts["processes"] = self.processes
        return make_key(parts)
