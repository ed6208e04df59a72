"""Results as files: tables of targets, masks and pictures."""

import csv
import io
import json
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from os import PathLike
from pathlib import Path

from fdep_mm.core import run_lengths
from fdep_mm.core.choices import check_choice
from fdep_mm.core.lock import take_lock
from fdep_mm.core.text import cell
from fdep_mm.core.whole import write_whole

from .image_writers import ImageWriter, OverlayWriter
from .inputs import Failure
from .outputs import DEFAULT, JSON_LINES, LOCK, OUTPUTS, PATHS, TABLES
from .results import Prediction


class ResultWriter:
    """Writes results into a folder as they come.

    Pictures and targets.jsonl are written at once, tables at the end of the
    ``with`` block, after an error, too. Until then the folder is locked, see
    :func:`.take_lock`.

    Args:
        out_dir (str | PathLike): The folder.
        outputs (Sequence[str]): 'json' (predictions.json), 'csv'
            (targets.csv; a name that a spreadsheet would run as a formula
            gets a leading ``'``), 'jsonl' (targets.jsonl, one image a line),
            'coco' (coco.json, a COCO data set with scores), 'mask'
            (masks/NAME.png of {0, 255}), 'prob' (probs/NAME.png, 16-bit),
            'overlay' (overlays/NAME.png, or .mp4 of a video).
        task (str): 'segmentation' or 'detection'.
        info (dict): What the JSON files say about the run.
        overwrite (bool): Delete an earlier predictions.json, targets.csv and
            targets.jsonl, also if they are not written again, and write over
            pictures; those of other names stay.

    Raises:
        LockedError: Another process writes into the folder.
        FileExistsError: It holds earlier results.
        ValueError: An output is unknown, or a detector has none of its kind.
        OSError: The folder cannot be written.
    """

    def __init__(
        self,
        out_dir: str | PathLike,
        outputs: Sequence[str],
        task: str,
        info: dict,
        overwrite: bool = False,
    ) -> None:
        for name in outputs:
            check_choice('outputs', name, OUTPUTS)
        if task == 'detection' and {*outputs} & {'mask', 'prob'}:
            raise ValueError(
                f'outputs={[*outputs]}: a detector has no probability map; '
                "leave 'mask' and 'prob' out"
            )
        self.out_dir = Path(out_dir)
        self.lock = _lock(self.out_dir)
        self._make_room(outputs, overwrite)
        self.tables = [name for name in outputs if name in TABLES]
        self.pictures = [
            ImageWriter(self.out_dir, name)
            for name in outputs
            if name in ('mask', 'prob')
        ]
        if 'overlay' in outputs:
            self.pictures.append(OverlayWriter(self.out_dir))
        self.lines = None
        if 'jsonl' in outputs:
            self.lines = (self.out_dir / JSON_LINES).open('wb', 0)
        self.info = dict(info, complete=False)
        self.records: list[dict] = []
        self.annotations: list[dict] = []
        self.failures: list[Failure] = []

    def _make_room(self, outputs: Sequence[str], overwrite: bool) -> None:
        """Refuse, or delete, results beside which new ones would mislead.

        Masks, probability maps and coco.json may be a data set's own: they
        count only where they are written. Pictures and links stay.
        """
        for name in dict.fromkeys((*outputs, *DEFAULT)):
            path = self.out_dir / PATHS[name]
            if overwrite:
                if path.is_file() and not path.is_symlink():
                    path.unlink()
            elif path.is_file() or (path.is_dir() and any(path.iterdir())):
                self.lock.close()
                raise FileExistsError(
                    f'{path}: holds earlier results; choose another folder, '
                    'or set overwrite=True (--overwrite), which deletes '
                    'earlier tables'
                )

    def add(self, item: Prediction | Failure) -> None:
        """Write what one image gave."""
        if isinstance(item, Failure):
            self.failures.append(item)
            self._add_line(item._asdict())
            return
        for writer in self.pictures:
            writer.add(item)
        record = item.to_dict()
        self._add_line(record)
        if self.tables:  # an endless stream without them needs no memory
            self.records.append(record)
        if 'coco' in self.tables:
            self._annotate(item)

    def _add_line(self, record: dict) -> None:
        if self.lines is None:
            return
        try:
            self.lines.write(json.dumps(record).encode() + b'\n')
        except OSError as error:
            raise OSError(
                error.errno,
                f'{self.lines.name}: cannot be written ({error.strerror}); '
                'make space or choose another folder',
            ) from error

    def __enter__(self) -> 'ResultWriter':
        return self

    def __exit__(self, error_type: type | None, *_: object) -> None:
        self.info['complete'] = error_type is None and not self.failures
        # the error that stopped the run is the one to tell
        with suppress(*([OSError] if error_type else [])):
            self._close()

    def _close(self) -> None:
        """Finish everything, even where one part fails."""
        with ExitStack() as stack:
            stack.callback(self.lock.close)
            if self.lines is not None:
                stack.callback(self.lines.close)
            for name in self.tables:
                stack.callback(self._write_table, name)
            for writer in self.pictures:
                stack.callback(writer.close)

    def _write_table(self, name: str) -> None:
        contents = dict(json=self._json, csv=self._csv, coco=self._coco)
        # names of files need not be Unicode
        content = contents[name]().encode('utf-8', 'surrogateescape')
        write_whole(self.out_dir / TABLES[name], content, 'run again')

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
                x, y, edges, *others = target.values()
                row = (cell(record['name']), number, x, y, *edges, *others)
                table.writerow(row)
        return text.getvalue()

    def _coco(self) -> str:
        images = []
        for number, record in enumerate(self.records, start=1):
            frame = f'#{record["frame"]}' if 'frame' in record else ''
            images.append(
                dict(
                    id=number,
                    file_name=record['source'] + frame,
                    width=record['width'],
                    height=record['height'],
                )
            )
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
                annotation['segmentation'] = run_lengths.encode(
                    target.crop, (x1, y1), prediction.shape
                )
            self.annotations.append(annotation)


def _lock(out_dir: Path) -> ExitStack:
    """Make and lock the folder; one that cannot be written is found early."""
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        return take_lock(out_dir / LOCK)
    except OSError as error:
        raise type(error)(
            f'out_dir {str(out_dir)!r} cannot be written ({error.strerror}): '
            'choose another folder'
        ) from error
