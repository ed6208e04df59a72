"""Test-time augmentation that keeps the probability of targets."""

from mmengine.model import BaseTTAModel
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from fdep_mm.core.foreground import foreground
from fdep_mm.registry import MODELS


@MODELS.register_module()
class SIRSTTTAModel(BaseTTAModel):
    """Mean of the probabilities of all augmented views.

    mmseg's ``SegTTAModel`` takes the sigmoid of one-channel predictions a
    second time and keeps no probabilities, which the metrics need.

    Args:
        module (dict | nn.Module): The segmentor.
        data_preprocessor (dict, optional): As in mmengine's ``BaseTTAModel``.
    """

    def merge_preds(
        self, data_samples_list: list[list[SegDataSample]]
    ) -> list[SegDataSample]:
        """Merge the views of each image.

        Args:
            data_samples_list (list[list[SegDataSample]]): For each image its
                views, whose `seg_logits` are as a segmentor gives them, flips
                undone. The first is not flipped: its ground truth is kept.
        """
        merged = []
        for views in data_samples_list:
            name = views[0].get('img_path', 'image')
            maps = [foreground(v.seg_logits.data, name) for v in views]
            prob = sum(maps) / len(views)
            # only heads of one channel have one
            own = getattr(self.module.decode_head, 'threshold', None)
            pred = (prob > (own or 0.5)).to(prob)
            sample = views[0].clone()
            sample.seg_logits = PixelData(data=prob)
            sample.pred_sem_seg = PixelData(data=pred)
            merged.append(sample)
        return merged
