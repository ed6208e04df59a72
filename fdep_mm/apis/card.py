"""What an exported file says about itself, in its metadata."""

import json
from dataclasses import asdict, dataclass, fields
from numbers import Real

from fdep_mm.core.gray import GrayRange, check_gray_range

PREFIX = 'fdep_mm.'
# Task -> outputs, and channels of each (of boxes: numbers for each cell).
TASKS = {
    'segmentation': {'prob': 1},
    'detection': {'boxes': 4, 'scores': 1, 'factors': 1},
}
# What mmdet's test_cfg says, and the type of each.
NMS = {
    'score_thr': Real,
    'nms_pre': int,
    'iou_threshold': Real,
    'max_per_img': int,
    'min_bbox_size': Real,
}


def _check(card: dict) -> None:
    """Refuse what no network has; a stranger's file may say anything."""
    stride, size, nms = (card[key] for key in ('stride', 'resize', 'nms'))
    good = dict(
        task=card['task'] in [*TASKS],  # a list cannot be looked up in a dict
        stride=_numbers([stride], 1, 4096) and stride == int(stride),
        threshold=_numbers([card['threshold']], 0, 1),
        pad_value=_numbers(card['pad_value'], -1e6, 1e6, length=3),
        resize=size is None or _numbers(size, 1, 32768, length=2),
        nms=nms is None
        or (
            isinstance(nms, dict)
            and nms.keys() == NMS.keys()
            and all(isinstance(nms[key], NMS[key]) for key in NMS)
        ),
    )
    for key in (key for key in good if not good[key]):
        raise ValueError(f'{key}={card[key]!r} is impossible')
    check_gray_range(card['gray_range'])


def _numbers(values: object, low: float, high: float, length: int = 1) -> bool:
    return (
        isinstance(values, list)
        and len(values) == length
        and all(isinstance(v, Real) and low <= v <= high for v in values)
    )


@dataclass(frozen=True)
class ModelCard:
    """Everything that running the network needs beside its weights.

    In the file each field is a metadata entry ``fdep_mm.<field>`` in JSON.

    Args:
        version (str): Version of fdep_mm that wrote the file.
        task (str): 'segmentation' or 'detection'.
        network (str): Backbone and head, as ``ACMEncoder+ACMHead``.
        config (str): Name of the config, without folder and suffix.
        classes (tuple[str]): Names of what is found.
        mean, std (tuple[float]): R, G, B in 0..255, for information: the file
            normalizes by itself.
        stride (int): Multiple that height and width must be padded to, px.
        pad_value (tuple[float]): Of each channel of the image, in 0..255.
        threshold (float): Larger probabilities (boxes: at least this score)
            count as target.
        precision (str): 'fp32', 'fp16' or 'int8'.
        gray_range (str | tuple): What of an image file becomes 0 and 255, see
            :mod:`fdep_mm.core.gray`.
        gray (bool): Whether color becomes gray.
        whole_numbers (bool): Whether pixels are rounded to 8 bits first.
        resize (tuple[int], optional): Longer and shorter side, px, that images
            are scaled to fit, keeping their ratio.
        nms (dict, optional): Detection: a number for each key of `NMS`.
    """

    version: str
    task: str
    network: str
    config: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    stride: int
    pad_value: tuple[float, ...]
    threshold: float
    precision: str = 'fp32'
    gray_range: GrayRange = 'dtype'
    gray: bool = True
    whole_numbers: bool = False
    resize: tuple[int, int] | None = None
    nms: dict | None = None

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata entries."""
        return {
            PREFIX + key: json.dumps(value)
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_metadata(cls, metadata: dict[str, str], name: str) -> 'ModelCard':
        """Read the entries of a file; those of others are ignored.

        Raises:
            ValueError: The file was not written by fdep_mm, or by a version
                that this one cannot read.
        """
        if PREFIX + 'version' not in metadata:
            raise ValueError(
                f'{name}: fdep_mm did not export it (its metadata has no '
                f'{PREFIX}version). Export the network with '
                'tools/deployment/export_onnx.py'
            )
        try:
            values = {
                field.name: json.loads(metadata[PREFIX + field.name])
                for field in fields(cls)
            }
            _check(values)
        except (KeyError, ValueError, RecursionError) as error:
            raise ValueError(
                f'{name}: the metadata of fdep_mm '
                f'{metadata[PREFIX + "version"]} cannot be read: {error}. '
                'Export the network again with this version'
            ) from error
        return cls(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in values.items()
            }
        )
