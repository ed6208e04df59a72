"""What finished cells measured, from a work dir or an exported folder."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fdep_mm.core.files import AtomicBackend
from fdep_mm.engine.hooks.result_writer import PER_IMAGE, RESULT
from fdep_mm.evaluation.functional import read_json, read_per_image
from fdep_mm.visualization import Evaluation

from .plan import Cell, Study

CURVE = 'validation.json'
LAST = 'last 5'


class Result(NamedTuple):
    """One finished cell.

    Attributes:
        cell (Cell): It.
        scores (dict[str, float]): As logged, NaN where undefined; and
            ``last 5``, the mean of a training's last five validations by the
            study's first score (not there if it had fewer).
        images (dict[str, float]): IoU by the name of the image, a fraction.
        evaluation (Evaluation | None): Scores and curves.
    """

    cell: Cell
    scores: dict[str, float]
    images: dict[str, float]
    evaluation: Evaluation | None


def read_results(study: Study, folder: Path) -> list[Result]:
    """Read what is there.

    Args:
        study (Study): The study.
        folder (Path): Its work dir, or what :func:`export` made of one.

    Returns:
        list[Result]: Of the finished cells.

    Raises:
        ValueError: A file is not what a test writes.
    """
    return [
        _read(cell, folder / cell.name, study.scores[0])
        for cell in study.cells
        if (folder / cell.name / RESULT).is_file()
    ]


def _read(cell: Cell, folder: Path, score: str) -> Result:
    content = json.loads((folder / RESULT).read_text())
    scores = {
        key: np.nan if value is None else value
        for key, value in content['metrics'].items()
    }
    curve = folder / CURVE
    curves = json.loads(curve.read_text()) if curve.is_file() else {}
    values = curves.get(score, {}).get('values', [])
    if len(values) >= 5:
        scores[LAST] = float(np.mean(values[-5:]))
    table = folder / PER_IMAGE
    images = read_per_image(table) if table.is_file() else {}
    evaluation = None
    if 'curves' in content:
        evaluation = Evaluation(*read_json(folder / RESULT)[:2])
    return Result(cell, scores, images, evaluation)


def export(study: Study, work_dir: Path, target: Path) -> int:
    """Copy the small files of finished cells.

    Args:
        study (Study): The study.
        work_dir (Path): Its work dir; in the copies, its path where the cells
            ran is WORK_DIR.
        target (Path): The same folders are made there.

    Returns:
        int: Number of cells.
    """
    results = read_results(study, work_dir)
    for cell in (result.cell for result in results):
        folder = work_dir / cell.name
        origin = json.loads((folder / RESULT).read_text())['provenance']
        there = origin['checkpoint'].partition(f'/{cell.trained}')[0]
        for name in (CURVE, PER_IMAGE, RESULT):
            if (folder / name).is_file():
                text = (folder / name).read_text().replace(there, 'WORK_DIR')
                path = target / cell.name / name
                AtomicBackend('export again').put_text(text, path)
    return len(results)
