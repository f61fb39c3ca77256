"""Data sets that lie on this disk: which they are, how large, whether they are still of use; and how they are removed.

ROOT/TASK/LEVEL-EVENTS-DIGEST or ROOT/TASK/files-DIGEST, as `DataSet.folder` names them
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmark.errors import UserError
from benchmark.registry import TASKS
from tasks.dataset import DataSet, version_of
from tasks.detector import VERSION as DETECTOR_VERSION
from tasks.manifest import MANIFEST, Manifest, read_manifest
from tasks.task import LEVELS

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.task import Task

State = Literal["complete", "outdated", "incomplete", "damaged"]

_FOLDER = re.compile(rf"(({'|'.join(LEVELS)})-[0-9]+|files)-[0-9a-f]{{10}}")
_OURS = re.compile(r"manifest\.json|\.lock|\..+\.tmp|.+-[0-9]{4,}\.parquet")


@dataclass(frozen=True)
class Found:
    """A data set on disk.

    state : `complete`; `outdated`, that nothing here would ask for again; `incomplete`, whose making was ended half
        way or goes on; `damaged`, with a manifest that can't be read.
    reason : why it is not complete, or empty.
    size : bytes of its files.
    """

    folder: Path
    state: State
    reason: str
    manifest: Manifest | None
    size: int

    @property
    def task(self) -> str:
        """The name of its task."""
        return self.folder.parent.name


def find(root: Path, target: str | None = None) -> list[Found]:
    """The data sets below a data root, sorted by folder: of one task, by name or file, or of all.

    Folders of other names are not looked at. Raises UserError for a task that is neither known nor has a folder here.
    """
    name = None if target is None else _name(root, target)
    folders = sorted(root.glob("*/*" if name is None else f"{name}/*"))
    found = [folder for folder in folders if folder.is_dir() and _FOLDER.fullmatch(folder.name)]
    return [_look(folder, root, target or folder.parent.name) for folder in found]


def remove(found: Found, root: Path) -> None:
    """Delete the files of a data set, and its folder.

    Raises UserError, and deletes nothing, when it is being made, when the folder or its task's is a link or lies
    elsewhere than directly below the root, or when it holds anything that the store did not put there.
    """
    from filelock import FileLock, Timeout

    folder = found.folder
    if folder.parent.parent != root or not _FOLDER.fullmatch(folder.name):
        raise UserError(f"{folder}: is no data set of {root}, expected ROOT/TASK/NAME. It was left alone.")
    if folder.is_symlink() or folder.parent.is_symlink():
        raise UserError(f"{folder}: is a link, or lies behind one; links are not followed. Remove it by hand.")
    strange = sorted(path.name for path in folder.iterdir() if not _is_ours(path))
    if strange:
        raise UserError(f"{folder}: holds {strange[0]}, which is of no data set. Move it away, or delete it by hand.")
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(f"{folder}: is being made by another process. Wait for it, or end it.") from error
    except OSError as error:
        raise UserError(f"{folder}: can't be deleted ({error.strerror}). Change its permissions.") from error
    try:
        # The manifest goes first: what is left, should this end half way, is then incomplete and not damaged.
        for path in sorted(folder.iterdir(), key=lambda path: path.name != MANIFEST):
            path.unlink()
        folder.rmdir()
    except OSError as error:
        raise UserError(f"{folder}: can't be deleted ({error.strerror}). Change its permissions.") from error
    finally:
        lock.release()
    if not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def _is_ours(path: Path) -> bool:
    return not path.is_symlink() and path.is_file() and _OURS.fullmatch(path.name) is not None


def _name(root: Path, target: str) -> str:
    """The task's name; a folder is enough for a task that is not installed any more."""
    if re.fullmatch(r"\w[\w-]*", target) and (root / target).is_dir():
        return target
    return TASKS.find(target).name


def _look(folder: Path, root: Path, target: str) -> Found:
    size = sum(path.lstat().st_size for path in folder.iterdir())
    try:
        manifest = read_manifest(folder)
    except UserError as error:
        return Found(folder, "damaged", str(error), None, size)
    if manifest is None:
        return Found(folder, "incomplete", "its making was interrupted, or goes on", None, size)
    reason = _outdated(folder, root, target, manifest)
    return Found(folder, "outdated" if reason else "complete", reason, manifest, size)


def _outdated(folder: Path, root: Path, target: str, manifest: Manifest) -> str:
    """Why no request leads to this data set any more, or nothing; a task that is not known can't be asked."""
    try:
        plugin: type[Task] = TASKS.load(target)
    except UserError:
        return ""
    made = {"the task": manifest.task_version}
    now = {"the task": plugin.version}
    imported = folder.name.startswith("files-")  # of them the folder can't be told without the files
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
        asked = DataSet(target, task, manifest.level).folder(root)
    except UserError:
        return "made with parameters that the task does not have any more"
    return "" if asked.name == folder.name else "made with other parameters, or from another file of the task"
