"""The card of a network, read from its config."""

from pathlib import Path

from mmengine.config import Config
from mmengine.config.config import ConfigDict

from fdep_mm.apis.card import ModelCard
from fdep_mm.apis.torch_backend import TorchBackend, read_pipeline
from fdep_mm.registry import DATASETS
from fdep_mm.version import __version__


def make_card(cfg: Config, backend: TorchBackend) -> ModelCard:
    """Read what running the network needs; ValueError if no card says it."""
    host = backend.model
    is_detector = backend.task == 'detection'
    head = host.bbox_head if is_detector else host.decode_head
    size = _read_steps(read_pipeline(cfg), is_detector)
    preprocessor = cfg.model.get('data_preprocessor') or {}
    mean = tuple(preprocessor.get('mean') or (0.0, 0.0, 0.0))
    std = tuple(preprocessor.get('std') or (1.0, 1.0, 1.0))
    return ModelCard(
        version=__version__,
        task=backend.task,
        network=f'{type(host.backbone).__name__}+{type(head).__name__}',
        config=Path(cfg.filename or '').stem,
        classes=_classes(cfg),
        mean=mean,
        std=std,
        stride=_stride(preprocessor),
        pad_value=_pad_value(preprocessor, mean, std),
        threshold=backend.threshold,
        gray_range=backend.gray_range,
        gray=backend.gray,
        whole_numbers=backend.whole_numbers,
        resize=size,
        nms=_nms(cfg.model.test_cfg) if is_detector else None,
    )


def _read_steps(
    pipeline: list[dict], is_detector: bool
) -> tuple[int, int] | None:
    """Size that images are scaled to.

    Refuses what PyTorch would do with an image and the file would not.
    """
    size = None
    for step in pipeline:
        name = step['type'].split('.')[-1]
        if name.startswith(('Load', 'Pack')):
            continue
        if name != 'Resize' or not is_detector:
            raise ValueError(
                f'test pipeline: {name} cannot be exported; take it out of '
                'test_dataloader.dataset.pipeline (normalization and padding '
                'belong in model.data_preprocessor)'
            )
        if 'scale' not in step or not step.get('keep_ratio', False):
            raise ValueError(
                f'test pipeline: {dict(step)} cannot be exported; use '
                'Resize(scale=(long, short), keep_ratio=True)'
            )
        size = tuple(step['scale'])
    return size


def _classes(cfg: Config) -> tuple[str, ...]:
    """Foreground classes of the test set."""
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    metainfo = dataset.get('metainfo')
    if metainfo is None and 'type' in dataset:
        metainfo = getattr(DATASETS.get(dataset['type']), 'METAINFO', None)
    classes = (metainfo or {}).get('classes', ('target',))
    return tuple(name for name in classes if name != 'background')


def _stride(preprocessor: dict) -> int:
    """Preprocessors of segmentors and detectors name it differently."""
    test_cfg = preprocessor.get('test_cfg') or {}
    return test_cfg.get('size_divisor') or preprocessor.get(
        'pad_size_divisor', 1
    )


def _pad_value(
    preprocessor: dict, mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[float, ...]:
    """In pixels: the config's is a value after the normalization."""
    name = 'pad_value' if 'pad_size_divisor' in preprocessor else 'pad_val'
    after = preprocessor.get(name, 0)
    # -mean / std is meant as black; rounding takes 1e-14 away
    value = [round(after * s + m, 6) for m, s in zip(mean, std, strict=True)]
    return tuple(value[::-1] if preprocessor.get('bgr_to_rgb') else value)


def _nms(test_cfg: ConfigDict) -> dict:
    return dict(
        score_thr=test_cfg.get('score_thr', 0.0),
        nms_pre=test_cfg.get('nms_pre', 1000),
        iou_threshold=test_cfg.nms.iou_threshold,
        max_per_img=test_cfg.get('max_per_img', 100),
        min_bbox_size=test_cfg.get('min_bbox_size', -1),
    )
