"""Which files belong together, found without reading them."""

from collections import Counter
from pathlib import Path

from fdep_mm.core.splits import leaves_root, read_ids
from fdep_mm.core.suffixes import IMAGE_SUFFIXES, composed, strip_suffix

from ..folders import Folder, Sample
from ..layouts import Layout
from .findings import Findings


def list_samples(layout: Layout, findings: Findings) -> list[Sample]:
    """List the samples of a data set; what is odd becomes a finding."""
    images = Folder(layout.images, layout.image_suffixes)
    if not (every := images.ids()):
        suffixes = ', '.join(layout.image_suffixes)
        raise ValueError(f'{layout.images}: holds no image ({suffixes})')
    listed = _listed(layout, images, every, findings)
    if layout.masks is layout.boxes is None:
        findings.add('mask-none', layout.name)
    masks = layout.masks and Folder(layout.masks, layout.mask_suffixes)
    boxes = layout.boxes and Folder(layout.boxes, ('.xml',))
    samples = []
    for image_id, splits in listed.items():
        where = f'{layout.name} {"+".join(splits)} {image_id}'
        folders = dict(image=images, mask=masks, box=boxes)
        image, mask, box = (
            folder and _file(folder, image_id, where, kind, findings)
            for kind, folder in folders.items()
        )
        if image is not None:
            names = layout.name, tuple(splits)
            samples.append(Sample(image_id, *names, image, mask, box))
    folded = {image_id.lower() for image_id in every}
    for mask_id in masks.ids() if masks else ():
        if mask_id.lower() not in folded:
            findings.add('mask-orphan', f'{layout.name} {mask_id}')
    for name in images.others():
        findings.add('image-other', f'{layout.name} {name}')
    for image_id in every:
        if image_id not in listed:
            findings.add('image-unlisted', f'{layout.name} {image_id}')
    return samples


def _listed(
    layout: Layout, images: Folder, every: list[str], findings: Findings
) -> dict[str, list[str]]:
    """Ids as the image folder has them -> the splits that list them."""
    listed: dict[str, list[str]] = {}
    for split, files in layout.splits.items():
        where = f'{layout.name} {split}'
        ids = _read(files, where, findings) if files else every
        names = []
        for image_id in ids:
            files_of, exact = images.find(image_id)
            name = files_of[0] if files_of else image_id
            suffixes = (*images.suffixes, *IMAGE_SUFFIXES)
            names.append(composed(strip_suffix(name, suffixes)))
            if not exact:
                detail = f'the image is {names[-1]}'
                findings.add('name-case', f'{where} {image_id}', detail)
        for name, times in Counter(names).items():
            if times > 1:
                detail = f'{times} times'
                findings.add('split-repeat', f'{where} {name}', detail)
            listed.setdefault(name, []).append(split)
    for image_id, splits in listed.items():
        if len(splits) > 1:
            where = f'{layout.name} {image_id}'
            findings.add('split-overlap', where, ' and '.join(splits))
    return listed


def _read(
    files: tuple[Path, ...], where: str, findings: Findings
) -> list[str]:
    """Ids of all files of a split."""
    found = []
    for path in files:
        try:
            ids = read_ids(path)
        except ValueError as error:
            findings.add('split-unreadable', where, str(error))
            continue
        if not ids:
            findings.add('split-empty', where, str(path))
        for image_id in ids:
            if leaves_root(image_id):
                findings.add('split-escape', where, repr(image_id))
            else:
                found.append(image_id)
    return found


def _file(
    folder: Folder, image_id: str, where: str, kind: str, findings: Findings
) -> Path | None:
    names, exact = folder.find(image_id)
    if not names:
        ending = ', '.join(folder.suffixes)
        detail = f'in {folder.path}, ending with {ending}'
        findings.add(f'{kind}-missing', where, detail)
        return None
    if not exact:
        findings.add('name-case', where, f'the {kind} is {names[0]}')
    if len(names) > 1:
        findings.add('name-twice', where, ', '.join(names))
    return folder.path / names[0]
