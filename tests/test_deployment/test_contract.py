"""The example of configs/ONNX.md, and the choice of a runtime."""

import re
import sys

import numpy as np
import onnxruntime
import pytest
from child_processes import run_command

from fdep_mm import zoo
from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.onnx_backend import open_session
from fdep_mm.apis.opening import open_backend


def test_the_example_without_fdep_mm(repo, tmp_path):
    text = (repo / 'configs/ONNX.md').read_text()
    (block,) = re.findall(r'```python\n(.*?)```', text, re.S)
    script = tmp_path / 'run_onnx.py'
    script.write_text(f'import sys\nsys.modules["fdep_mm"] = None\n{block}')
    model, image = zoo.FOLDER / 'alcnet.onnx', next(zoo.EXAMPLES.glob('*.png'))
    done = run_command(sys.executable, script, model, image)
    assert done.returncode == 0, done.stderr
    rows = np.array([line.split() for line in done.stdout.splitlines()], float)
    run = SIRSTInferencer('alcnet', runtime='onnxruntime', show_progress=False)
    (found,) = run(image)['predictions']
    y, x = np.nonzero(found.mask)
    assert len(y) and (rows[:, :2] == np.column_stack([x, y])).all()
    np.testing.assert_allclose(rows[:, 2], found.prob[y, x], atol=1e-6)


def test_the_shipped_file_has_the_fields_of_the_page(repo):
    text = (repo / 'configs/ONNX.md').read_text()
    rows = re.findall(r'^\|(.*?)\|', text.partition('| field |')[2], re.M)
    fields = re.findall(r'`(\w+)`', ''.join(rows))
    session = open_session(zoo.FOLDER / 'alcnet.onnx')
    metadata = session.get_modelmeta().custom_metadata_map
    assert {*metadata} == {f'fdep_mm.{name}' for name in fields}


def test_runtimes(repo, monkeypatch):
    with pytest.raises(ValueError, match="runtime='x': give one of"):
        open_backend('alcnet', runtime='x')
    config = repo / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
    with pytest.raises(ValueError, match='runs ONNX files: export'):
        open_backend(config, runtime='onnxruntime')
    with pytest.raises(ValueError, match="'mpcm' has no ONNX file"):
        open_backend('mpcm', runtime='onnxruntime')
    available = ['CPUExecutionProvider']
    monkeypatch.setattr(
        onnxruntime, 'get_available_providers', lambda: available
    )
    with pytest.raises(ValueError, match='onnxruntime-gpu, or leave tensorrt'):
        open_backend('alcnet', runtime='tensorrt')
    with pytest.raises(ValueError, match="device='tensorrt:1'"):
        open_backend('alcnet', device='cuda:1', runtime='tensorrt')
    with pytest.raises(ValueError, match="device='cpu' is none: leave"):
        open_backend('alcnet', device='cpu', runtime='tensorrt')
