"""From images to targets with a trained network."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from os import PathLike
from pathlib import Path

from fdep_mm.core.whole import file_sha256
from fdep_mm.version import __version__

from .backend import Backend
from .image_writers import draw_prediction
from .inputs import Failure, Frame, Inputs, Reading
from .opening import open_backend
from .outputs import DEFAULT, own_paths
from .results import Prediction
from .search import Search
from .sources import InputsType
from .tiling import Tiling
from .writers import ResultWriter


class SIRSTInferencer:
    """Finds targets in images, folders, videos and large frames.

    It is called as MMEngine's inferencers are. With an ONNX file it needs
    neither PyTorch nor the OpenMMLab packages.

    Args:
        model (str | PathLike | dict | Backend, optional): The name of a
            trained network, see :mod:`fdep_mm.zoo`; an ONNX file; a config or
            its path; a checkpoint that holds its config (.pth); or the name
            of a classical method. Default: the config stored in `weights`.
        weights (str | PathLike, optional): Checkpoint of a config, or the name
            of a trained network.
        device (str, optional): Such as 'cpu' or 'cuda:0'. Default: what
            PyTorch finds; the CPU for an ONNX file or a classical method.
        tile_size (int): Frames whose longer side exceeds `tile_above` are cut
            into tiles of this side, px.
        overlap (int): What two tiles share, px: see :class:`.Tiling`.
        tile_above (int): px.
        show_progress (bool): Show a progress bar.
        runtime (str, optional): 'onnxruntime' or 'tensorrt', which take the
            ONNX file of a trained network.
        **reading: Of :class:`.Reading`, such as `gray_range`.

    Attributes:
        dropped (int): Frames of the last run that came too late.

    Raises:
        FileNotFoundError: A file does not exist, or a name is unknown.
        FileExistsError: A name is also that of a file.
        ValueError: The files do not belong together, or an argument is out of
            range.
        ImportError: A config is given, and PyTorch is not installed.

    Examples:
        >>> inferencer = SIRSTInferencer('config.py', 'weights.pth')
        >>> found = inferencer('images/', batch_size=8, out_dir='out')
        >>> [target.x for target in found['predictions'][0].targets]
    """

    def __init__(
        self,
        model: str | PathLike | dict | Backend | None = None,
        weights: str | PathLike | None = None,
        device: str | None = None,
        tile_size: int = 512,
        overlap: int = 128,
        tile_above: int = 1024,
        show_progress: bool = True,
        runtime: str | None = None,
        **reading: object,
    ) -> None:
        given = Reading(**reading)
        self.tiling = Tiling(tile_size, overlap, tile_above)
        self.backend = open_backend(model, weights, device, runtime)
        gray_range = given.gray_range or self.backend.gray_range
        self.reading = replace(given, gray_range=gray_range)
        self.show_progress = show_progress
        name = weights if model is None else model
        named = isinstance(name, (str, PathLike))
        self.name = str(name) if named else type(self.backend).__name__
        self.dropped = 0

    def __call__(
        self,
        inputs: InputsType,
        batch_size: int = 1,
        threshold: float | None = None,
        return_vis: bool = False,
        out_dir: str | PathLike | None = None,
        outputs: Sequence[str] = DEFAULT,
        overwrite: bool = False,
    ) -> dict[str, list]:
        """Search all inputs and keep all results.

        Args:
            inputs (InputsType): See :class:`.Inputs`.
            batch_size (int): Images of one size, or tiles, that the network
                gets at a time.
            threshold (float, optional): Pixels of a larger probability count,
                or boxes of at least this score. Default: the network's own.
            return_vis (bool): Draw pictures.
            out_dir (str | PathLike, optional): Folder to write results into.
            outputs (Sequence[str]): What to write: see :class:`.ResultWriter`.
            overwrite (bool): Delete earlier tables, write over pictures.

        Returns:
            dict: ``predictions``, a list of :class:`.Prediction`;
            ``visualization``, a picture (H, W, 3) uint8 RGB of each if
            `return_vis`, else empty; ``failures``, a list of
            :class:`.Failure`, what could not be read or searched.

        Raises:
            FileNotFoundError, ValueError, TypeError: See :class:`.Inputs`;
                or an argument is out of range.
            OSError: A result cannot be written.
        """
        results: dict[str, list] = dict(
            predictions=[], visualization=[], failures=[]
        )
        for item in self.stream(
            inputs, batch_size, threshold, out_dir, outputs, overwrite
        ):
            if isinstance(item, Failure):
                results['failures'].append(item)
                continue
            results['predictions'].append(item)
            if return_vis:
                results['visualization'].append(draw_prediction(item))
        return results

    def stream(
        self,
        inputs: InputsType,
        batch_size: int = 1,
        threshold: float | None = None,
        out_dir: str | PathLike | None = None,
        outputs: Sequence[str] = DEFAULT,
        overwrite: bool = False,
    ) -> Iterator[Prediction | Failure]:
        """Search the inputs and give results one by one, in their order.

        At most `batch_size` images are in memory, or one large frame. The
        pages of a TIFF file are decoded together, and 5 frames of a video or
        stream are read ahead. Arguments and errors are those of a call.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size={batch_size}: give at least 1')
        if threshold is None:
            threshold = self.backend.threshold
        threshold = float(threshold)
        if not 0 <= threshold <= 1:
            raise ValueError(
                f'threshold={threshold}: give a probability from 0 to 1'
            )
        skip = [] if out_dir is None else own_paths(out_dir)
        frames = Inputs(inputs, skip, self.reading)
        writer = None
        if out_dir is not None:
            task, info = self.backend.task, self._info(threshold)
            writer = ResultWriter(out_dir, outputs, task, info, overwrite)
        search = Search(self.backend, threshold, self.tiling, batch_size)
        return self._run(frames, search, writer)

    def _run(
        self, frames: Inputs, search: Search, writer: ResultWriter | None
    ) -> Iterator[Prediction | Failure]:
        with ExitStack() as stack:
            sinks = []
            if writer is not None:
                sinks.append(stack.enter_context(writer).add)
            if self.show_progress:
                sinks.append(stack.enter_context(_progress(frames.count())))
            for batch in _batched(frames, search.batch_size, search.tiling):
                for item in search(batch):
                    for sink in sinks:
                        sink(item)
                    yield item
                # frees large frames before the next ones are read
                del batch, item
                self.dropped = frames.dropped
                if writer is not None:
                    writer.info['dropped'] = frames.dropped

    def _info(self, threshold: float) -> dict:
        """What the result files say about the run."""
        file = Path(getattr(self.backend, 'file', None) or '')
        return dict(
            version=__version__,
            date=datetime.now().astimezone().isoformat(timespec='seconds'),
            model=self.name,
            sha256=file_sha256(file) if file.is_file() else None,
            task=self.backend.task,
            threshold=threshold,
            gray_range=self.reading.gray_range,
            gray_range_from=self.reading.gray_range_from,
        )


def _batched(
    items: Iterable[Frame | Failure], size: int, tiling: Tiling
) -> Iterator[list[Frame | Failure]]:
    """Batches of `size` items; each frame that is cut is a batch."""
    batch = []
    for item in items:
        is_cut = isinstance(item, Frame) and tiling.cuts(item.image.shape[:2])
        if is_cut and batch:
            yield batch
            batch = []
        batch.append(item)
        del item  # frees it before the next one is read
        if is_cut or len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _progress(total: int | None) -> Iterator[Callable]:
    """A progress bar on the standard error stream, if rich is installed."""
    try:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress
    except ModuleNotFoundError:
        yield lambda item: None
        return
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task('Inference', total=total)
        yield lambda item: bar.advance(task)
