"""Files that are there as a whole or not at all."""

import os
import shutil
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

NAME = 'fdep_mm.atomic'
PART = '.part'


class AtomicBackend(LocalBackend):
    """MMEngine's file backend of the local disk, with atomic writes.

    A file is written beside its place under the name ``NAME.part``, flushed
    to the disk and then moved over the old one. A process that is killed
    leaves the old file, a full disk too; a ``.part`` file may stay.

    Args:
        way_out (str): What the error tells people to do once there is space or
            they have chosen another folder.

    Example:
        >>> checkpoint = dict(
        ...     type='CheckpointHook',
        ...     backend_args=dict(backend='fdep_mm.atomic'))
    """

    def __init__(self, way_out: str = 'go on with --resume') -> None:
        self.way_out = way_out

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file.

        Raises:
            OSError: It cannot be written; the old file is as it was.
        """
        path = Path(filepath)
        part = path.with_name(path.name + PART)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(part, 'wb') as file:
                file.write(obj)
            move_over(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            problem = _message(error, path, len(obj))
            raise OSError(
                error.errno,
                f'{problem}. Make space or choose another folder, then '
                f'{self.way_out}',
            ) from error

    def put_text(
        self, obj: str, filepath: str | Path, encoding: str = 'utf-8'
    ) -> None:
        """Write a text file.

        Raises:
            OSError: It cannot be written; the old file is as it was.
        """
        self.put(obj.encode(encoding), filepath)


register_backend(NAME, AtomicBackend, force=True)


def move_over(part: Path, path: Path) -> None:
    """Replace a file by a finished one, and have that survive a crash.

    Raises:
        OSError: It cannot be moved; the old file is as it was.
    """
    with open(part, 'rb+') as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the new name survive a power cut."""
    if os.name == 'nt':  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _message(error: OSError, path: Path, size: int) -> str:
    try:
        free = f'{shutil.disk_usage(path.parent).free / 1e6:.1f} MB are free'
    except OSError:
        free = 'the free space is unknown'
    old = 'the old file is as it was' if path.exists() else 'there is no file'
    return (
        f'{path}: cannot be written ({error.strerror}): {size / 1e6:.1f} MB '
        f'are needed and {free} in {path.parent}; {old}'
    )
