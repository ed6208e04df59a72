"""Files as a whole: written completely or not at all, and their hashes."""

import json
import os
import shutil
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path

PART = '.part'


def write_whole(
    path: str | Path, content: bytes | str, way_out: str, flush: bool = True
) -> None:
    """Write a file beside its place, then move it over the old one.

    Args:
        path (str | Path): Folders are made.
        content (bytes | str): What to write; text as UTF-8.
        way_out (str): What to do once there is space.
        flush (bool): Make it survive a power cut, which takes milliseconds.

    Raises:
        OSError: It cannot be written; the old file is as it was.
    """
    path = Path(path)
    content = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(content)  # a pipe, a terminal
        return
    path = Path(os.path.realpath(path))  # what a link points to
    part = path.with_name(path.name + PART)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        if flush:
            _flush(part)
        os.replace(part, path)
        if flush and os.name != 'nt':  # folders cannot be opened there
            _flush(path.parent)
    except OSError as error:
        with suppress(OSError):  # its folder may be a file
            part.unlink()
        old = (
            'the old file is unchanged'
            if path.exists()
            else 'nothing was written'
        )
        raise OSError(
            error.errno,
            f'{path}: cannot be written ({error.strerror}): '
            f'{len(content) / 1e6:.1f} MB are needed, {_free(path.parent)}; '
            f'{old}. Make space or choose another folder, then {way_out}',
        ) from error


def write_json_whole(path: str | Path, content: dict, way_out: str) -> None:
    """Write JSON by :func:`write_whole`; ValueError for NaN and infinity."""
    text = json.dumps(content, indent=1, allow_nan=False) + '\n'
    write_whole(path, text, way_out)


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, 'rb') as file:
        return file_digest(file, 'sha256').hexdigest()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _free(folder: Path) -> str:
    try:
        return f'{shutil.disk_usage(folder).free / 1e6:.1f} MB are free'
    except OSError:
        return 'the free space is unknown'
