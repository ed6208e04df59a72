"""What can be wrong with a data set, and a list of what is."""

from typing import NamedTuple

# code -> (level, what it says, what to do). Errors stop a training, or make
# it or its evaluation wrong; warnings may be intended; notes are facts.
CODES = {
    'split-unreadable': ('error', 'split files cannot be read', 'replace'),
    'split-empty': (
        'error',
        'split files list no image',
        'write one id a line',
    ),
    'split-escape': (
        'error',
        'ids of a split file lead out of the data set',
        'ids are relative to the image folder',
    ),
    'split-repeat': ('error', 'ids stand twice in a split', 'remove one'),
    'split-overlap': (
        'error',
        'images are in more than one split',
        'take them out of all but one, or use --write-split',
    ),
    'image-missing': (
        'error',
        'listed images do not exist',
        'add the files or remove the ids',
    ),
    'mask-missing': (
        'error',
        'images have no mask',
        'add an empty mask where there is no target',
    ),
    'mask-orphan': ('error', 'masks have no image', 'rename or remove them'),
    'box-missing': ('warning', 'images have no box file', 'add the files'),
    'name-case': (
        'error',
        'files differ from their id in upper and lower case',
        'rename them: other systems do not find them',
    ),
    'name-twice': (
        'warning',
        'ids have several files',
        'remove all but one; the first is taken',
    ),
    'image-unreadable': (
        'error',
        'images are damaged or of another type',
        'replace them or take them out of the splits',
    ),
    'image-type': (
        'error',
        'images are neither 8- nor 16-bit',
        'convert them',
    ),
    'mask-unreadable': (
        'error',
        'masks are damaged or of another type',
        'replace them or take them out of the splits',
    ),
    'mask-values': (
        'error',
        'masks hold other values than 0 and 1, or 0 and 255',
        'fix them, or set LoadSIRSTMask(threshold=...) as it says',
    ),
    'no-target': (
        'error',
        'all masks of a split are empty',
        'look at the masks: nothing can be learned or scored',
    ),
    'size-mismatch': (
        'error',
        'masks have another size than their image',
        'replace one of the two',
    ),
    'box-unreadable': (
        'error',
        'box files cannot be read',
        'replace them, or take boxes from masks',
    ),
    'box-mismatch': (
        'error',
        'boxes disagree with the mask',
        'look at both; correct one, or take boxes from masks',
    ),
    'box-convention': (
        'error',
        'box files count pixels in another way than is set',
        "set xml_convention='sirst-v2' or 'voc' (--xml-convention) as it says",
    ),
    'duplicate': (
        'error',
        'images of different splits have the same pixels',
        'use --write-split',
    ),
    'near-duplicate': (
        'error',
        'images look like one of an earlier split',
        'look at --contact-sheet (smooth skies are alike by chance), then '
        'use --write-split',
    ),
    'duplicate-within': (
        'warning',
        'images of one split have the same pixels',
        'remove all but one',
    ),
    'bit-depth': (
        'warning',
        'the files mix 8 and 16 bits',
        'convert one kind; equal values mean different brightness',
    ),
    'bit-range': (
        'warning',
        'the files use a small part of their 16 bits',
        'set LoadInfraredImage(max_value=...)',
    ),
    'image-pages': (
        'warning',
        'files hold several pages',
        'only the first is an image of a data set: store one file each',
    ),
    'image-flat': ('warning', 'images have one value only', 'look at them'),
    'target-large': (
        'warning',
        'targets cover over 5 % of their image',
        'look at the masks: inverted, or of another task?',
    ),
    'target-dark': (
        'note',
        'targets are darker than their surroundings',
        'expected for cold targets only',
    ),
    'image-colour': (
        'note',
        'images are not exactly grey',
        'LoadInfraredImage makes them grey',
    ),
    'box-none': (
        'note',
        'box files hold an <object> without <bndbox>',
        'it counts as no target, as in SIRST-V2',
    ),
    'image-unlisted': ('note', 'images are in no split', 'not checked'),
}
LEVELS = ('error', 'warning', 'note')


class Item(NamedTuple):
    """One place where something was found."""

    where: str
    detail: str = ''


class Findings:
    """What was found, by code."""

    def __init__(self) -> None:
        self._items: dict[str, list[Item]] = {}

    def add(self, code: str, where: str, detail: str = '') -> None:
        """Add one place."""
        level = CODES[code][0]
        assert level in LEVELS
        self._items.setdefault(code, []).append(Item(where, detail))

    def items(self, code: str) -> list[Item]:
        """All places of a code."""
        return self._items.get(code, [])

    def codes(self, level: str) -> list[str]:
        """Codes of a level that have places, in the order of CODES."""
        return [
            code
            for code, (own, *_) in CODES.items()
            if own == level and code in self._items
        ]

    @property
    def clean(self) -> bool:
        """Whether there is no error."""
        return not self.codes('error')
