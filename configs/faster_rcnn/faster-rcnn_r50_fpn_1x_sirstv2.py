# mmdet's own, whose default anchors start at 32 px, with one class
_base_ = [
    __import__('mmdet').__path__[0]
    + '/.mim/configs/_base_/models/faster-rcnn_r50_fpn.py',
    '../_base_/datasets/sirst-v2_det_no-noco.py',
    '../_base_/schedules/sgd_1x_faster-rcnn.py',
    '../_base_/default_runtime_det.py',
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    roi_head=dict(bbox_head=dict(num_classes=1)),
)
