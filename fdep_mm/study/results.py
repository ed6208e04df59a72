"""What finished cells measured, from a work dir or an exported folder."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine import Config

from fdep_mm.core.options import nearest
from fdep_mm.core.whole import write_whole
from fdep_mm.engine.hooks.result_writer import (
    PER_IMAGE,
    RESULT,
    settings_hash,
)
from fdep_mm.evaluation.functional import (
    Evaluation,
    plain,
    read_json,
    read_per_image,
)

from .plan import Cell, Study

CURVE = 'validation.json'
SETTINGS = 'cell.json'
LAST = 'last 5'


class Result(NamedTuple):
    """One finished cell.

    `scores` are as logged, NaN where undefined, and ``last 5`` is the mean of
    the last five validations by the study's first score; `images` is the IoU
    by the name of the image, a fraction; `config` is the hash of its config.
    """

    cell: Cell
    scores: dict[str, float]
    images: dict[str, float]
    evaluation: Evaluation | None
    config: str


def config_hash(path: str) -> str:
    """SHA-256 of what a config says, wherever the data lie."""
    return settings_hash(
        Config.fromfile(path, use_environment_variables=False)
    )


def settings_of(
    cell: Cell, hash_of: Callable[[str], str] = config_hash
) -> dict:
    """What the folder of a cell remembers of its settings."""
    return dict(cell._asdict(), config_sha256=hash_of(cell.config))


def check_settings(
    cell: Cell, folder: Path, hash_of: Callable[[str], str] = config_hash
) -> None:
    """Refuse a folder whose cell was begun with other settings.

    Raises:
        ValueError: Which differ, and what they were.
    """
    if not (folder / SETTINGS).is_file():
        return
    then = _flat(json.loads((folder / SETTINGS).read_text()))
    now = _flat(json.loads(json.dumps(settings_of(cell, hash_of))))
    then.setdefault('config_sha256', now['config_sha256'])  # of older cells
    changed = [
        f'{key}: {then.get(key)} then, {now.get(key)} now'
        for key in {**then, **now}
        if then.get(key) != now.get(key)
    ]
    if changed:
        raise ValueError(
            f'{folder} was begun with other settings ({"; ".join(changed)}). '
            'Undo the change, give the arm another name, or remove the folder'
        )


def _flat(settings: dict) -> dict:
    found = {}
    for key, value in settings.items():
        inner = value if isinstance(value, dict) else {None: value}
        found |= {f'{key} {k}' if k else key: v for k, v in inner.items()}
    return found


def read_results(study: Study, folder: Path) -> list[Result]:
    """Results of the finished cells below a work dir or an exported folder.

    Raises:
        ValueError: A cell of the work dir was begun with other settings.
    """
    hash_of = cache(config_hash)
    return [
        _read(cell, folder / cell.name, study.scores[0], hash_of)
        for cell in study.cells
        if (folder / cell.name / RESULT).is_file()
    ]


def _read(
    cell: Cell, folder: Path, score: str, hash_of: Callable[[str], str]
) -> Result:
    check_settings(cell, folder, hash_of)
    content = json.loads((folder / RESULT).read_text())
    scores = {
        key: np.nan if value is None else value
        for key, value in content['metrics'].items()
    }
    images, evaluation = {}, None
    if (folder / CURVE).is_file():
        curve = json.loads((folder / CURVE).read_text()).get(score, {})
        values = np.array(curve.get('values', []), float)
        if len(values) >= 5:
            scores[LAST] = float(values[-5:].mean())
    if (folder / PER_IMAGE).is_file():
        images = read_per_image(folder / PER_IMAGE)
    if 'curves' in content:
        evaluation = Evaluation(*read_json(folder / RESULT)[:2])
    config = content['provenance']['config_sha256']
    return Result(cell, scores, images, evaluation, config)


def mixed_arms(results: Iterable[Result]) -> list[str]:
    """Arms whose seeds were tested with configs that differ."""
    found: dict[str, set[str]] = {}
    for one in results:
        found.setdefault('/'.join(one.cell[:3]), set()).add(one.config)
    return [arm for arm, configs in found.items() if len(configs) > 1]


def missing_scores(study: Study, results: Iterable[Result]) -> list[str]:
    """Scores of a study that no test has measured, with similar ones."""
    known = {name for one in results for name in one.scores}
    return [
        f'{name!r}{nearest(name, known)}'
        for name in study.scores
        if known and name not in known
    ]


def read_validations(folder: Path) -> dict[str, dict[str, list]]:
    """Score -> ``steps``, ascending, and ``values``, None where undefined.

    LocalVisBackend logged them, at each start to a new file; of a step that
    was repeated, those of the last start are taken.
    """
    found: dict[str, dict[int, float]] = {}
    # the names of the folders are times
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in path.read_text(errors='replace').splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # a killed training leaves half a line
                continue
            for key, value in entry.items():
                if '/' in key:  # others are losses, rates and times
                    found.setdefault(key, {})[entry['step']] = value
    return {
        key: dict(steps=sorted(of), values=[plain(of[k]) for k in sorted(of)])
        for key, of in found.items()
    }


def export(study: Study, work_dir: Path, target: Path) -> int:
    """Copy the small files of finished cells; gives their number.

    Paths in them begin at WORK_DIR.
    """
    cells = [result.cell for result in read_results(study, work_dir)]
    for cell in cells:
        folder = work_dir / cell.name
        origin = json.loads((folder / RESULT).read_text())['provenance']
        place = f'{cell.data}/{cell.host}/'
        there = origin['checkpoint'].rpartition(place)[0]
        for name in (CURVE, PER_IMAGE, RESULT):
            if (folder / name).is_file():
                text = (folder / name).read_text()
                text = text.replace(there + place, f'WORK_DIR/{place}')
                path = target / cell.name / name
                write_whole(path, text, 'export again')
    return len(cells)
