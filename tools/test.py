"""Test a trained network: ``mim test mmseg`` for people without MIM.

Examples:
    python tools/test.py CONFIG work_dirs/a/last.pth --show-dir pictures
    python tools/test.py CONFIG CHECKPOINT --out masks --out-probs preds
    python tools/test.py CONFIG CHECKPOINT \\
        --metric type=fdep_mm.NoCoAPMetric
    python tools/test.py CONFIG alcnet_nuaa-sirst
    python tools/test.py configs/classical/mpcm.py
"""

import argparse
from pathlib import Path
from pickle import UnpicklingError

from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from train import add_config_arguments, config_from_args

from fdep_mm import zoo
from fdep_mm.core.checkpoints import read_checkpoint
from fdep_mm.core.command import USER_ERRORS, Parser, user_errors
from fdep_mm.core.normalization import NORMALIZATION
from fdep_mm.core.options import OptionAction
from fdep_mm.core.stored_config import read_settings
from fdep_mm.registry import METRICS


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add_config_arguments(parser)
    add = parser.add_argument
    add(
        'checkpoint',
        nargs='?',
        help='path of the weights, or name of a trained network '
        "(tools/infer.py --list); nothing, or 'none', for a classical method",
    )
    add(
        '--checkpoint',
        dest='checkpoint_option',
        metavar='CHECKPOINT',
        help='the same, as `mim test` spells it',
    )
    add(
        '--out',
        metavar='DIR',
        help='write the predicted masks, as they are scored, as PNG files of '
        '{0, 255} in folders like those of the images',
    )
    add(
        '--out-probs',
        metavar='DIR',
        help='write images, 16-bit probability maps and masks as PNG files '
        'to DIR/images, DIR/probs and DIR/masks',
    )
    add(
        '--metric',
        nargs='+',
        action=OptionAction,
        metavar='KEY=VALUE',
        help='one more metric: type=fdep_mm.NoCoAPMetric, for a detector '
        'type=fdep_mm.BoxPdFaMetric threshold=0.3; a second one of a type '
        'needs a prefix= for the names of its scores',
    )
    add('--show-dir', metavar='DIR', help='write pictures of the predictions')
    add('--tta', action='store_true', help='use test-time augmentation')
    return parser.parse_args()


def find_checkpoint(cfg: Config, path: str | None) -> str | None:
    """Find the weights; classical methods have none."""
    classical = str(cfg.model.type).endswith('ClassicalSegmentor')
    if classical and path in (None, 'none'):
        return None
    if path is None:
        raise ValueError(
            'no checkpoint: name a file of weights after the config; only '
            'classical methods (configs/classical) need none'
        )
    if zoo.is_name(path):
        try:
            return str(zoo.resolve(path))
        except OSError as error:
            raise FileNotFoundError(f'checkpoint {error}') from error
    if '://' not in path and not Path(path).is_file():
        raise FileNotFoundError(
            f'checkpoint {path!r}: no such file, looked from {Path.cwd()}'
        )
    return path


def use_weights(cfg: Config, path: str | None) -> None:
    """Put the weights into a config; one by name brings its normalization."""
    cfg.load_from = find_checkpoint(cfg, path)
    cfg.resume = False  # what the training does
    if path in zoo.names():
        _use_normalization_of(path, cfg)


def _use_normalization_of(name: str, cfg: Config) -> None:
    """Give a network by name the pixel values that it was trained with."""
    stored = read_settings(read_checkpoint(zoo.find(name))['meta']['cfg'])
    theirs = stored['model']['data_preprocessor']
    ours = cfg.model.get('data_preprocessor') or cfg.data_preprocessor
    if ours.type.rpartition('.')[2] != theirs['type']:
        return  # CheckpointCheckHook says that the network is another one
    for key in (*NORMALIZATION, 'pad_val'):
        if key in theirs and ours.get(key) != theirs[key]:
            print(f'{key}={theirs[key]}, as in the training of {name!r}')
            ours[key] = theirs[key]


def use_options(cfg: Config, args: argparse.Namespace) -> None:
    """Put the options into a config."""
    if args.metric:
        if 'type' not in args.metric:
            raise ValueError('--metric needs a type=, as fdep_mm.HSEMetric')
        metrics = cfg.test_evaluator
        metrics = metrics if isinstance(metrics, list) else [metrics]
        if _names(args.metric) in map(_names, metrics):
            raise ValueError(
                f'--metric type={args.metric["type"]}: test_evaluator has one '
                'whose scores have the same names; add prefix=NAME'
            )
        cfg.test_evaluator = [*metrics, args.metric]
    options = {'--out': args.out, '--out-probs': args.out_probs}
    asked = [option for option, folder in options.items() if folder]
    if asked:
        if cfg.get('default_scope') == 'mmdet':
            raise ValueError(
                f'{", ".join(asked)}: a detector gives boxes and neither '
                'masks nor probability maps; tools/infer.py writes its boxes, '
                'and --show-dir draws them'
            )
        writer = dict(
            type='fdep_mm.PredictionWriterHook',
            out_dir=args.out_probs,
            mask_dir=args.out,
        )
        cfg.custom_hooks = [*cfg.get('custom_hooks', ()), writer]
    if args.show_dir:
        # interval: mmseg 1.2 draws every 50th image, later ones all
        cfg.default_hooks.visualization.update(draw=True, interval=1)
        cfg.visualizer.save_dir = args.show_dir
        # TensorBoard's would hold every picture a second time
        cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]
    if args.tta:
        for key in ('tta_model', 'tta_pipeline'):
            if key not in cfg:
                raise ValueError(
                    f'--tta needs {key!r} in the config {cfg.filename!r}'
                )
        cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
        cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)


def _names(metric: dict) -> tuple[str, str | None]:
    """What the names of a metric's scores depend on."""
    kind = str(metric['type']).rpartition('.')[2]
    default = getattr(METRICS.get(kind), 'default_prefix', None)
    return kind, metric.get('prefix') or default


def main() -> None:
    """Test."""
    args = parse_args()
    with user_errors(*USER_ERRORS):
        cfg = config_from_args(args)
        use_weights(cfg, args.checkpoint_option or args.checkpoint)
        use_options(cfg, args)
    with user_errors(UnpicklingError):
        Runner.from_cfg(cfg).test()


if __name__ == '__main__':
    main()
