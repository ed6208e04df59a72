"""SIRST data sets as boxes, from XML files, from masks, or synthetic."""

import warnings

import numpy as np
from mmengine import fileio

from fdep_mm.core.boxes import check_boxes, mask_boxes
from fdep_mm.core.choices import check_choice
from fdep_mm.core.image import image_shape
from fdep_mm.core.masks import read_mask
from fdep_mm.registry import DATASETS

from .sirst import SIRSTDataset
from .sirst_xml import check_convention, parse_boxes
from .synthetic import SyntheticSIRSTDataset


@DATASETS.register_module()
class SIRSTDetDataset(SIRSTDataset):
    """Infrared small targets with boxes; needs no mmdet.

    Reads the public tree of SIRST-V2 (images of ``mixed/``), and with
    ``box_source='mask'`` every data set of :class:`SIRSTDataset`. Images
    without targets stay. All annotations are checked at the start.

    Each item has ``img_path``, ``img_id``, ``height``, ``width`` (of the image
    file) and ``instances``, dicts of ``bbox`` (0-based, half-open),
    ``bbox_label`` 0 and ``ignore_flag`` 0, as mmdet expects them.

    Args:
        ann_file (str): Split file, see :class:`SIRSTDataset`.
        box_source (str): 'xml', the files in ``ann_path``, see
            :func:`~.sirst_xml.parse_boxes`; or 'mask', the 8-connected
            components of the masks in ``seg_map_path``. In SIRST-V2 they
            differ in one image: the XML of Misc_111 is wrong.
        data_prefix (dict, optional): Folders ``img_path`` and ``ann_path`` or
            ``seg_map_path``, relative to ``data_root``. Default: SIRST-V2's.
        filter_cfg (dict, optional): ``dict(filter_empty_gt=True)`` drops
            images without targets from training, with a warning.
        xml_convention (str): How XML files count pixels, 'sirst-v2' or 'voc';
            ``tools/check_dataset.py`` tells which one fits the masks.
        **kwargs: Arguments of :class:`SIRSTDataset`.

    Raises:
        FileNotFoundError: A file or folder does not exist.
        ValueError: An annotation cannot be read, a box is empty, inverted or
            not inside its image, a mask has another size than its image, or
            an argument is unknown.
    """

    METAINFO = dict(classes=('target',), palette=[(220, 20, 60)])
    PREFIX = dict(img_path='mixed', ann_path='annotations/bboxes')

    def __init__(
        self,
        ann_file: str = '',
        box_source: str = 'xml',
        data_prefix: dict | None = None,
        filter_cfg: dict | None = None,
        xml_convention: str = 'sirst-v2',
        **kwargs,
    ) -> None:
        check_convention(xml_convention)
        check_choice('box_source', box_source, ('xml', 'mask'))
        for name in filter_cfg or ():
            check_choice('filter_cfg', name, ('filter_empty_gt',))
        data_prefix = data_prefix or self.PREFIX
        needed = 'ann_path' if box_source == 'xml' else 'seg_map_path'
        if needed not in data_prefix:
            text = f'{needed!r}, which box_source={box_source!r} reads'
            raise ValueError(f'data_prefix={data_prefix!r}: add {text}')
        self.box_source = box_source
        self.xml_convention = xml_convention
        super().__init__(
            ann_file=ann_file,
            data_prefix=data_prefix,
            filter_cfg=filter_cfg,
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """List one dict per image, with every annotation checked."""
        data_list = super().load_data_list()
        if self.box_source == 'xml':
            ids = [info['img_id'] for info in data_list]
            paths = self._find_all(ids, 'ann_path', ('.xml',))
        else:
            paths = [info['seg_map_path'] for info in data_list]
        for info, path in zip(data_list, paths, strict=True):
            image = info['img_path']
            with fileio.get_local_path(image, self.backend_args) as local:
                shape = image_shape(local)
            boxes = self._read_boxes(path, shape)
            info.update(_annotations(boxes, shape))
        if not any(info['instances'] for info in data_list):
            warnings.warn(
                f'none of the {len(data_list)} images of {self.ann_file!r} '
                f'has a box (box_source={self.box_source!r}): check them',
                stacklevel=2,
            )
        return data_list

    def _read_boxes(self, path: str, shape: tuple[int, int]) -> np.ndarray:
        if self.box_source == 'mask':
            return mask_boxes(read_mask(path, None, self.backend_args, shape))
        content = fileio.get(path, backend_args=self.backend_args)
        boxes = parse_boxes(content, path, self.xml_convention)
        return check_boxes(boxes, shape, path)

    def filter_data(self) -> list[dict]:
        """Drop images without targets from training if asked to."""
        drop = (self.filter_cfg or {}).get('filter_empty_gt')
        if self.test_mode or not drop:
            return self.data_list
        kept = [info for info in self.data_list if info['instances']]
        dropped = len(self.data_list) - len(kept)
        if dropped:
            warnings.warn(
                f'filter_empty_gt=True drops {dropped} of '
                f'{len(self.data_list)} images of {self.ann_file!r}, those '
                'without targets, which teach against false alarms',
                stacklevel=2,
            )
        return kept

    def get_cat_ids(self, idx: int) -> list[int]:
        """Labels of the targets of one image, for mmdet's samplers."""
        instances = self.get_data_info(idx)['instances']
        return [instance['bbox_label'] for instance in instances]


@DATASETS.register_module()
class SyntheticSIRSTDetDataset(SyntheticSIRSTDataset):
    """The scenes of :class:`SyntheticSIRSTDataset` with boxes.

    Items have the keys of :class:`SIRSTDetDataset`, ``img``, float32
    (H, W, 3), so that the pipeline starts with ``LoadAnnotations``, and
    ``ori_img``, uint8 (H, W), for the NoCo maps of the metric. Targets that
    touch each other are one. ``filter_cfg`` is refused.
    """

    METAINFO = SIRSTDetDataset.METAINFO
    get_cat_ids = SIRSTDetDataset.get_cat_ids

    def filter_data(self) -> list[dict]:
        """Keep all images; ValueError where fewer are asked for."""
        if any((self.filter_cfg or {}).values()):
            raise ValueError(
                f'filter_cfg={self.filter_cfg!r}: synthetic scenes cannot be '
                'filtered; set num_targets=(1, 4) to have targets in all'
            )
        return self.data_list

    def get_data_info(self, idx: int) -> dict:
        """Make image ``idx`` and its boxes."""
        info = super().get_data_info(idx)
        # mmdet would pack and draw a mask
        boxes = mask_boxes(info.pop('gt_seg_map'))
        info['seg_fields'] = []
        info.update(_annotations(boxes, self.img_size))
        info['img_id'] = info['scene']
        return info


def _annotations(boxes: np.ndarray, shape: tuple[int, int]) -> dict:
    instances = [
        dict(bbox=box, bbox_label=0, ignore_flag=0) for box in boxes.tolist()
    ]
    return dict(height=shape[0], width=shape[1], instances=instances)
