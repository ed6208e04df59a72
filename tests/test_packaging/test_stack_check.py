"""Importing fdep_mm is light, and says what is wrong with the stack."""

import sys
from pathlib import Path

import numpy as np
import pytest
from child_processes import run_command
from environments import run

TORCH = dict(torch='2.15.0')
GOOD = dict(mmengine='0.10.7', mmcv='2.1.0', mmseg='1.2.2')
DISTRIBUTIONS = dict(
    mmengine=('onedl-mmengine', 'mmengine'),
    mmcv=('onedl-mmcv', 'mmcv'),
    mmseg=('onedl-mmsegmentation', 'mmsegmentation'),
)


def _import_with(stubs: Path, repo: Path, *flags: str) -> str:
    """Import what trains on stubs of the stack; return the last error."""
    code = f'import sys; sys.path[:0] = {[str(stubs), str(repo)]!r}'
    code += '; import fdep_mm.registry'
    result = run_command(sys.executable, *flags, '-c', code, cwd=stubs)
    assert result.returncode == 1
    return result.stderr.splitlines()[-1]


def _write_stubs(folder: Path, **versions: str) -> None:
    for name, version in versions.items():
        (folder / name).mkdir()
        (folder / name / '__init__.py').write_text(
            f'__version__ = {version!r}\n'
        )


@pytest.mark.parametrize('missing', GOOD)
def test_missing_package(tmp_path, repo, missing):
    # -S: no site-packages, so that only the stubs are there.
    found = list(GOOD)[: list(GOOD).index(missing)]
    _write_stubs(tmp_path, **TORCH, **{name: GOOD[name] for name in found})
    (tmp_path / 'packaging').symlink_to(_packaging_folder())
    error = _import_with(tmp_path, repo, '-S')
    assert error.startswith('ImportError: fdep_mm ')
    assert f'{missing} is not installed' in error
    for distribution in DISTRIBUTIONS[missing]:
        assert f'pip install "{distribution}>=' in error


def test_folder_left_by_an_uninstall_is_no_package(tmp_path, repo):
    _write_stubs(tmp_path, **TORCH)
    (tmp_path / 'mmengine' / '__pycache__').mkdir(parents=True)
    error = _import_with(tmp_path, repo, '-S')
    assert 'mmengine is not installed' in error


def test_missing_dependency_of_the_stack_keeps_its_name(tmp_path, repo):
    _write_stubs(tmp_path, **TORCH)
    (tmp_path / 'mmengine').mkdir()
    (tmp_path / 'mmengine' / '__init__.py').write_text('import absent\n')
    error = _import_with(tmp_path, repo, '-S')
    assert error == "ModuleNotFoundError: No module named 'absent'"


@pytest.mark.parametrize(
    ('name', 'version', 'accepted'),
    [
        ('mmengine', '0.9.1', '>=0.10.0,<1.0'),
        ('mmengine', '1.0.0', '>=0.10.0,<1.0'),
        ('mmcv', '1.7.2', '>=2.0.0,<3.0'),
        ('mmseg', '1.1.2', '>=1.2.0,<2.0'),
        ('mmseg', '2.0.1', '>=1.2.0,<2.0'),
    ],
)
def test_version_out_of_range(tmp_path, repo, name, version, accepted):
    _write_stubs(tmp_path, **{**GOOD, name: version})
    error = _import_with(tmp_path, repo)
    assert error.startswith('ImportError: fdep_mm ')
    assert f'needs {name}{accepted}, but found {name} {version} in ' in error
    for distribution in DISTRIBUTIONS[name]:
        assert f'pip install "{distribution}{accepted}"' in error


def test_without_torch_arrays_can_be_scored(tmp_path, repo):
    # -S: no site-packages, so neither torch nor the OpenMMLab stack.
    site = Path(np.__file__).parents[1]
    for pattern in ('numpy*', 'scipy*', 'prettytable', 'wcwidth'):
        for path in site.glob(pattern):
            (tmp_path / path.name).symlink_to(path)
    code = (
        f'import sys; sys.path[:0] = {[str(tmp_path), str(repo)]!r}; '
        'import numpy as np; '
        'from fdep_mm.evaluation import evaluate_masks, mnocoap, noco_map; '
        'mask = np.eye(9); print(evaluate_masks([mask], [mask])["IoU"], '
        'mnocoap([[]], [noco_map(mask, [])], [[[0, 0, 9, 9]]])["mNoCoAP"])'
    )
    out = run(sys.executable, '-S', '-c', code, cwd=tmp_path)
    assert out.splitlines()[-1] == '1.0 0.0'


def _packaging_folder() -> Path:
    import packaging

    return Path(packaging.__file__).parent
