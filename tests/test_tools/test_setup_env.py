"""The script that makes environments: what it says when it cannot."""

import os
import sys
from pathlib import Path

import pytest
from child_processes import run_command

SCRIPT = Path(__file__).parents[2] / 'tools' / 'setup_env.sh'


def _setup(root, stack='onedl', python=sys.executable):
    wheels = root.parent / 'no wheels'
    wheels.mkdir(exist_ok=True)
    env = {
        **os.environ,
        'FDEP_VENV_ROOT': str(root),
        'PYTHON': str(python),
        # No source of packages at all: an installation fails at once.
        'PIP_CONFIG_FILE': os.devnull,
        'PIP_NO_INDEX': '1',
        'PIP_FIND_LINKS': '',
        'FDEP_WHEELS': str(wheels),
    }
    return run_command('bash', SCRIPT, stack, env=env)


def _fake_python(folder, version):
    """An interpreter that answers as one of that version would."""
    path = folder / 'my python'
    answer = ', '.join(version.split('.'))
    path.write_text(
        '#!/bin/sh\n'
        f'[ "$1" != --version ] || {{ echo "Python {version}"; exit 0; }}\n'
        f'exec "{sys.executable}" -c "import sys\n'
        f'sys.version_info = ({answer})\n$2"\n'
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ('stack', 'version'), [('onedl', '3.9.18'), ('upstream', '3.12.1')]
)
def test_unsuitable_python(tmp_path, stack, version):
    python = _fake_python(tmp_path, version)
    result = _setup(tmp_path / 'envs', stack, python)
    assert result.returncode == 1
    assert f'error: Python {version} at ' in result.stderr
    assert f'does not suit the {stack} stack' in result.stderr
    assert not (tmp_path / 'envs').exists()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(python='no-such-python'), "error: no 'no-such-python'"),
        (
            dict(stack='other'),
            "stack 'other' is none of onedl, onedl-det, upstream",
        ),
    ],
)
def test_wrong_settings(tmp_path, changes, message):
    result = _setup(tmp_path / 'envs', **changes)
    assert result.returncode == 1
    assert message in result.stderr


def test_failed_install_is_not_reused(tmp_path):
    root = tmp_path / 'my envs'
    for _ in range(2):
        result = _setup(root)
        assert result.returncode != 0
        assert 'ERROR' in result.stderr
        (venv,) = root.glob('onedl-*/')
        assert not (venv / '.complete').exists()
        assert not (venv / 'left over').exists()
        (venv / 'left over').touch()
