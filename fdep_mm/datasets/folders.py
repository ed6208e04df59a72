"""Folders of a data set, and what belongs to one image."""

import os
from pathlib import Path
from typing import NamedTuple

from fdep_mm.core.suffixes import (
    composed,
    is_hidden,
    same_name,
    strip_suffix,
)


class Sample(NamedTuple):
    """One image of a data set with what belongs to it."""

    image_id: str
    dataset: str
    splits: tuple[str, ...]
    image: Path
    mask: Path | None
    boxes: Path | None

    @property
    def where(self) -> str:
        """What messages call it."""
        return f'{self.dataset} {"+".join(self.splits)} {self.image_id}'


class Folder:
    """The files below a folder, by name without suffix.

    Names are compared with one listing: strange ids cannot reach other
    places, and wrong upper and lower case is seen; that of suffixes does not
    count. Files that systems add are passed over.
    """

    def __init__(self, path: Path, suffixes: tuple[str, ...]) -> None:
        self.path = path
        self.suffixes = suffixes
        names = [
            os.path.relpath(os.path.join(top, name), path).replace(os.sep, '/')
            for top, _, files in os.walk(path)
            for name in files
            if not is_hidden(name)
        ]
        self._names = {same_name(name): name for name in names}
        self._folded = {name.lower(): name for name in self._names}

    def find(self, image_id: str) -> tuple[list[str], bool]:
        """Files of an id.

        Returns:
            tuple: Names below the folder, the preferred first, and whether
            upper and lower case agree.
        """
        for stem in dict.fromkeys((image_id, strip_suffix(image_id))):
            wanted = [same_name(stem + suffix) for suffix in self.suffixes]
            wanted = list(dict.fromkeys(wanted))
            found = [self._names[n] for n in wanted if n in self._names]
            if found:
                return found, True
            folded = [self._folded.get(name.lower()) for name in wanted]
            found = [self._names[name] for name in folded if name]
            if found:
                return found, False
        return [], True

    def ids(self) -> list[str]:
        """Ids of all files that end with one of the suffixes, sorted."""
        names = map(composed, self._names.values())
        stems = {name: strip_suffix(name, self.suffixes) for name in names}
        return sorted({s for name, s in stems.items() if s != name})
