"""Data sets on this disk: their size, whether a run would still use them, and their removal.

Folders are ROOT/TASK/LEVEL-EVENTS-DIGEST, ROOT/TASK/LEVEL-test-EVENTS-DIGEST or ROOT/TASK/files-DIGEST, as
`DataSet.folder` names them. Below them, `samples/NAME-DIGEST` has the stored samples of a representation, which can be
removed alone.
"""

from __future__ import annotations

import json
import os
import re
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from benchmark.core.errors import UserError
from benchmark.core.files import is_free, locked
from benchmark.core.stored import UnreadableError
from benchmark.core.temporary import leftovers
from benchmark.core.temporary import remove as delete
from tasks.data.dataset import DataSet, version_of
from tasks.data.manifest import MANIFEST, Manifest, UnsealedError, read_manifest
from tasks.data.shards import RECORDS
from tasks.detector import VERSION as DETECTOR_VERSION
from tasks.registry import TASKS
from tasks.task import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tasks.task import Task

State = Literal["complete", "outdated", "incomplete", "unsealed", "damaged", "unreadable"]

_FOLDER = re.compile(rf"(({'|'.join(LEVELS)})-(test-)?[0-9]+|files)-[0-9a-f]{{10}}")
_OURS = re.compile(r"manifest\.json|\.lock|\..+\.tmp|.+-[0-9]{4,}\.parquet|\..+\.parquet\.json")

SAMPLES = "samples"
"""The folder of a data set that has its samples, a folder per representation."""
_SAMPLES_FOLDER = re.compile(r"[\w-]+-[0-9a-f]{10}|\.[\w-]+\.tmp")
_LOCK = re.compile(r"\.[\w-]+-[0-9a-f]{10}\.lock")
_ANY_LOCK = re.compile(r"\..*lock")
_SAMPLES_FILE = re.compile(r"samples\.json|\w+-[\w.]+\.bin")


@dataclass(frozen=True)
class DataFolder:
    """A data set on disk.

    Parameters
    ----------
    state : `complete`; `outdated`: no run can use it; `incomplete`: it was interrupted or is being made;
        `unsealed`: its manifest has no seal yet; `damaged`: its manifest has changed or is no manifest; `unreadable`:
        the folder or its manifest can't be read, and may be whole.
    reason : why it is not complete; empty if it is.
    size : bytes of its files, samples included.
    samples_size : bytes of its samples.
    """

    folder: Path
    state: State
    reason: str
    manifest: Manifest | None
    size: int
    samples_size: int = 0

    @property
    def task(self) -> str:
        """The name of its task."""
        return self.folder.parent.name

    @property
    def is_empty(self) -> bool:
        """Whether it has no content yet: it was begun just now, or was killed then."""
        return self.state == "incomplete" and self.size == 0


def find(root: Path, target: str | None = None, given: Mapping[str, str] | None = None) -> list[DataFolder]:
    """The data sets below a data root, sorted by folder. Folders of other names are ignored.

    Parameters
    ----------
    target : name or file of a task; None for all tasks.
    given : parameters of the task that the data sets must have, as text.

    Raises
    ------
    UserError
        For a task that is neither known nor has a folder here, and for unknown parameters and values.
    """
    asked = _parameters(target, given) if target and given else {}
    name = None if target is None else _name(root, target)
    folders = sorted(root.glob("*/*" if name is None else f"{name}/*"))
    found = [folder for folder in folders if os.path.isdir(folder) and _FOLDER.fullmatch(folder.name)]
    every = [_inspect(folder, root, target or folder.parent.name) for folder in found]
    return [
        item for item in every if not asked or (item.manifest and asked.items() <= item.manifest.parameters.items())
    ]


