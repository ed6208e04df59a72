"""Names of results, from those of files."""

import re
from itertools import count
from pathlib import PureWindowsPath


class Names:
    """Names of one run, all different even in lower case.

    Frames of a sequence (a video or a file of several pages) are called
    NAME/000000, NAME/000001, ...; no other name may look like theirs.
    """

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.sequences: set[str] = set()
        self.numbered: set[str] = set()  # folders of names that are numbers

    def take(self, name: str, suffix: str, is_sequence: bool) -> str:
        """Take a free name, if need be with the suffix and a number."""
        name = harmless(name)
        if self._is_taken(name, is_sequence):
            name += suffix
        base = name
        for number in count(2):
            if not self._is_taken(name, is_sequence):
                break
            name = f'{base}-{number}'
        folder, _, last = name.casefold().rpartition('/')
        self.taken.add(name.casefold())
        if is_sequence:
            self.sequences.add(name.casefold())
        if last.isdecimal():
            self.numbered.add(folder)
        return name

    def _is_taken(self, name: str, is_sequence: bool) -> bool:
        name = name.casefold()
        folder, _, last = name.rpartition('/')
        return (
            name in self.taken
            or (is_sequence and name in self.numbered)
            or (last.isdecimal() and folder in self.sequences)
        )


def harmless(name: str) -> str:
    r"""Replace what leads out of a folder, such as ``..`` and ``C:``."""
    parts = name.split('/')
    name = '/'.join('_' if p in ('', '.', '..') else p for p in parts)
    path = PureWindowsPath(name)
    if path.anchor or '..' in path.parts:
        name = re.sub(r'[\\:]', '_', name)
    return name
