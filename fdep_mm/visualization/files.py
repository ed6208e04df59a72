"""Images, probability maps and masks in folders: paired, read, counted."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fdep_mm.core import masks
from fdep_mm.core.image import decode_pages, unreadable
from fdep_mm.core.splits import read_ids
from fdep_mm.core.suffixes import (
    IMAGE_SUFFIXES,
    composed,
    is_image,
    strip_suffix,
)
from fdep_mm.core.text import some
from fdep_mm.evaluation.functional import (
    EvalProtocol,
    check_pair,
    count_image,
)


def list_images(folder: Path, suffix: str = '') -> dict[str, Path]:
    """Find the image files of a folder and its sub-folders by identifier.

    The identifier is the path below the folder, with ``/``, without the
    file's suffix and without `suffix`, the part of the stem after it, such as
    '_pixels0' for the masks of SIRST-V2. `folder` may be a single file.
    """
    if folder.is_file():
        return {folder.stem.removesuffix(suffix): folder}
    if not folder.is_dir():
        raise ValueError(f'{folder}: no such file or folder')
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob('*')):
        known = is_image(path.relative_to(folder))
        if known and path.stem.endswith(suffix) and path.is_file():
            stem = path.relative_to(folder).with_suffix('').as_posix()
            name = composed(stem).removesuffix(suffix)
            if name in found:
                raise ValueError(
                    f'{folder}: {found[name].name} and {path.name} have one '
                    'name; keep one of them'
                )
            found[name] = path
    if not found:
        raise ValueError(
            f'{folder}: holds no image file *{suffix}.png (or '
            f'{", ".join(IMAGE_SUFFIXES[1:])})'
        )
    return found


def pair_images(
    kinds: Mapping[str, Mapping[str, Path]], names: Sequence[str] | None = None
) -> tuple[list[str], list[str]]:
    """Identifiers that every folder has, and a line for each that lacks one.

    Args:
        kinds (Mapping[str, Mapping[str, Path]]): 'image', 'prediction', ... ->
            files of :func:`list_images`.
        names (Sequence[str], optional): Identifiers to take. Defaults to
            None: all predictions; masks without one share a line.
    """
    complete, complaints = [], []
    if names is None:
        names = kinds['prediction']
        alone = sorted(set(kinds['mask']) - set(names))
        if alone:
            complaints.append(
                f'{len(alone)} masks have no prediction: {some(alone)}; name '
                'the images to take with --split FILE'
            )
    for name in names:
        lacking = [kind for kind, files in kinds.items() if name not in files]
        if lacking:
            complaints.append(
                f'{name}: there is no {" and no ".join(lacking)}'
            )
        else:
            complete.append(name)
    if not complete:
        first = ', '.join(
            f'{kind} {next(iter(files))!r}' for kind, files in kinds.items()
        )
        raise ValueError(
            f'no name is in all folders (the first are: {first}); files are '
            'paired by their names without suffix, see --mask-suffix and '
            '--pred-suffix'
        )
    return complete, complaints


def read_names(path: Path) -> list[str]:
    """Read the identifiers of a split file, see :func:`.splits.read_ids`."""
    names = [strip_suffix(name) for name in read_ids(path)]
    if not names:
        raise ValueError(f'{path}: holds no identifier; write one per line')
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'{path}: {twice} is listed twice; remove one')
    return names


def read_image(path: Path) -> np.ndarray:
    """Read any image file as it is, (H, W) or (H, W, C)."""
    try:
        return decode_pages(path.read_bytes(), str(path))[0]
    except OSError as error:
        raise unreadable(str(path), 'image', error) from error


def read_prob(
    path: Path, binary: bool = False, max_value: float | None = None
) -> np.ndarray:
    """Read a probability map (H, W), float32.

    Args:
        path (Path): 8- or 16-bit gray file, or floating point in [0, 1].
        binary (bool): Whether it is a mask, whatever its values: anything
            above 0 becomes 1.
        max_value (float, optional): Value that stands for 1. Defaults to
            None: 255, 65535, or 1 of floating point.
    """
    if binary:
        return (masks.read_values(path) > 0).astype(np.float32)
    values = _read_gray(path)
    return values.astype(np.float32) / np.float32(max_value or _top(values))


def _read_gray(path: Path) -> np.ndarray:
    image = read_image(path)
    if image.ndim == 3:
        if (image[..., :3] != image[..., :1]).any():
            raise ValueError(f'{path}: holds colors; store one gray channel')
        if np.ptp(image, axis=(0, 1))[3:].any():
            raise ValueError(f'{path}: has alpha; store one gray channel')
        image = image[..., 0]
    return image


def _top(values: np.ndarray) -> float:
    if np.issubdtype(values.dtype, np.floating):
        return 1
    return np.iinfo(values.dtype).max


def check_scale(
    preds: Iterable[Path], binary: bool, max_value: float | None
) -> None:
    """Refuse predictions that are not what the options of a tool say.

    Masks may have one value beside 0. The largest value of all probability
    maps must be above 100 of 8 bits or 1000 of 16, unless `max_value` is
    given; no more of them are read than this takes. Files that cannot be read
    are skipped.
    """
    if max_value is not None and not binary:
        return
    highest = top = 0
    for path in preds:
        try:
            values = masks.read_values(path) if binary else _read_gray(path)
        except ValueError:
            continue
        highest, top = max(highest, values.max()), _top(values)
        if binary:
            found = np.unique(values[values > 0])
            if len(found) > 1:
                raise ValueError(
                    f'{path}: holds {len(found)} values above 0, from '
                    f'{found[0]} to {found[-1]}, and is no mask; leave '
                    '--binary out if these are probability maps'
                )
        elif highest > {255: 100, 65535: 1000}.get(top, 0):
            return
    if highest and not binary:
        raise ValueError(
            f'the largest value of all predictions is {highest} of {top}; '
            'add --binary if they are masks (curves need what tools/test.py '
            '--out-probs writes), --max-value 100 if they are percent, '
            '--max-value 255 if they are 8-bit values in 16-bit files, '
            f'--max-value {top} if they are as low as that'
        )


class Scene(NamedTuple):
    """One image with what is true and what was predicted."""

    name: str
    image: np.ndarray  # (H, W) or (H, W, C) of any type
    prob: np.ndarray  # (H, W) float32 in [0, 1]
    mask: np.ndarray  # (H, W) bool


def load_scene(
    name: str,
    image: Path,
    pred: Path,
    mask: Path,
    binary: bool = False,
    max_value: float | None = None,
) -> Scene:
    """Read the files of an image and check that they go together.

    See :func:`read_prob` for `pred`, `binary` and `max_value`.
    """
    pixels = read_image(image)
    prob, truth = check_pair(
        read_prob(pred, binary, max_value),
        masks.read_mask(mask) > 0,
        f'{pred} against {mask}',
    )
    if pixels.shape[:2] != truth.shape:
        raise ValueError(
            f'{image}: is {pixels.shape[:2]} px, but {mask} is {truth.shape}; '
            'resize one of them'
        )
    return Scene(name, pixels, prob, truth)


def count_files(
    preds: Mapping[str, Path],
    truths: Mapping[str, Path],
    names: Sequence[str],
    protocol: EvalProtocol,
    binary: bool = False,
    max_value: float | None = None,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Count image by image, so that folders of any size fit in memory.

    Args:
        preds, truths (Mapping[str, Path]): Files by identifier.
        binary, max_value: See :func:`read_prob`.

    Returns:
        tuple[dict[str, np.ndarray], list[str]]: One record per image, by
        identifier, and one line for each image that cannot be used.
    """
    check_scale((preds[name] for name in names), binary, max_value)
    records, unusable = {}, []
    for name in names:
        pair = f'{preds[name]} against {truths[name]}'
        try:
            prob = read_prob(preds[name], binary, max_value)
            mask = masks.read_mask(truths[name]) > 0
            records[name] = count_image(prob, mask, protocol, pair)
        except ValueError as error:
            unusable.append(str(error))
    if not records:
        raise ValueError('\n  '.join(['no image can be scored', *unusable]))
    return records, unusable
