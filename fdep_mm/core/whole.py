"""Writing files whole or not at all, with Python alone."""

import os
import shutil
from pathlib import Path

PART = '.part'


def write_whole(
    path: Path, content: bytes, way_out: str, flush: bool = True
) -> None:
    """Write a file beside its place, then move it over the old one.

    Args:
        path (Path): Folders are made.
        content (bytes): What to write.
        way_out (str): What the error tells people to do once there is space
            or they have chosen another folder.
        flush (bool): Make it survive a power cut, which takes milliseconds.

    Raises:
        OSError: It cannot be written; the old file is as it was.
    """
    part = path.with_name(path.name + PART)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        if flush:
            move_over(part, path)
        else:
            os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        problem = _message(error, path, len(content))
        raise OSError(
            error.errno,
            f'{problem}. Make space or choose another folder, then {way_out}',
        ) from error


def move_over(part: Path, path: Path) -> None:
    """Replace a file by a finished one on the same disk, and flush both.

    Where that fails (OSError), the old file is as it was.
    """
    with open(part, 'rb+') as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut."""
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
