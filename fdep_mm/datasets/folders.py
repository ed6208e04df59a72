"""Folders of a data set, and what belongs to one image."""

import os
from pathlib import Path
from typing import NamedTuple

from fdep_mm.core.suffixes import IMAGE_SUFFIXES


class Sample(NamedTuple):
    """One image of a data set with what belongs to it.

    Attributes:
        image_id (str): Its line in a split file, without suffix.
        dataset (str): Name of its data set.
        splits (tuple[str, ...]): Names of the splits that list it.
        image (Path): Its file.
        mask (Path | None): File of its mask.
        boxes (Path | None): XML file of its boxes.
    """

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
    places, and wrong upper and lower case is seen.

    Args:
        path (Path): The folder.
        suffixes (tuple[str, ...]): Of the files that count, the preferred
            first.
    """

    def __init__(self, path: Path, suffixes: tuple[str, ...]) -> None:
        self.path = path
        self.suffixes = suffixes
        names = [
            os.path.relpath(os.path.join(top, name), path).replace(os.sep, '/')
            for top, _, files in os.walk(path)
            for name in files
        ]
        self.names = set(names)
        self._folded = {name.lower(): name for name in names}

    def find(self, image_id: str) -> tuple[list[str], bool]:
        """Files of an id.

        Args:
            image_id (str): With or without suffix.

        Returns:
            tuple: Names below the folder, the preferred first, and whether
            upper and lower case agree.
        """
        for stem in dict.fromkeys((image_id, strip_suffix(image_id))):
            wanted = [stem + suffix for suffix in self.suffixes]
            found = [name for name in wanted if name in self.names]
            if found:
                return found, True
            folded = dict.fromkeys(name.lower() for name in wanted)
            found = [self._folded[n] for n in folded if n in self._folded]
            if found:
                return found, False
        return [], True

    def ids(self) -> list[str]:
        """Ids of all files that end with one of the suffixes, sorted."""
        # The longest suffix that fits: '_pixels0.png' before '.png'.
        suffixes = sorted(self.suffixes, key=len, reverse=True)
        found = set()
        for name in self.names:
            for suffix in suffixes:
                if name.lower().endswith(suffix.lower()):
                    found.add(name[: -len(suffix)])
                    break
        return sorted(found)


def strip_suffix(image_id: str) -> str:
    """Take the suffix of an image file off an id, if it has one.

    Args:
        image_id (str): Such as 'Misc_1' or 'Misc_1.png'.

    Returns:
        str: 'Misc_1'.
    """
    for suffix in IMAGE_SUFFIXES:
        if image_id.lower().endswith(suffix):
            return image_id[: -len(suffix)]
    return image_id
