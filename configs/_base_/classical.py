# A child names the method: model = dict(method='mpcm').
_base_ = [
    'models/classical.py',
    'datasets/{{$FDEP_SET:nuaa-sirst}}.py',
    'schedules/test_only.py',
    'default_runtime.py',
]
train_dataloader = None
test_evaluator = [*_base_.test_evaluator, _base_.nocoap]
