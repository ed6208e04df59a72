"""Files that are there as a whole or not at all."""

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from .whole import write_whole

NAME = 'fdep_mm.atomic'


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
        write_whole(Path(filepath), obj, self.way_out)

    def put_text(
        self, obj: str, filepath: str | Path, encoding: str = 'utf-8'
    ) -> None:
        """Write a text file.

        Raises:
            OSError: It cannot be written; the old file is as it was.
        """
        self.put(obj.encode(encoding), filepath)


register_backend(NAME, AtomicBackend, force=True)
