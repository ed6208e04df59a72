"""Writes the scores of a test, per image too, and their provenance."""

import hashlib
import json
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from os.path import commonpath, relpath
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import collect_results, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.base_datasets import image_folders
from fdep_mm.core.compat import checkpoint_name
from fdep_mm.core.whole import file_sha256, write_json_whole, write_whole
from fdep_mm.evaluation import SIRSTMetric
from fdep_mm.evaluation.functional import as_json, per_image_csv, plain
from fdep_mm.registry import HOOKS

RESULT = 'result.json'
PER_IMAGE = 'per_image.csv'
PACKAGES = ('fdep_mm', 'torch', 'mmengine', 'mmcv', 'mmseg', 'mmdet', 'numpy')
# where things are, and which of several equal runs it is
NOT_HASHED = ('work_dir', 'load_from', 'resume', 'launcher', 'randomness')


@HOOKS.register_module()
class ResultWriterHook(Hook):
    """Writes the result of a test, each file whole or not at all.

    ``per_image.csv``: see :func:`fdep_mm.evaluation.functional.per_image_csv`;
    names are paths without suffix below the image folder.

    ``result.json``: ``metrics`` as they are logged; ``provenance``: config and
    the hash of its settings, checkpoint and its sha256, seed, package
    versions, hardware, date and command; of a :class:`fdep_mm.SIRSTMetric` or
    :class:`fdep_mm.HSEMetric` also ``scores``, ``curves`` and ``settings``, as
    :func:`fdep_mm.evaluation.functional.read_json` reads them. Of several such
    metrics, these and ``per_image.csv`` are of the one with most thresholds; a
    warning says which, if the others have other settings.

    Args:
        out_dir (str, optional): Folder to write to. Defaults to None: the
            run's log folder.

    Example:
        >>> default_hooks = dict(result=dict(type='fdep_mm.ResultWriterHook'))
    """

    def __init__(self, out_dir: str | None = None) -> None:
        self.out_dir = out_dir
        self._names: list[str | None] = []

    def before_test_epoch(self, runner: Runner) -> None:
        """Forget the names of a test before."""
        self._names.clear()

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Note which images a batch held."""
        self._names += [one.get('img_path', None) for one in outputs or ()]

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the files."""
        dataset = runner.test_dataloader.dataset
        paths = collect_results(self._names, len(dataset), 'cpu')
        if not is_main_process():
            return
        folder = Path(self.out_dir or runner.log_dir)
        content = dict(
            metrics={k: plain(v) for k, v in (metrics or {}).items()},
            provenance=_provenance(runner),
        )
        if metric := _main_metric(runner):
            settings = metric.protocol.settings()
            content |= as_json(metric.scores, metric.curves, settings)
            names = image_names(paths, image_folders(dataset))
            table = per_image_csv(names, metric.records, metric.protocol)
            write_whole(folder / PER_IMAGE, table, 'test again')
        write_json_whole(folder / RESULT, content, 'test again')


def image_names(
    paths: Sequence[str | None], folders: Sequence[Path]
) -> list[str]:
    """Paths without suffix below the innermost folder that holds them all.

    `folders` are those that the data set names, if any. Images without a path
    are called by their index, in five digits.
    """
    folders = folders or [Path(path).parent for path in paths if path]
    folders = [Path(folder).absolute() for folder in folders]
    root = commonpath(folders) if folders else ''
    names = []
    for i, path in enumerate(paths):
        name = f'{i:05d}.png'
        if path:
            parts = Path(relpath(Path(path).absolute(), root)).parts
            name = '/'.join(part for part in parts if part != '..')
        names.append(Path(name).with_suffix('').as_posix())
    return names


def settings_hash(cfg: Config) -> str:
    """SHA-256 of a config, the same for all seeds and work dirs."""
    settings = cfg.to_dict()
    for key in NOT_HASHED:
        settings.pop(key, None)
    settings.get('default_hooks', {}).pop('result', None)
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _main_metric(runner: Runner) -> SIRSTMetric | None:
    """The one with most thresholds; warns of others with other settings."""
    found = runner.test_evaluator.metrics
    found = [metric for metric in found if isinstance(metric, SIRSTMetric)]
    main = max(found, key=lambda one: len(one.protocol.sweep), default=None)
    for other in found:
        pair = (main, other)
        ours, theirs = (one.protocol.settings().items() for one in pair)
        if ours != theirs:
            runner.logger.warning(
                f'{PER_IMAGE}, and scores and curves in {RESULT}, are of '
                f'{main.prefix!r} with {dict(sorted(ours - theirs))}, but '
                f'{other.prefix!r} has {dict(sorted(theirs - ours))}'
            )
    return main


def _provenance(runner: Runner) -> dict:
    weights = checkpoint_name(runner)
    there = weights is not None and Path(weights).is_file()
    return dict(
        config=_short(runner.cfg.filename),
        config_sha256=settings_hash(runner.cfg),
        checkpoint=_short(weights),
        checkpoint_sha256=file_sha256(weights) if there else None,
        seed=runner.seed,
        versions=dict(python=platform.python_version(), **_versions()),
        hardware=_hardware(),
        date=datetime.now(UTC).isoformat(timespec='seconds'),
        command=shlex.join([_short(sys.argv[0]), *sys.argv[1:]]),
    )


def _short(path: str | None) -> str | None:
    """Below the current folder, a path is given from there on."""
    if path and Path(path).is_relative_to(Path.cwd()):
        return Path(path).relative_to(Path.cwd()).as_posix()
    return path


def _versions() -> dict[str, str]:
    loaded = [name for name in PACKAGES if name in sys.modules]
    return {name: import_module(name).__version__ for name in loaded}


def _hardware() -> dict[str, str | int | None]:
    gpu = torch.cuda.is_available()
    return dict(
        cpu=_cpu(),
        gpu=torch.cuda.get_device_name() if gpu else None,
        threads=torch.get_num_threads(),
        processes=get_world_size(),
    )


def _cpu() -> str:
    """The model's name; Python knows it on few systems."""
    info = Path('/proc/cpuinfo')
    for line in info.read_text().splitlines() if info.is_file() else ():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()
