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

from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from train import (
    add_config_arguments,
    read_config,
    reading_checkpoints,
    require_file,
)

from fdep_mm import zoo
from fdep_mm.core.options import OptionAction


def add_metric(cfg: Config, metric: dict) -> None:
    """Have one more metric computed beside those of the config."""
    metrics = cfg.test_evaluator
    metrics = metrics if isinstance(metrics, list) else [metrics]
    cfg.test_evaluator = [*metrics, metric]


def draw_predictions(cfg: Config, folder: str) -> None:
    """Have images with ground truth and prediction drawn to a folder."""
    # interval: mmseg 1.2 draws every 50th image, later ones all
    cfg.default_hooks.visualization.update(draw=True, interval=1)
    cfg.visualizer.save_dir = folder
    # TensorBoard's would hold every picture a second time
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]


def add_prediction_writer(
    cfg: Config, out_dir: str | None, mask_dir: str | None
) -> None:
    """Have the test's images, probability maps and masks written."""
    writer = dict(
        type='fdep_mm.PredictionWriterHook', out_dir=out_dir, mask_dir=mask_dir
    )
    cfg.custom_hooks = [*cfg.get('custom_hooks', ()), writer]


def refuse_masks_of_detectors(
    parser: argparse.ArgumentParser, cfg: Config, args: argparse.Namespace
) -> None:
    """End the program where files of masks are asked of a detector."""
    options = {'--out': args.out, '--out-probs': args.out_probs}
    asked = [option for option, folder in options.items() if folder]
    if asked and cfg.get('default_scope') == 'mmdet':
        parser.exit(
            2,
            f'error: {", ".join(asked)}: a detector gives boxes and neither '
            'masks nor probability maps; tools/infer.py writes its boxes, '
            'and --show-dir draws them\n',
        )


def augment_at_test_time(parser: argparse.ArgumentParser, cfg: Config) -> None:
    """Wrap the network and the pipeline for test-time augmentation."""
    for key in ('tta_model', 'tta_pipeline'):
        if key not in cfg:
            parser.exit(
                2,
                f'error: --tta needs {key!r} in the config {cfg.filename!r}\n',
            )
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)


def find_checkpoint(
    parser: argparse.ArgumentParser, cfg: Config, path: str | None
) -> str | None:
    """Check that there are weights; classical methods have none."""
    classical = str(cfg.model.type).endswith('ClassicalSegmentor')
    if classical and path in (None, 'none'):
        return None
    if path is None:
        parser.exit(
            2,
            'error: no checkpoint: name a file of weights after the config; '
            'only classical methods (configs/classical) need none\n',
        )
    if zoo.is_name(path):
        try:
            return str(zoo.resolve(path))
        except OSError as error:
            parser.exit(2, f'error: checkpoint {error}\n')
    if '://' not in path:
        require_file(parser, 'checkpoint', path)
    return path


def main() -> None:
    """Test."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_arguments(parser)
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='path of the weights, or name of a trained network '
        "(tools/infer.py --list); nothing, or 'none', for a classical method",
    )
    parser.add_argument(
        '--checkpoint',
        dest='checkpoint_option',
        metavar='CHECKPOINT',
        help='the same, as `mim test` spells it',
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        help='write the predicted masks, as they are scored, as PNG files of '
        '{0, 255} in folders like those of the images',
    )
    parser.add_argument(
        '--out-probs',
        metavar='DIR',
        help='write images, 16-bit probability maps and masks as PNG files '
        'to DIR/images, DIR/probs and DIR/masks',
    )
    parser.add_argument(
        '--metric',
        nargs='+',
        action=OptionAction,
        metavar='KEY=VALUE',
        help='one more metric: type=fdep_mm.NoCoAPMetric, or for a detector '
        'type=fdep_mm.BoxPdFaMetric threshold=0.3',
    )
    parser.add_argument(
        '--show-dir', metavar='DIR', help='write pictures of the predictions'
    )
    parser.add_argument(
        '--tta', action='store_true', help='use test-time augmentation'
    )
    args = parser.parse_args()

    cfg = read_config(parser, args)
    cfg.load_from = find_checkpoint(
        parser, cfg, args.checkpoint_option or args.checkpoint
    )
    if args.metric:
        if 'type' not in args.metric:
            parser.exit(
                2, 'error: --metric needs a type=, such as fdep_mm.HSEMetric\n'
            )
        add_metric(cfg, args.metric)
    refuse_masks_of_detectors(parser, cfg, args)
    if args.out or args.out_probs:
        add_prediction_writer(cfg, args.out_probs, args.out)
    if args.show_dir:
        draw_predictions(cfg, args.show_dir)
    if args.tta:
        augment_at_test_time(parser, cfg)
    with reading_checkpoints(parser):
        Runner.from_cfg(cfg).test()


if __name__ == '__main__':
    main()
