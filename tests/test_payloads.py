"""Weights of strangers: what a pickle would run is not run.

VFM checkpoints are tested in test_models/test_frozen_vfm.py, configs of
checkpoints in test_stored_config.py.
"""

import json
import pickle
import re
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import mmseg
import numpy as np
import pytest
import torch
from child_processes import run_python
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from tool_runs import TOOLS, run_tool
from torch.torch_version import TorchVersion

from fdep_mm.apis.torch_backend import TorchBackend
from fdep_mm.core import checkpoints
from fdep_mm.core.checkpoints import load_url, read_checkpoint

REPO = TOOLS.parent
MMSEG_TEST = Path(mmseg.__file__).parent / '.mim/tools/test.py'  # of mim
ALCNET = REPO / 'configs/alcnet/alcnet_1xb16-12e_synthetic-128x128.py'
load_checkpoint = CheckpointLoader.load_checkpoint


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Call:
    """Is a function's result where it is unpickled."""

    def __init__(self, function, *args):
        self.parts = function, args

    def __reduce__(self):
        return self.parts


@pytest.fixture
def bomb(tmp_path):
    """A pickle, and the file that is there once it was read."""
    path, sign = tmp_path / 'bomb.pth', tmp_path / 'went off'
    path.write_bytes(pickle.dumps(dict(state_dict=Bomb(sign))))
    return path, sign


def test_weights_are_not_unpickled(bomb):
    path, sign = bomb
    config = REPO / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
    for name in (config, None):
        with pytest.raises(ValueError, match='bomb.pth'):
            TorchBackend(name, path)
    assert not sign.exists()


@pytest.fixture
def zip_bomb(tmp_path):
    """The same as torch writes it."""
    path, sign = tmp_path / 'zip.pth', tmp_path / 'went off'
    torch.save(dict(state_dict={}, meta=dict(more=Bomb(sign))), path)
    return path, sign


@pytest.mark.parametrize('read', [read_checkpoint, load_checkpoint])
def test_torch_files_are_not_unpickled_either(read, zip_bomb, monkeypatch):
    path, sign = zip_bomb
    with pytest.raises(pickle.UnpicklingError) as refusal:
        read(str(path))
    assert not sign.exists()
    for words in (str(path), 'pathlib.Path', 'attack'):
        assert words in str(refusal.value)
    assert 'weights_only' not in str(refusal.value)
    monkeypatch.setenv('FDEP_MM_TRUST_CHECKPOINTS', '1')
    read(str(path))
    assert sign.exists()


@pytest.mark.parametrize(
    ('version', 'warned'), [('2.5.1', 1), ('2.6.0', 0), ('2.15.0+cpu', 0)]
)
def test_a_torch_that_can_be_attacked_warns_once(
    version, warned, tmp_path, monkeypatch, recwarn
):
    torch.save({}, tmp_path / 'a.pth')
    monkeypatch.setattr(torch, '__version__', TorchVersion(version))
    checkpoints._warn_of_old_torch.cache_clear()
    for _ in range(2):
        read_checkpoint(tmp_path / 'a.pth')
    checkpoints._warn_of_old_torch.cache_clear()
    found = [w for w in recwarn if 'install 2.6 or newer' in str(w.message)]
    assert len(found) == warned


@pytest.mark.parametrize(
    ('tool', 'options'),
    [
        ('test.py', ['BOMB']),
        ('train.py', ['--cfg-options', 'load_from=BOMB']),
        ('train.py', ['--resume']),
    ],
)
def test_a_payload_in_each_entry_point(tool, options, zip_bomb, tmp_path):
    path, sign = zip_bomb
    (tmp_path / 'last_checkpoint').write_text(str(path))
    options = [one.replace('BOMB', str(path)) for one in options]
    done = run_tool(tool, ALCNET, *options, '--work-dir', tmp_path)
    assert done.code and 'attack' in done.err.splitlines()[-1]
    assert not sign.exists()


def test_a_payload_in_a_script_of_mmseg(zip_bomb, tmp_path):
    """Which knows fdep_mm by the config alone."""
    path, sign = zip_bomb
    words = ALCNET, path, '--work-dir', tmp_path
    done = run_python(MMSEG_TEST, *words, cwd=tmp_path)
    assert done.returncode and 'attack' in done.stderr.splitlines()[-1]
    assert not sign.exists()


