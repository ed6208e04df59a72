"""What the files and folders of results are called."""

from os import PathLike
from pathlib import Path

JSON_LINES, LOCK = 'targets.jsonl', 'run.lock'
TABLES = dict(json='predictions.json', csv='targets.csv', coco='coco.json')
FOLDERS = dict(mask='masks', prob='probs', overlay='overlays')
PATHS = dict(jsonl=JSON_LINES, **TABLES, **FOLDERS)
OUTPUTS = tuple(PATHS)
DEFAULT = ('jsonl', 'json', 'csv', 'overlay')


def own_paths(out_dir: str | PathLike) -> list[Path]:
    """Folders and files that a run may write."""
    return [Path(out_dir) / name for name in (*PATHS.values(), LOCK)]
