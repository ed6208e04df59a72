"""Results as files: tables of targets, masks and pictures."""

import csv
import io
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from os import PathLike
from pathlib import Path

import numpy as np

from fdep_mm.core.text import cell

from .image_writers import MaskWriter, OverlayWriter, ProbWriter, write_file
from .inputs import Failure
from .results import Prediction, Target

TABLES = dict(json='predictions.json', csv='targets.csv', coco='coco.json')
PICTURES = dict(mask=MaskWriter, prob=ProbWriter, overlay=OverlayWriter)
OUTPUTS = (*TABLES, *PICTURES)
OF_MAPS = ('mask', 'prob')


def picture_folders(out_dir: str | PathLike) -> list[Path]:
    """Folders into which a :class:`ResultWriter` may write pictures."""
    return [Path(out_dir) / writer.folder for writer in PICTURES.values()]


class ResultWriter:
    """Writes results into a folder as they come.

    Pictures are written at once. Tables are written when the writer, a
    context manager, is left, also because of an error.

    Args:
        outputs (Sequence[str]): 'json' (predictions.json), 'csv'
            (targets.csv), 'coco' (coco.json, a COCO data set with scores),
            'mask' (masks/NAME.png of {0, 255}), 'prob' (probs/NAME.png,
            16-bit), 'overlay' (overlays/NAME.png, or .mp4 of a video).

    Raises:
        ValueError: An output is unknown, or a detector has none of its kind.
        OSError: The folder cannot be written.
    """

    def __init__(
        self,
        out_dir: str | PathLike,
        outputs: Sequence[str],
        task: str,
        info: dict,
    ) -> None:
        unknown = [name for name in outputs if name not in OUTPUTS]
        if unknown:
            raise ValueError(
                f'outputs={unknown} are unknown; choose among {OUTPUTS}'
            )
        maps = [name for name in outputs if name in OF_MAPS]
        if task == 'detection' and maps:
            raise ValueError(
                f'outputs={maps}: a detector gives boxes and no '
                'probability map; leave them out'
            )
        self.out_dir = _prepare(Path(out_dir))
        self.tables = [name for name in outputs if name in TABLES]
        self.pictures = [
            PICTURES[name](self.out_dir)
            for name in outputs
            if name in PICTURES
        ]
        self.info = info
        self.records: list[dict] = []
        self.annotations: list[dict] = []
        self.failures: list[Failure] = []

    def add(self, item: Prediction | Failure) -> None:
        """Write what one image gave."""
        if isinstance(item, Failure):
            self.failures.append(item)
            return
        for writer in self.pictures:
            writer.add(item)
        self.records.append(item.to_dict())
        if 'coco' in self.tables:
            self._annotate(item)

    def __enter__(self) -> 'ResultWriter':
        return self

    def __exit__(self, error_type: type | None, *_: object) -> None:
        # What stopped the run is more worth telling than what follows of it.
        with suppress(*([OSError] if error_type else [])):
            self._close()

    def _close(self) -> None:
        """Finish all, each also where another one fails."""
        with ExitStack() as stack:
            for name in self.tables:
                stack.callback(self._write_table, name)
            for writer in self.pictures:
                stack.callback(writer.close)

    def _write_table(self, name: str) -> None:
        content = getattr(self, f'_{name}')()
        write_file(self.out_dir / TABLES[name], content.encode())

    def _json(self) -> str:
        content = dict(
            self.info,
            images=self.records,
            failures=[failure._asdict() for failure in self.failures],
        )
        return json.dumps(content, indent=1) + '\n'

    def _csv(self) -> str:
        text = io.StringIO()
        table = csv.writer(text, lineterminator='\n')
        box = ('x1', 'y1', 'x2', 'y2')
        table.writerow(
            ('name', 'target', 'x', 'y', *box, 'area', 'peak', 'score')
        )
        for record in self.records:
            for number, target in enumerate(record['targets']):
                table.writerow(
                    [
                        cell(record['name']),
                        number,
                        *(target[key] for key in ('x', 'y')),
                        *target['box'],
                        *(target[key] for key in ('area', 'peak', 'score')),
                    ]
                )
        return text.getvalue()

    def _coco(self) -> str:
        images = [
            dict(
                id=number,
                file_name=record['source']
                if 'frame' not in record
                else f'{record["source"]}#{record["frame"]}',
                width=record['width'],
                height=record['height'],
            )
            for number, record in enumerate(self.records, start=1)
        ]
        content = dict(
            info=self.info,
            images=images,
            categories=[dict(id=1, name='target')],
            annotations=self.annotations,
        )
        return json.dumps(content) + '\n'

    def _annotate(self, prediction: Prediction) -> None:
        for target in prediction.targets:
            x1, y1, x2, y2 = target.box
            annotation = dict(
                id=len(self.annotations) + 1,
                image_id=len(self.records),
                category_id=1,
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=target.area,
                iscrowd=0,
                score=target.score,
            )
            if target.crop is not None:
                annotation['segmentation'] = run_lengths(
                    target, prediction.shape
                )
            self.annotations.append(annotation)


def run_lengths(target: Target, shape: tuple[int, int]) -> dict:
    """COCO's uncompressed run-length code of a target's pixels.

    Args:
        shape (tuple[int, int]): Height and width of the image, px.

    Returns:
        dict: ``size`` and ``counts``: lengths of the runs of 0 and 1 in turn,
        column by column, beginning with 0.
    """
    height, width = shape
    col, row = np.nonzero(target.crop.T)  # sorted by columns
    place = (target.box[0] + col) * height + target.box[1] + row
    starts = place[np.diff(place, prepend=-2) > 1]
    stops = place[np.diff(place, append=height * width + 1) > 1] + 1
    edges = np.column_stack([starts, stops]).ravel()
    counts = np.diff(edges, prepend=0, append=height * width)
    return dict(size=[height, width], counts=counts.tolist())


def _prepare(out_dir: Path) -> Path:
    """Make the folder, and try to write before anything is computed."""
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out_dir).close()
    except OSError as error:
        raise type(error)(
            f'out_dir {str(out_dir)!r} cannot be written ({error.strerror}): '
            'choose another folder'
        ) from error
    return out_dir
