"""Only detection needs mmdet and mmcv's compiled operators, and says so."""

import sys
from importlib.metadata import PackageNotFoundError, version

import pytest
from environments import run

BLOCK = 'import sys; sys.modules[{missing!r}] = None; '
MISSING = ('mmdet', 'mmcv._ext')


def _run(code: str, folder, repo) -> str:
    return run(sys.executable, '-c', code, cwd=folder, PYTHONPATH=str(repo))


def test_detector_is_found_by_name(tmp_path, repo):
    pytest.importorskip('mmdet.models')
    code = (
        'import fdep_mm.detection\n'
        'from mmengine.registry import MODELS, DefaultScope\n'
        'for scope in ("mmdet", "mmseg"):\n'
        '    DefaultScope.get_instance(scope, scope_name=scope)\n'
        '    print(MODELS.get("fdep_mm.OSCAR").__module__)'
    )
    out = _run(code, tmp_path, repo)
    assert out.splitlines()[-2:] == ['fdep_mm.models.detectors.oscar'] * 2


def _is_upstream() -> bool:
    try:
        return bool(version('mmsegmentation'))
    except PackageNotFoundError:
        return False


@pytest.mark.parametrize('missing', MISSING)
def test_error_says_what_to_install(tmp_path, repo, missing):
    if missing == 'mmcv._ext':
        pytest.importorskip('mmdet')
        if _is_upstream():
            pytest.skip("upstream's mmseg itself needs the operators")
    code = BLOCK.format(missing=missing) + (
        '\ntry: import fdep_mm.detection\n'
        'except ImportError as error: print(error.name, "|", error)'
    )
    name, message = _run(code, tmp_path, repo).splitlines()[-1].split(' | ')
    assert name.startswith(missing)  # or mmdet.models
    assert 'pip install onedl-mmdetection' in message
    assert 'MMCV_WITH_OPS=1' in message
