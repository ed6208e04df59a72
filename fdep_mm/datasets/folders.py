"""Folders of a data set, and what belongs to one image."""

import os
from itertools import filterfalse
from pathlib import Path
from typing import NamedTuple

from mmengine import fileio

from fdep_mm.core.suffixes import (
    composed,
    is_hidden,
    is_image,
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

    Names are looked up in one listing, so that strange ids cannot reach other
    places and wrong case is noticed (that of suffixes does not matter). Files
    that systems add are skipped.
    """

    def __init__(
        self,
        path: str | Path,
        suffixes: tuple[str, ...],
        backend_args: dict | None = None,
    ) -> None:
        self.path = path
        self.suffixes = suffixes
        names = fileio.list_dir_or_file(
            path, list_dir=False, recursive=True, backend_args=backend_args
        )
        names = (name.replace(os.sep, '/') for name in names)
        self.names = sorted(name for name in names if not is_hidden(name))
        self._names = {same_name(name): name for name in self.names}
        self._folded = {k.lower(): name for k, name in self._names.items()}

    def find(self, image_id: str) -> tuple[list[str], bool]:
        """Files of an id, the preferred first, and whether case agrees."""
        for stem in dict.fromkeys((image_id, strip_suffix(image_id))):
            wanted = dict.fromkeys(same_name(stem + s) for s in self.suffixes)
            if found := [self._names[n] for n in wanted if n in self._names]:
                return found, True
            folded = (self._folded.get(name.lower()) for name in wanted)
            if found := [name for name in folded if name]:
                return found, False
        return [], True

    def ids(self) -> list[str]:
        """Ids of all files that end with one of the suffixes, sorted."""
        names = map(composed, self.names)
        stems = {name: strip_suffix(name, self.suffixes) for name in names}
        return sorted({stem for name, stem in stems.items() if stem != name})

    def others(self) -> list[str]:
        """Names of the files that are not known as images."""
        return list(filterfalse(is_image, self.names))
