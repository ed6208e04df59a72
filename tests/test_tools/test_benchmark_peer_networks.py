"""Networks of other packages are timed, and compared where they are ours."""

import re
from pathlib import Path

import pytest
import torch
from child_processes import run_python
from torch import nn

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools/analysis_tools'
ACM = ROOT / 'configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py'
# What PepperPepper has by these names, with layers of ours.
PACKAGE = {
    'ACM': """
from torch import nn
from fdep_mm.models.nets.acm import ACMEncoder, ACMHead
def ASKCResUNet():
    return nn.Sequential(ACMEncoder(), ACMHead())
""",
    'DNANet': 'import package_that_does_not_exist',
}


def run(*args, cwd):
    tiny = ('--sizes', 64, '--rounds', 1, '--seconds', 0.01, '--threads', 1)
    done = run_python(
        *(TOOLS / 'benchmark_peer_networks.py', *tiny, *args, '--', ACM),
        cwd=cwd,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def peer_networks(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    import peer_networks

    return peer_networks


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / 'PepperPepper/IRSTD/models'
    folder.mkdir(parents=True)
    for name, text in PACKAGE.items():
        (folder / f'{name}.py').write_text(text)
    return tmp_path


def test_table_and_comparison(package):
    peers = ('mmseg:fast-scnn', 'pepperpepper:ACM', 'pepperpepper:DNANet')
    output = run('--packages', package, '--peers', *peers, cwd=package)
    rows = {}
    for line in re.findall(r'^\| (\w.*) \|$', output, re.MULTILINE)[1:]:
        name, params, macs, cell = line.split(' | ')
        ms, ratio = re.fullmatch(r'([\d.]+) \(([\d.]+)\)', cell).groups()
        rows[name] = [float(x) for x in (params, macs, ms, ratio)]
    assert list(rows) == [ACM.stem, *peers[:2]]
    first = rows[ACM.stem]
    assert first[0] == 0.398 and first[3] == 1
    for params, macs, ms, ratio in rows.values():
        assert min(params, macs, ms) > 0
        assert ratio == pytest.approx(ms / first[2], abs=0.02, rel=0.01)
    assert f'{ACM.stem} and pepperpepper:ACM: differ by 0.0e+00' in output
    missing = "left out (No module named 'package_that_does_not_exist')"
    assert f'pepperpepper:DNANet: PepperPepper is {missing}' in output


def test_without_the_package(peer_networks, tmp_path):
    if peer_networks.has_pepperpepper(None):
        pytest.skip('PepperPepper is installed')
    output = run('--peers', 'pepperpepper:ACM', cwd=tmp_path)
    assert 'PepperPepper is left out (not installed)' in output
    assert '--packages' in output and 'differ' not in output
    assert f'| {ACM.stem} |' in output


def test_the_package_is_found(peer_networks, package):
    assert peer_networks.has_pepperpepper(str(package))


@pytest.mark.parametrize('name', ['bisenetv2', 'segformer-b0', 'unet-s5-d16'])
def test_networks_of_mmseg(peer_networks, name):
    network = peer_networks.build_network(f'mmseg:{name}', str(ACM))
    with torch.no_grad():
        prob = network(torch.rand(1, 3, 64, 64) * 255)
    assert prob.shape == (1, 1, 64, 64)
    assert 0 <= prob.min() and prob.max() <= 1
    assert 'auxiliary' not in str(list(network.state_dict()))


class Named(nn.Module):
    def __init__(self, groups):
        super().__init__()
        self.norm = nn.GroupNorm(1, 4) if groups else nn.BatchNorm2d(4)
        self.conv = nn.Conv2d(2, 4, 3)

    def forward(self, x):
        return self.norm(self.conv(x))


def test_equal_weights_whatever_the_names(peer_networks):
    x = torch.rand(1, 2, 8, 8)
    plain = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)).eval()
    networks = [plain, Named(groups=False).eval(), Named(groups=True)]
    for network in networks:
        peer_networks.tie_weights(network)
    expected, same, other = (network(x) for network in networks)
    assert torch.equal(same, expected)
    assert not torch.allclose(other, expected)
    peer_networks.replace_group_norms(networks[2])
    peer_networks.tie_weights(networks[2])
    assert torch.equal(networks[2](x), expected)
