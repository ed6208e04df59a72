_base_ = [
    '../_base_/models/classical.py',
    '../_base_/datasets/sirst-v2.py',
    '../_base_/schedules/test_only.py',
    '../_base_/default_runtime.py',
]
# a stride of 25 px on large images: with 10 px one takes minutes
model = dict(method='ipi', params=dict(stride=None))
train_dataloader = None
test_evaluator = [*_base_.test_evaluator, _base_.nocoap]