def _parameters(target: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The values that a manifest must have. It has no `applied_parameters`."""
    task = TASKS.load(target).resolve("", given)
    asked = {name: value for name, value in task.data_parameters().items() if name in given}
    plain: dict[str, Any] = json.loads(json.dumps(asked, default=sorted))  # as in a manifest
    return plain


def lock_of(samples: Path) -> Path:
    """The lock that a process holds while it makes the samples in this folder."""
    return samples.with_name(f".{samples.name}.lock")


def remove(found: DataFolder, root: Path) -> None:
    """Delete the files of a data set, its samples and its folder.

    Raises UserError, and deletes nothing, when it is being made or was completed meanwhile, when its folder or that of
    its task is a link or not directly below the root, or when it contains anything that is not part of a data set.
    """
    folder = found.folder
    with _deleting(folder):
        _check_place(folder, root)
        strange = sorted(path.name for path in folder.iterdir() if not _is_ours(path) and path.name != SAMPLES)
        strange += _strange_samples(folder)
        locks = [folder / ".lock", *_locks(folder)]
    if strange:
        raise UserError(f"{folder}: holds {strange[0]}, which is of no data set. Move it away, or delete it by hand.")
    with _locked(folder, locks):
        if found.state == "incomplete" and (folder / MANIFEST).exists():
            raise UserError(f"{folder}: another process has completed it meanwhile. It was not deleted.")
        _delete_samples(folder)
        # The manifest is deleted first: if this is interrupted, the rest is incomplete and not damaged.
        for path in sorted(folder.iterdir(), key=lambda path: path.name != MANIFEST):
            path.unlink()
        folder.rmdir()
    with suppress(OSError):  # it has other data sets, or another process has deleted it
        folder.parent.rmdir()


def remove_samples(found: DataFolder, root: Path) -> None:
    """Delete the samples of a data set, but not its events. Raises UserError as `remove` does."""
    folder = found.folder
    with _deleting(folder):
        _check_place(folder, root)
        strange, locks = _strange_samples(folder), _locks(folder)
    if strange:
        raise UserError(f"{folder}: holds {strange[0]}, which are no samples. Move it away, or delete it by hand.")
    with _locked(folder, locks):
        _delete_samples(folder)


def leftovers_of(found: DataFolder) -> list[Path]:
    """Temporary files and folders, records of shards and locks in a data set that no process needs any more."""
    folder, home = found.folder, found.folder / SAMPLES
    with suppress(OSError):  # it can't be read, or another process deletes it
        records = folder.glob(RECORDS) if found.manifest else ()
        locks = [path for path in (folder / ".lock", *_locks(folder)) if _is_ours(path, _ANY_LOCK) and is_free(path)]
        inside = [] if home.is_symlink() else leftovers(home)
        return sorted([*leftovers(folder), *inside, *records, *locks])
    return []


def remove_leftover(path: Path) -> None:
    """Delete what `leftovers_of` returned. Raises UserError when that fails."""
    try:
        delete(path)
    except OSError as error:
        raise UserError(f"{path}: can't be deleted ({error.strerror}). Change its permissions.") from error


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 where they are unknown."""
    try:
        return _size([path])
    except OSError:
        return 0


def _check_place(folder: Path, root: Path) -> None:
    if folder.parent.parent != root or not _FOLDER.fullmatch(folder.name):
        raise UserError(f"{folder}: is no data set of {root}, expected ROOT/TASK/NAME. It was not deleted.")
    if folder.is_symlink() or folder.parent.is_symlink():
        raise UserError(f"{folder}: is a link, or lies behind one; links are not followed. Remove it by hand.")


def _strange_samples(folder: Path) -> list[str]:
    """Entries of the folder of samples that are not samples."""
    home = folder / SAMPLES
    if home.is_symlink() or (home.exists() and not home.is_dir()):
        return [SAMPLES]
    strange = []
    for path in sorted(home.iterdir()) if home.is_dir() else []:
        if not path.is_symlink() and path.is_dir() and _SAMPLES_FOLDER.fullmatch(path.name):
            strange += [file for file in sorted(path.iterdir()) if not _is_ours(file, _SAMPLES_FILE)]
        elif not _is_ours(path, _LOCK):
            strange.append(path)
    return [path.relative_to(folder).as_posix() for path in strange]


def _locks(folder: Path) -> list[Path]:
    """The locks of samples; a lock that was removed by hand is held by no process."""
    home = folder / SAMPLES
    return [path for path in sorted(home.iterdir()) if _LOCK.fullmatch(path.name)] if home.is_dir() else []


def _delete_samples(folder: Path) -> None:
    home = folder / SAMPLES
    for path in sorted(home.iterdir()) if home.is_dir() else []:
        if path.is_dir():
            # the file that marks them as complete is deleted first
            for file in sorted(path.iterdir(), key=lambda file: file.suffix != ".json"):
                file.unlink()
            path.rmdir()
        else:
            path.unlink()
    if home.is_dir():
        home.rmdir()


@contextmanager
def _locked(folder: Path, paths: Iterable[Path]) -> Iterator[None]:
    """Hold all locks. Raises UserError when another process holds one, or when the disk refuses."""
    with _deleting(folder), ExitStack() as locks:
        for path in paths:
            locks.enter_context(locked(path, partial(_refused, folder), wait=False))
        yield


@contextmanager
def _deleting(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> UserError:
    if isinstance(error, TimeoutError):
        return UserError(f"{folder}: is being made by another process. Wait for it, or end it.")
    if isinstance(error, FileNotFoundError):
        return UserError(f"{folder}: another process deletes it at the same time. Run the command again.")
    return UserError(f"{folder}: can't be deleted ({error.strerror}). Change its permissions.")


def _is_ours(path: Path, names: re.Pattern[str] = _OURS) -> bool:
    return not path.is_symlink() and path.is_file() and names.fullmatch(path.name) is not None


def _name(root: Path, target: str) -> str:
    """The name of a task; a folder is enough for a task that is no longer installed."""
    if re.fullmatch(r"\w[\w-]*", target) and (root / target).is_dir():
        return target
    return TASKS.find(target).name


def _inspect(folder: Path, root: Path, target: str) -> DataFolder:
    try:
        samples = _size([folder / SAMPLES])
        size = _size(path for path in folder.iterdir() if path.name != SAMPLES) + samples
    except OSError as error:
        reason = f"{folder}: can't be read ({error.strerror}). Check permissions and disk."
        return DataFolder(folder, "unreadable", reason, None, 0)
    try:
        manifest, unsealed = read_manifest(folder), ""
    except UnsealedError as error:
        manifest, unsealed = error.manifest, "it has no seal yet; `data verify`, or the next run, checks and seals it"
    except UserError as error:
        state: State = "unreadable" if isinstance(error, UnreadableError) else "damaged"
        return DataFolder(folder, state, str(error), None, size, samples)
    if manifest is None:
        return DataFolder(folder, "incomplete", "it was interrupted, or is being made", None, size, samples)
    if reason := _outdated(folder, root, target, manifest):
        return DataFolder(folder, "outdated", reason, manifest, size, samples)
    return DataFolder(folder, "unsealed" if unsealed else "complete", unsealed, manifest, size, samples)


def _size(paths: Iterable[Path]) -> int:
    """Bytes of files, and of those below folders; files that another process deletes meanwhile have none."""
    total, places = 0, list(paths)
    for path in places:  # grows meanwhile
        with suppress(FileNotFoundError):
            status = path.lstat()
            if not stat.S_ISDIR(status.st_mode):
                total += status.st_size
                continue
            with suppress(PermissionError):
                places += path.iterdir()
    return total


def _outdated(folder: Path, root: Path, target: str, manifest: Manifest) -> str:
    """Why no run would use this data set any more, or empty; unknown for a task that can't be loaded."""
    try:
        plugin: type[Task] = TASKS.load(target)
    except UserError:
        return ""
    made = {"the task": manifest.task_version}
    now = {"the task": plugin.version}
    imported = folder.name.startswith("files-")  # their folder depends on the source files
    if not imported:
        made |= {"the detector": manifest.detector, "pythia8mc": manifest.packages.get("pythia8mc", "none")}
        now |= {"the detector": DETECTOR_VERSION, "pythia8mc": version_of("pythia8mc")}
    for what, version in made.items():
        if version != now[what]:
            return f"made with version {version} of {what}, which is {now[what]} now"
    if imported:
        return ""
    try:
        task = plugin.resolve("", manifest.parameters)
        asked = DataSet(target, task, manifest.level, test_events=manifest.test_events).folder(root)
    except UserError:
        return "made with parameters that the task does not have any more"
    return "" if asked.name == folder.name else "made with other parameters, or from another file of the task"