def test_compressed_weights_are_not_unpacked(tmp_path, monkeypatch):
    """1 MB in the file, 1 GB in the memory: torch would read it."""
    torch.save(dict(w=torch.zeros(10**6)), tmp_path / 'plain.pth')
    path = tmp_path / 'zip.pth'
    with (
        zipfile.ZipFile(tmp_path / 'plain.pth') as plain,
        zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert path.stat().st_size < 10**5
    with pytest.raises(pickle.UnpicklingError, match='zip.pth: .*compressed'):
        read_checkpoint(path)
    with pytest.raises(pickle.UnpicklingError, match='zip.pth: .*compressed'):
        load_url(path.as_uri(), tmp_path / 'downloads')
    assert read_checkpoint(tmp_path / 'plain.pth')['w'].shape == (10**6,)
    monkeypatch.setenv('FDEP_MM_TRUST_CHECKPOINTS', '1')
    assert read_checkpoint(path)['w'].shape == (10**6,)


SCORES = [dict(data='nuaa-sirst', split='test', IoU=1)]
CONVERTERS = {
    'deployment/export_onnx.py': ['ALCNET', 'BOMB', '--out', 'ONNX'],
    'model_converters/efficientnet_lite.py': ['OUT', '--src', 'BOMB'],
    'model_converters/make_zoo.py': [
        *('ALCNET', 'BOMB', 'out', 'INFO', '--out-dir', 'FOLDER')
    ],
    'model_converters/peers.py': ['BOMB', 'ALCNET', 'OUT'],
    'model_converters/unwrap.py': ['BOMB', 'OUT'],
}


@pytest.mark.parametrize('tool', CONVERTERS)
def test_a_payload_in_tools_that_convert(tool, zip_bomb, tmp_path):
    path, sign = zip_bomb
    words = dict(ALCNET=ALCNET, BOMB=path, OUT=tmp_path / 'out.pth')
    words |= dict(INFO=tmp_path / 'info.json', FOLDER=tmp_path)
    words |= dict(ONNX=tmp_path / 'out.onnx')
    info = dict(data='a', recipe='b', seed=1, weaknesses='c', scores=SCORES)
    words['INFO'].write_text(json.dumps(info))
    done = run_tool(tool, *(words.get(w, w) for w in CONVERTERS[tool]))
    assert done.code == 2
    assert str(path) in done.err and 'attack' in done.err.splitlines()[-1]
    assert not sign.exists() and not words['OUT'].exists()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *_) -> None:
        pass


@pytest.mark.parametrize('prefix', ['', 'torchvision://', 'openmmlab://'])
def test_a_payload_behind_a_url(prefix, zip_bomb, tmp_path, monkeypatch):
    path, sign = zip_bomb
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    serve = partial(Quiet, directory=path.parent)
    with ThreadingHTTPServer(('127.0.0.1', 0), serve) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{server.server_port}/{path.name}'
        for table in ('get_torchvision_models', 'get_external_models'):
            name = f'mmengine.runner.checkpoint.{table}'
            monkeypatch.setattr(name, lambda: dict(net=url))
        with pytest.raises(pickle.UnpicklingError, match=f'{url}: .*attack'):
            load_checkpoint(f'{prefix}net' if prefix else url)
        server.shutdown()
    assert not sign.exists()


def test_attributes_do_not_lead_to_functions(tmp_path):
    """MMEngine's checkpoints need getattr, from which all of Python is near.

    torch calls any function with _rebuild_from_type_v2, if a file can name
    it.
    """
    sign = tmp_path / 'went off'
    builtins = Call(getattr, getattr, '__self__')
    for function in (
        Call(getattr, builtins, 'open'),
        Call(getattr, Call(getattr, HistoryBuffer, 'mean'), '__globals__'),
        Call(getattr, HistoryBuffer, '__init__'),
    ):
        rebuild = torch._tensor._rebuild_from_type_v2
        call = Call(rebuild, function, torch.Tensor, (str(sign), 'w'), {})
        path = tmp_path / 'zip.pth'
        torch.save(dict(state_dict={}, meta=call), path)
        with pytest.raises(pickle.UnpicklingError, match='HistoryBuffer'):
            read_checkpoint(path)
        assert not sign.exists()


@pytest.mark.parametrize('core', [b'core', b'_core'])
def test_records_are_read(core, tmp_path):
    """Smoothed losses and scores, as NumPy 1 or NumPy 2 names them."""
    path = tmp_path / 'weights.pth'
    losses = HistoryBuffer([1.0, 3.0], [1, 1])
    torch.save(dict(loss=losses, iou=np.float64(0.5)), tmp_path / 'saved.pth')
    with (
        zipfile.ZipFile(tmp_path / 'saved.pth') as saved,
        zipfile.ZipFile(path, 'w') as changed,
    ):
        for name in saved.namelist():
            data = saved.read(name)
            data = re.sub(rb'numpy\._?core\.', b'numpy.%s.' % core, data)
            changed.writestr(name, data)
    assert b'numpy.%s.multiarray' % core in path.read_bytes()
    found = read_checkpoint(path)
    assert found['loss'].statistics('mean') == 2
    assert found['iou'] == 0.5


def test_checkpoints_behind_a_url_are_not_unpickled_either(bomb):
    path, sign = bomb
    config = REPO / 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
    with pytest.raises(ValueError, match='bomb.pth'):
        TorchBackend(config, path.as_uri())
    assert not sign.exists()
