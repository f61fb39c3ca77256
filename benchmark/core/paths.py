"""Paths that users give, and what is found there."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

from benchmark.core.errors import UserError, spelled

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_OF_THE_KERNEL = frozenset(
    [
        "proc",
        "sysfs",
        "debugfs",
        "tracefs",
        "configfs",
        "securityfs",
        "selinuxfs",
        "smackfs",
        "cgroup",
        "cgroup2",
        "bpf",
        "pstore",
        "efivarfs",
        "fusectl",
        "nsfs",
        "binfmt_misc",
        "mqueue",
        "devpts",
    ]
)
"""File systems whose files are made when they are read; reading may wait for ever, or take what others wait for."""


def user_path(given: str | os.PathLike[str], what: str, *, follow: bool = True) -> Path:
    """The path that a user means: `~` is the home folder.

    Every path of an option, an argument or an environment variable passes here, before anything is done with it.

    Parameters
    ----------
    what : the option or the object, for messages.
    follow : whether the path becomes absolute, with links followed. The name of a link may matter.

    Raises
    ------
    UserError
        For a path that nothing can have: in an unknown home folder, with too long names, with a NUL byte, behind a link
        to itself, or in a folder that may not be searched.
    """
    text = os.fsdecode(given)
    try:
        path = Path(text).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):  # it may be made
            path.stat()
        return path.resolve() if follow else path
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        raise UserError(
            f"{what} {spelled(text, 200)}: can't be used ({reason}), expected a path. Correct it."
        ) from error


def require_folder(folder: Path, what: str, *, written: bool = True) -> None:
    """Raise UserError unless a folder is there, or can be made; makes nothing.

    written : whether files will be put into a folder that is there.
    """
    found = next(place for place in (folder, *folder.parents) if place.exists())
    if not found.is_dir():
        raise UserError(
            f"{what} {folder}: {found} is {special(found.stat()) or 'a file'}, expected a folder. Name another one."
        )
    if (written or found != folder) and (_is_of_the_kernel(found.stat()) or not os.access(found, os.W_OK | os.X_OK)):
        raise UserError(
            f"{what} {folder}: nothing can be made in {found} (read-only), expected a folder. Name another one."
        )


def special(status: os.stat_result) -> str | None:
    """What is found in place of a regular file of a disk, such as "a device"; None for a regular file."""
    if not stat.S_ISREG(status.st_mode):
        return _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
    return "a file of the kernel" if _is_of_the_kernel(status) else None


def _is_of_the_kernel(status: os.stat_result) -> bool:
    return _file_system(status.st_dev) in _OF_THE_KERNEL


@cache
def _file_system(device: int) -> str:
    """The kind of file system that has this number; empty where that is unknown, as on macOS."""
    number = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
            before, _, after = line.partition(" - ")
            if before.split()[2:3] == [number]:
                return after.partition(" ")[0]
    return ""
