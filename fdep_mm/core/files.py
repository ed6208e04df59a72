"""Files that are written whole or not at all."""

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from .whole import write_whole

NAME = 'fdep_mm.atomic'


class AtomicBackend(LocalBackend):
    """MMEngine's file backend of the local disk, with atomic writes.

    If the process is killed or the disk is full, the old file stays, and maybe
    ``NAME.part`` beside it. ``way_out`` is that of :func:`.write_whole`.

    Example:
        >>> checkpoint = dict(
        ...     type='CheckpointHook',
        ...     backend_args=dict(backend='fdep_mm.atomic'))
    """

    def __init__(self, way_out: str = 'go on with --resume') -> None:
        self.way_out = way_out

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file; at an OSError the old one stays."""
        write_whole(Path(filepath), obj, self.way_out)

    def put_text(
        self, obj: str, filepath: str | Path, encoding: str = 'utf-8'
    ) -> None:
        """Write a text file; see :meth:`put`."""
        self.put(obj.encode(encoding), filepath)


register_backend(NAME, AtomicBackend, force=True)
