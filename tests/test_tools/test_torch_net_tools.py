"""What can be named as a bottleneck, and the way back to the own network."""

from runpy import run_path

import torch
from tool_runs import run_tool
from torch import nn


def test_bottlenecks(repo):
    """Those that run once, with index, channels and stride."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()
            self.encoder = nn.ModuleDict(dict(stem=nn.Conv2d(3, 4, 3, 2, 1)))
            self.pool = nn.MaxPool2d(4, return_indices=True)

        def forward(self, x):
            return self.pool(self.relu(self.encoder['stem'](self.relu(x))))

    tool = run_path(str(repo / 'tools/analysis_tools/bottlenecks.py'))
    outputs = tool['feature_maps'](Net(), torch.zeros(1, 3, 32, 32))
    assert [line.split() for line in tool['lines'](outputs, 32)] == [
        'encoder.stem 4 channels, stride 2'.split(),
        'pool[0] 4 channels, stride 8'.split(),
        'pool[1] 4 channels, stride 8'.split(),
    ]


def test_unwrap(tmp_path):
    net = nn.Linear(2, 3)
    state = {f'backbone.net.{k}': v for k, v in net.state_dict().items()}
    state['samf.weight'] = torch.zeros(1)
    torch.save(dict(state_dict=state), tmp_path / 'a.pth')
    tool = 'model_converters/unwrap.py'
    files = [tmp_path / name for name in ('a.pth', 'new/b.pth', 'c.pth')]
    assert run_tool(tool, *files[:2]).code == 0
    found = torch.load(files[1])
    nn.Linear(2, 3).load_state_dict(found)
    assert torch.equal(found['weight'], net.weight)
    done = run_tool(tool, *files[1:])
    assert done.code == 2 and 'no keys backbone.net' in done.err
