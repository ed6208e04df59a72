"""The card of a network, read from its config."""

from pathlib import Path

from mmengine.config import Config
from mmengine.config.config import ConfigDict

from fdep_mm.apis.card import ModelCard
from fdep_mm.apis.torch_backend import TorchBackend, read_pipeline
from fdep_mm.registry import DATASETS
from fdep_mm.version import __version__


def make_card(cfg: Config, backend: TorchBackend) -> ModelCard:
    """Read what running the network needs; ValueError if no card holds it."""
    host = backend.model
    is_detector = backend.task == 'detection'
    head = host.bbox_head if is_detector else host.decode_head
    pipeline = read_pipeline(cfg)
    _check_pipeline(pipeline, is_detector)
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
        whole_numbers=_loads_bytes(pipeline),
        resize=_resize(pipeline),
        nms=_nms(cfg.model.test_cfg) if is_detector else None,
    )


def _check_pipeline(pipeline: list[dict], is_detector: bool) -> None:
    """Refuse what PyTorch would do with an image and the file would not."""
    for transform in pipeline:
        name = transform['type'].split('.')[-1]
        if name.startswith(('Load', 'Pack')):
            continue
        if name != 'Resize' or not is_detector:
            raise ValueError(
                f'test pipeline: {name} cannot be exported; take it out of '
                'test_dataloader.dataset.pipeline (normalization and padding '
                'belong into model.data_preprocessor)'
            )


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


def _resize(pipeline: list[dict]) -> tuple[int, int] | None:
    for transform in pipeline:
        if transform['type'].split('.')[-1] != 'Resize':
            continue
        scale = transform.get('scale')
        if scale is None or not transform.get('keep_ratio', False):
            raise ValueError(
                f'test pipeline: {dict(transform)} cannot be exported; use '
                'Resize(scale=(long, short), keep_ratio=True)'
            )
        return tuple(scale)
    return None


def _loads_bytes(pipeline: list[dict]) -> bool:
    """Whether images are uint8: mmcv's loader gives them, ours does not."""
    loaders = [t['type'].split('.')[-1] for t in pipeline]
    return 'LoadImageFromFile' in loaders


def _nms(test_cfg: ConfigDict) -> dict:
    return dict(
        score_thr=test_cfg.get('score_thr', 0.0),
        nms_pre=test_cfg.get('nms_pre', 1000),
        iou_threshold=test_cfg.nms.iou_threshold,
        max_per_img=test_cfg.get('max_per_img', 100),
        min_bbox_size=test_cfg.get('min_bbox_size', -1),
    )
