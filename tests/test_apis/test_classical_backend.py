"""The inferencer takes classical methods by their names."""

import numpy as np
import pytest
from child_processes import run_python

from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.classical_backend import ClassicalBackend
from fdep_mm.models.classical import METHODS, mpcm, tophat


@pytest.fixture
def image() -> np.ndarray:
    image = np.random.default_rng(0).integers(80, 90, (40, 50), np.uint8)
    image[20:23, 30:33] = 200
    return image


def test_by_name(image):
    (found,) = SIRSTInferencer('mpcm', show_progress=False)(image)[
        'predictions'
    ]
    (target,) = found.targets
    assert abs(target.x - 31) <= 1 and abs(target.y - 21) <= 1


def test_maps_are_the_functions(image):
    images = np.repeat(image[None, ..., None], 3, axis=-1).astype(float)
    backend = ClassicalBackend('tophat', params=dict(size=7))
    np.testing.assert_array_equal(backend(images)[0], tophat(image, size=7))


def test_unknown_names():
    with pytest.raises(FileNotFoundError, match="'mpcn'.*mpcm"):
        SIRSTInferencer('mpcn')


@pytest.mark.parametrize('method', ['mpcm', 'new_tophat', 'pstnn'])
def test_a_device_is_torchs(method, image, monkeypatch):
    """'cpu:0' takes the way of a GPU."""
    images = np.stack([image, image[:, ::-1]])[..., None].repeat(3, -1)
    images = images.astype(np.float32)
    expected = ClassicalBackend(method)(images)
    assert expected.shape == (2, 40, 50) and expected.max() == 1
    backend = ClassicalBackend(method, device='cpu:0')
    if method == 'pstnn':
        assert backend.params['device'] == 'cpu:0'
    else:
        monkeypatch.setattr(backend, 'method', None)  # numpy's
    found = backend(images)
    assert isinstance(found, np.ndarray) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize('device', [None, 'cpu'])
def test_the_cpu_is_numpys(device, image, monkeypatch):
    from fdep_mm.models.classical import torch_filters

    monkeypatch.setattr(torch_filters, 'FILTERS', None)
    backend = ClassicalBackend('mpcm', device=device)
    images = image[None, ..., None].repeat(3, -1).astype(float)
    np.testing.assert_array_equal(backend(images)[0], mpcm(image))
    params = ClassicalBackend('ipi', device=device).params
    assert 'device' not in params


def test_what_torch_cannot_stays_in_numpy(image):
    options = dict(params=dict(shape='disk'), device='cpu:0')
    images = image[None, ..., None].repeat(3, -1).astype(float)
    found = ClassicalBackend('tophat', **options)(images)[0]
    np.testing.assert_array_equal(found, tophat(image, shape='disk'))


@pytest.mark.parametrize('method', METHODS)
def test_no_such_device(method):
    with pytest.raises(ValueError, match="device='cuda:99': .*; use cpu"):
        ClassicalBackend(method, device='cuda:99')


def test_the_inferencer_names_the_device(image):
    inferencer = SIRSTInferencer('mpcm', device='cpu:0', show_progress=False)
    assert inferencer.backend.device == 'cpu:0'
    (found,) = inferencer(image)['predictions']
    assert len(found.targets) == 1


def test_without_torch(image, tmp_path):
    np.save(tmp_path / 'image.npy', image)
    code = (
        'import sys, numpy as np\n'
        'from fdep_mm.apis import SIRSTInferencer\n'
        f'image = np.load({str(tmp_path / "image.npy")!r})\n'
        'found = SIRSTInferencer("mpcm", show_progress=False)(image)\n'
        'assert not {"torch", "mmengine"} & set(sys.modules)\n'
        'sys.modules["torch"] = None\n'
        'try:\n'
        '    SIRSTInferencer("mpcm", device="cuda")\n'
        'except ImportError as error:\n'
        '    assert "needs PyTorch" in str(error), error\n'
        'else:\n'
        '    raise AssertionError("no error")\n'
        'print(len(found["predictions"][0].targets))'
    )
    blocker = (
        'import importlib.util as u, sys\n'
        'find = u.find_spec\n'
        'u.find_spec = lambda name, *a: None if name in '
        '("torch", "mmengine") else find(name, *a)\n'
    )
    result = run_python('-c', blocker + code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == '1'
    assert mpcm(image)[21, 31] == 1
