"""tools/deployment/export_onnx.py and the benchmark, run as users run them."""

import pytest
import torch
from child_processes import run_python
from mmengine.config import Config
from tool_runs import TOOLS, run_tool

pytest.importorskip('onnx')
onnx_backend = pytest.importorskip('fdep_mm.apis.onnx_backend')
light_branch = pytest.importorskip('fdep_mm.deployment.light_branch')


EXPORT = TOOLS / 'deployment/export_onnx.py'


@pytest.fixture(scope='module')
def config(repo):
    return repo / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'


@pytest.fixture(scope='module')
def weights(config, tmp_path_factory):
    network = light_branch.build_light_branch(Config.fromfile(config), None)
    path = tmp_path_factory.mktemp('weights') / 'acm.pth'
    torch.save(network.host.state_dict(), path)
    return path


def test_writes_checked_files(config, weights, tmp_path):
    result = run_tool(
        EXPORT,
        *(config, weights, '--out', 'new/net.onnx', '--int8', '--fp16'),
        *('--calib-images', 2, '--eval-images', 2),
        cwd=tmp_path,
    )
    assert result.code == 0, result.err
    assert result.out.count('max abs difference to PyTorch') == 2
    assert '2 test images' in result.out
    assert [line.split()[0] for line in result.out.splitlines()[-3:]] == [
        'fp32',
        'fp16',
        'int8',
    ]
    written = sorted(path.name for path in (tmp_path / 'new').iterdir())
    assert written == ['net-fp16.onnx', 'net-int8.onnx', 'net.onnx']
    for name, precision in zip(written, ('fp16', 'int8', 'fp32'), strict=True):
        card = onnx_backend.OnnxBackend(tmp_path / 'new' / name).card
        assert card.precision == precision


@pytest.mark.parametrize(
    ('args', 'code', 'message'),
    [
        (['none.py', 'WEIGHTS'], 2, "config 'none.py': no such file"),
        (['CONFIG', 'none.pth'], 2, 'none.pth'),
        (['CONFIG', 'damaged.pth'], 2, 'damaged.pth'),
        (['OTHER', 'WEIGHTS'], 2, 'not of this config'),
        (['CONFIG', 'WEIGHTS', '--tolerance', '0'], 1, 'is larger than 0'),
        (['CONFIG', 'WEIGHTS', '--out', 'damaged.pth/x.onnx'], 2, 'damaged'),
        (['CONFIG', 'WEIGHTS', '--calib-images', '0'], 2, 'from 1 on'),
        (['unknown.py', 'WEIGHTS'], 2, 'cannot be read (NameError'),
        (
            ['CONFIG', 'WEIGHTS', '--cfg-options', 'modle.x=1'],
            *(2, "no 'modle' (nearest: 'model'"),
        ),
        (
            [
                'CONFIG',
                'WEIGHTS',
                '--cfg-options',
                'test_dataloader.dataset.z=1',
            ],
            *(2, "no 'z'"),
        ),
        (
            [
                *('CONFIG', 'WEIGHTS', '--int8', '--cfg-options'),
                'train_dataloader.dataset.num_images=0',
            ],
            *(2, 'num_images'),
        ),
    ],
)
def test_errors_are_one_line(
    repo, config, weights, tmp_path, args, code, message
):
    (other,) = (repo / 'configs/alcnet').glob('alcnet_*synthetic*.py')
    (tmp_path / 'damaged.pth').write_bytes(b'not weights')
    (tmp_path / 'unknown.py').write_text('model = nonsense')
    known = dict(CONFIG=config, OTHER=other, WEIGHTS=weights)
    args = [known.get(arg, arg) for arg in args]
    result = run_tool(EXPORT, *args, cwd=tmp_path)
    assert result.code == code
    assert message in result.err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'damaged.pth',
        'unknown.py',
    ]


def test_detectors_are_scored(repo, tmp_path):
    pytest.importorskip('mmdet')
    (config,) = (repo / 'configs/oscar').glob('*synthetic*.py')
    network = light_branch.build_light_branch(Config.fromfile(config), None)
    weights = tmp_path / 'oscar.pth'
    torch.save(network.host.state_dict(), weights)
    result = run_tool(
        EXPORT,
        *(config, weights, '--int8', '--out', tmp_path / 'x.onnx'),
        *('--calib-images', 2, '--eval-images', 3),
    )
    assert result.code == 0, result.err
    header, first, second = result.out.splitlines()[-3:]
    assert header.split()[:2] == ['mNoCoAP', 'change']
    assert (first.split()[0], second.split()[0]) == ('fp32', 'int8')
    assert first.split()[2] == '+0.00'


def test_benchmark_compares_ways_of_running(config, tmp_path):
    modes = ('eager', 'onnx')
    result = run_python(  # it starts processes of its own
        TOOLS / 'analysis_tools/benchmark_inference.py',
        *(config, '--sizes', 64, '--rounds', 1, '--threads', 1),
        *('--modes', *modes),
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    header, _, row = (r for r in result.stdout.splitlines() if r[:1] == '|')
    assert [c.strip() for c in header.split('|')[5:-1]] == list(modes)
    cells = [cell.split() for cell in row.split('|')[5:-1]]
    assert cells[0][1] == '(1.00)'
    assert all(float(speed) > 0 for speed, _ in cells)
