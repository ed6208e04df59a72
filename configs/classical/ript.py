_base_ = [
    '../_base_/models/classical.py',
    '../_base_/datasets/{{$FDEP_SET:nuaa-sirst}}.py',
    '../_base_/schedules/test_only.py',
    '../_base_/default_runtime.py',
]
model = dict(method='ript')
train_dataloader = None
test_evaluator = [*_base_.test_evaluator, _base_.nocoap]
