"""Data sets that lie on this disk: which they are, how large, whether they are still of use; and how they are removed.

ROOT/TASK/LEVEL-EVENTS-DIGEST or ROOT/TASK/files-DIGEST, as `DataSet.folder` names them. Below it `samples/NAME-DIGEST`:
what representations made of the events, kept for the next model; it can be removed alone.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmark.core.errors import UserError
from benchmark.core.registry import TASKS
from tasks.data.dataset import DataSet, version_of
from tasks.data.manifest import MANIFEST, Manifest, read_manifest
from tasks.detector import VERSION as DETECTOR_VERSION
from tasks.task import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tasks.task import Task

State = Literal["complete", "outdated", "incomplete", "damaged"]

_FOLDER = re.compile(rf"(({'|'.join(LEVELS)})-[0-9]+|files)-[0-9a-f]{{10}}")
_OURS = re.compile(r"manifest\.json|\.lock|\..+\.tmp|.+-[0-9]{4,}\.parquet")

SAMPLES = "samples"
"""The folder of a data set in which samples are kept, a folder each."""
_KEPT = re.compile(r"[\w-]+-[0-9a-f]{10}|\.[\w-]+-[0-9a-f]{10}-\w+\.tmp")
_LOCK = re.compile(r"\.[\w-]+-[0-9a-f]{10}\.lock")
_KEPT_FILE = re.compile(r"samples\.json|\w+-[\w.]+\.bin")


@dataclass(frozen=True)
class Found:
    """A data set on disk.

    state : `complete`; `outdated`, that nothing here would ask for again; `incomplete`, whose making was ended half
        way or goes on; `damaged`, with a manifest that can't be read.
    reason : why it is not complete, or empty.
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


def find(root: Path, target: str | None = None) -> list[Found]:
    """The data sets below a data root, sorted by folder: of one task, by name or file, or of all.

    Folders of other names are not looked at. Raises UserError for a task that is neither known nor has a folder here.
    """
    name = None if target is None else _name(root, target)
    folders = sorted(root.glob("*/*" if name is None else f"{name}/*"))
    found = [folder for folder in folders if folder.is_dir() and _FOLDER.fullmatch(folder.name)]
    return [_look(folder, root, target or folder.parent.name) for folder in found]


def lock_of(samples: Path) -> Path:
    """The lock of who makes the samples in this folder."""
    return samples.with_name(f".{samples.name}.lock")


def remove(found: Found, root: Path) -> None:
    """Delete the files of a data set, its samples and its folder.

    Raises UserError, and deletes nothing, when it is being made, when the folder or its task's is a link or lies
    elsewhere than directly below the root, or when it holds anything that was not put there by us.
    """
    folder = found.folder
    _check_place(folder, root)
    strange = sorted(path.name for path in folder.iterdir() if not _is_ours(path) and path.name != SAMPLES)
    strange += _strange_samples(folder)
    if strange:
        raise UserError(f"{folder}: holds {strange[0]}, which is of no data set. Move it away, or delete it by hand.")
    with _locked(folder, [folder / ".lock", *_locks(folder)]):
        _delete_samples(folder)
        # The manifest goes first: what is left, should this end half way, is then incomplete and not damaged.
        for path in sorted(folder.iterdir(), key=lambda path: path.name != MANIFEST):
            path.unlink()
        folder.rmdir()
    if not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def remove_samples(found: Found, root: Path) -> None:
    """Delete the samples that are kept of a data set, which stays. Raises UserError as `remove` does."""
    folder = found.folder
    _check_place(folder, root)
    strange = _strange_samples(folder)
    if strange:
        raise UserError(f"{folder}: holds {strange[0]}, which are no samples. Move it away, or delete it by hand.")
    with _locked(folder, _locks(folder)):
        _delete_samples(folder)


def _check_place(folder: Path, root: Path) -> None:
    if folder.parent.parent != root or not _FOLDER.fullmatch(folder.name):
        raise UserError(f"{folder}: is no data set of {root}, expected ROOT/TASK/NAME. It was left alone.")
    if folder.is_symlink() or folder.parent.is_symlink():
        raise UserError(f"{folder}: is a link, or lies behind one; links are not followed. Remove it by hand.")


def _strange_samples(folder: Path) -> list[str]:
    """What lies among the samples of a data set and was not put there by us."""
    home = folder / SAMPLES
    if home.is_symlink() or (home.exists() and not home.is_dir()):
        return [SAMPLES]
    strange = []
    for path in sorted(home.iterdir()) if home.is_dir() else []:
        if not path.is_symlink() and path.is_dir() and _KEPT.fullmatch(path.name):
            strange += [file for file in sorted(path.iterdir()) if not _is_ours(file, _KEPT_FILE)]
        elif not _is_ours(path, _LOCK):
            strange.append(path)
    return [path.relative_to(folder).as_posix() for path in strange]


def _locks(folder: Path) -> list[Path]:
    """The locks of samples; where one was removed by hand, nobody is making any."""
    home = folder / SAMPLES
    return [path for path in sorted(home.iterdir()) if _LOCK.fullmatch(path.name)] if home.is_dir() else []


def _delete_samples(folder: Path) -> None:
    home = folder / SAMPLES
    for path in sorted(home.iterdir()) if home.is_dir() else []:
        if path.is_dir():
            # what says that they are whole goes first
            for file in sorted(path.iterdir(), key=lambda file: file.suffix != ".json"):
                file.unlink()
            path.rmdir()
        else:
            path.unlink()
    if home.is_dir():
        home.rmdir()


@contextmanager
def _locked(folder: Path, paths: Iterable[Path]) -> Iterator[None]:
    """Nobody makes what is deleted meanwhile. Raises UserError when somebody does, or when the disk refuses."""
    from filelock import FileLock, Timeout

    try:
        with ExitStack() as locks:
            for path in paths:
                locks.enter_context(FileLock(path).acquire(timeout=0))
            yield
    except Timeout as error:
        raise UserError(f"{folder}: is being made by another process. Wait for it, or end it.") from error
    except OSError as error:
        raise UserError(f"{folder}: can't be deleted ({error.strerror}). Change its permissions.") from error


def _is_ours(path: Path, names: re.Pattern[str] = _OURS) -> bool:
    return not path.is_symlink() and path.is_file() and names.fullmatch(path.name) is not None


def _name(root: Path, target: str) -> str:
    """The task's name; a folder is enough for a task that is not installed any more."""
    if re.fullmatch(r"\w[\w-]*", target) and (root / target).is_dir():
        return target
    return TASKS.find(target).name


def _look(folder: Path, root: Path, target: str) -> Found:
    samples = _size((folder / SAMPLES).rglob("*"))
    size = _size(folder.iterdir()) + samples
    try:
        manifest = read_manifest(folder)
    except UserError as error:
        return Found(folder, "damaged", str(error), None, size, samples)
    if manifest is None:
        return Found(folder, "incomplete", "its making was interrupted, or goes on", None, size, samples)
    reason = _outdated(folder, root, target, manifest)
    return Found(folder, "outdated" if reason else "complete", reason, manifest, size, samples)


def _size(paths: Iterable[Path]) -> int:
    return sum(path.lstat().st_size for path in paths if path.is_symlink() or not path.is_dir())


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
