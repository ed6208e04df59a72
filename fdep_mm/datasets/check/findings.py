"""What can be wrong with a data set, and a list of what is."""

from typing import NamedTuple

# Level -> code -> what it says; what to do.
CODES = dict(
    # stop a training, or make it or its evaluation wrong
    error={
        'split-unreadable': 'split files cannot be read; replace them',
        'split-empty': 'split files list no image; write one id a line',
        'split-escape': 'ids lead out of the data set; ids are relative to '
        'the image folder',
        'split-repeat': 'ids stand twice in a split; remove one',
        'split-overlap': 'images are in several splits; remove them from all '
        'but one, or use --write-split',
        'image-missing': 'listed images do not exist; add or unlist them',
        'mask-missing': 'images have no mask; add one, empty without target, '
        'or name the ending of mask names by --mask-suffix',
        'mask-orphan': 'masks have no image; rename or remove them, or name '
        'their ending by --mask-suffix',
        'name-case': 'files differ from their id in upper and lower case; '
        'rename them: other systems do not find them',
        'image-unreadable': 'images are damaged or of another type; replace '
        'or unlist them',
        'image-type': 'images are neither 8- nor 16-bit; convert them',
        'mask-unreadable': 'masks are damaged or of another type; replace '
        'or unlist them',
        'mask-values': 'masks hold other values than 0 and 1, or 0 and 255; '
        'follow the advice beside each',
        'no-target': 'all masks of a split are empty; look at the masks',
        'size-mismatch': 'masks and images differ in size; replace one',
        'box-unreadable': 'box files cannot be read; replace them, or take '
        'boxes from masks',
        'box-mismatch': 'boxes disagree with the mask; correct one, or take '
        'boxes from masks',
        'box-convention': 'box files count pixels in another way than is set; '
        "set xml_convention='sirst-v2' or 'voc' (--xml-convention)",
        'duplicate': 'images of different splits have the same pixels; use '
        '--write-split',
        'near-duplicate': 'images look like one of an earlier split; look at '
        '--contact-sheet (smooth skies are alike by chance), then use '
        '--write-split',
    },
    # may be intended
    warning={
        'mask-none': 'no folder of masks was found or named, so targets were '
        'not checked; name it by --masks',
        'box-missing': 'images have no box file; add the files',
        'name-twice': 'ids have several files, the first is taken; remove the '
        'others',
        'duplicate-within': 'images of a split have the same pixels; remove '
        'all but one',
        'bit-depth': 'files of 8 and 16 bits are mixed, equal values mean '
        'different brightness; convert one kind',
        'bit-range': 'the files use a small part of their 16 bits; set '
        'LoadInfraredImage(gray_range=(black, white))',
        'image-pages': 'files hold several pages, the first is read; store '
        'one file each',
        'image-flat': 'images have one value only; look at them',
        'target-large': 'targets cover over 5 % of their image; look at the '
        'masks: inverted, or of another task?',
    },
    # facts
    note={
        'target-dark': 'targets are darker than their surroundings; expected '
        'for cold targets only',
        'image-color': 'images are not exactly gray; LoadInfraredImage makes '
        'them gray',
        'box-none': 'box files hold an <object> without <bndbox>; it counts '
        'as no target, as in SIRST-V2',
        'image-other': 'files of the image folder are no images; convert or '
        'remove them',
        'image-unlisted': 'images are in no split; not checked',
    },
)


class Item(NamedTuple):
    """One place where something was found: image, file or split."""

    where: str
    detail: str = ''


class Findings:
    """What was found, by code."""

    def __init__(self) -> None:
        self._items = {code: [] for level in CODES.values() for code in level}

    def add(self, code: str, where: str, detail: str = '') -> None:
        """Add one place."""
        self._items[code].append(Item(where, detail))

    def items(self, code: str) -> list[Item]:
        """All places of a code."""
        return self._items[code]

    def codes(self, level: str) -> list[str]:
        """Codes of a level that have places."""
        return [code for code in CODES[level] if self._items[code]]

    def count(self, level: str) -> int:
        """Number of places of a level."""
        return sum(len(self._items[code]) for code in CODES[level])

    @property
    def clean(self) -> bool:
        """Whether there is no error."""
        return not self.codes('error')
