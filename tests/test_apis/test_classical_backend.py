"""The inferencer takes classical methods by their names."""

import numpy as np
import pytest
from child_processes import run_python

from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.classical_backend import ClassicalBackend
from fdep_mm.models.classical import mpcm, tophat


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
    backend = ClassicalBackend('tophat')
    np.testing.assert_array_equal(backend(images)[0], tophat(image))


def test_unknown_names():
    with pytest.raises(FileNotFoundError, match="'mpcn'.*mpcm"):
        SIRSTInferencer('mpcn')


def test_other_devices_are_refused():
    with pytest.raises(ValueError, match="device='cuda:0': .* on the CPU"):
        ClassicalBackend('mpcm', device='cuda:0')


def test_without_torch(image, tmp_path):
    np.save(tmp_path / 'image.npy', image)
    code = (
        'import sys, numpy as np\n'
        'from fdep_mm.apis import SIRSTInferencer\n'
        f'image = np.load({str(tmp_path / "image.npy")!r})\n'
        'found = SIRSTInferencer("mpcm", show_progress=False)(image)\n'
        'assert not {"torch", "mmengine"} & set(sys.modules)\n'
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
