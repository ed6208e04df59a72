"""Every module can be imported; without mmdet, all but those of detection."""

import pkgutil
from importlib import import_module
from importlib.util import find_spec

import fdep_mm

DETECTION = {
    'fdep_mm.detection',
    'fdep_mm.datasets.transforms.pack_det',
    'fdep_mm.models.data_preprocessors',
    'fdep_mm.models.dense_heads',
    'fdep_mm.models.detectors',
    'fdep_mm.models.task_modules',
}
OPTIONAL = {'onnx', 'onnxruntime'}


def test_every_module_is_imported():
    missing = {}
    for module in pkgutil.walk_packages(
        fdep_mm.__path__, 'fdep_mm.', onerror=lambda name: None
    ):
        try:
            import_module(module.name)
        except ImportError as error:
            missing[module.name] = error.name.partition('.')[0]
    missing = {k: v for k, v in missing.items() if v not in OPTIONAL}
    if find_spec('mmdet') and find_spec('mmcv._ext'):
        assert not missing
    else:
        assert missing.keys() == DETECTION
        assert {*missing.values()} <= {'mmdet', 'mmcv'}
