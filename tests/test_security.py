"""Files of strangers: nothing in them is run, expanded or written elsewhere.

Parts of this are tested where they belong: VFM checkpoints in
test_models/test_frozen_vfm.py, ids of split files in
test_datasets/test_sirst.py, configs of checkpoints in test_stored_config.py.
"""

import importlib.util
import json
import pickle
import re
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import cv2
import mmseg
import numpy as np
import pytest
import torch
from child_processes import run_python
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from tool_runs import TOOLS, run_tool

from fdep_mm.apis.image_writers import MaskWriter
from fdep_mm.apis.inputs import Inputs
from fdep_mm.apis.torch_backend import TorchBackend
from fdep_mm.core import text
from fdep_mm.core.checkpoints import read_checkpoint
from fdep_mm.core.image import UnreadableFileError, decode_pages
from fdep_mm.datasets.converters.coco import read_coco
from fdep_mm.datasets.converters.points import read_points, write_points
from fdep_mm.datasets.sirst_xml import parse_boxes
from fdep_mm.evaluation.functional import read_json
from fdep_mm.priors import CacheIndex, PriorCacheError
from fdep_mm.study import read_study

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


CONVERTERS = {
    'deployment/export_onnx.py': ['ALCNET', 'BOMB', '--out', 'OUT'],
    'model_converters/efficientnet_lite.py': ['OUT', '--src', 'BOMB'],
    'model_converters/peers.py': ['BOMB', 'ALCNET', 'OUT'],
    'model_converters/unwrap.py': ['BOMB', 'OUT'],
}


@pytest.mark.parametrize('tool', CONVERTERS)
def test_a_payload_in_tools_that_convert(tool, zip_bomb, tmp_path):
    path, sign = zip_bomb
    words = dict(ALCNET=ALCNET, BOMB=path, OUT=tmp_path / 'out.safetensors')
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


def test_json_that_is_too_deep(tmp_path):
    path = tmp_path / 'boxes.json'
    path.write_text('[' * 100000)
    with pytest.raises(ValueError, match='boxes.json: not a COCO file'):
        read_coco(path)
    with pytest.raises(ValueError, match='boxes.json: not a file of scores'):
        read_json(path)
    with pytest.raises(ValueError, match='boxes.json'):
        read_study(path)
    path.rename(tmp_path / 'index.json')
    with pytest.raises(PriorCacheError, match='index.json: not an index'):
        CacheIndex.read(tmp_path)


LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY l0 "ha">%s]>
<annotation><object><bndbox><xmin>&l30;</xmin></bndbox></object></annotation>
""" % b''.join(
    b'<!ENTITY l%d "&l%d;&l%d;">' % (i, i - 1, i - 1) for i in range(1, 31)
)
OUTSIDE = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotation><object><bndbox><xmin>&x;</xmin></bndbox></object></annotation>
"""
LINKED = b'<!DOCTYPE a SYSTEM "http://localhost/a.dtd"><annotation/>'


@pytest.mark.parametrize('content', [LAUGHS, OUTSIDE, LINKED])
def test_entities_are_not_expanded(content):
    with pytest.raises(ValueError, match='boxes.xml.*DOCTYPE'):
        parse_boxes(content, 'boxes.xml')
    with pytest.raises(ValueError, match='DOCTYPE'):
        parse_boxes(content.decode().encode('utf-16'), 'boxes.xml')


NAMES = ('../x.png', '/x.png', 'a/../../x.png', r'..\x.png', 'C:/x.png')


@pytest.mark.parametrize('name', NAMES)
def test_names_in_label_files_stay_in_the_image_folder(name, tmp_path):
    coco = tmp_path / 'boxes.json'
    image = dict(id=1, file_name=name, height=2, width=2)
    coco.write_text(
        json.dumps(dict(images=[image], annotations=[], categories=[]))
    )
    with pytest.raises(ValueError, match='leads out'):
        read_coco(coco)
    points = tmp_path / 'points.csv'
    points.write_text(f'image,x,y\n{name},1,1\n')
    with pytest.raises(ValueError, match='points.csv: line 2: .* leads out'):
        read_points(points)


def test_ids_in_tables_are_no_formulas(tmp_path):
    """And come back as they were."""
    path = tmp_path / 'points.csv'
    points = {name: [[1.0, 2.0]] for name in ('=1+1', '-a', '\ta', "'a", 'a')}
    write_points(path, {k: np.array(v) for k, v in points.items()})
    assert path.read_text().splitlines() == [
        *('image,x,y', "'=1+1,1.0,2.0", "'-a,1.0,2.0"),
        *("'\ta,1.0,2.0", "'a,1.0,2.0", 'a,1.0,2.0'),
    ]
    assert {k: v.tolist() for k, v in read_points(path).items()} == points


@pytest.mark.parametrize('name', ['../x', '/x', 'a/../../x', r'..\x'])
def test_pictures_stay_in_the_output_folder(name, tmp_path):
    out = tmp_path / 'out'
    pixels = np.zeros((8, 8), bool)

    class Result:
        mask = pixels

    Result.name = name
    with pytest.raises(ValueError, match='leads out'):
        MaskWriter(out).add(Result)
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]


def test_a_video_called_like_the_parent_folder(tmp_path):
    path = tmp_path / '...avi'
    codec = cv2.VideoWriter_fourcc(*'MJPG')
    video = cv2.VideoWriter(str(path), codec, 5, (32, 32))
    video.write(np.zeros((32, 32, 3), np.uint8))
    video.release()
    if not path.stat().st_size:
        pytest.skip('OpenCV writes no video here')
    (frame,) = Inputs(path)
    assert frame.name == '_/000000'


@pytest.mark.parametrize(
    'tool',
    [
        *('cache_priors', 'check_dataset', 'convert', 'infer', 'study'),
        *('deployment/export_onnx', 'model_converters/make_zoo'),
        *('analysis_tools/eval_pngs', 'analysis_tools/gallery'),
        'analysis_tools/plot_curves',
        'analysis_tools/plot_images',
    ],
)
def test_tools_that_print_names_print_no_escapes(tool, monkeypatch):
    """Error messages hold names of files."""
    monkeypatch.syspath_prepend(TOOLS / 'analysis_tools')
    spec = importlib.util.spec_from_file_location('tool', TOOLS / f'{tool}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.print is text.print


def test_escapes_are_printed_as_text(capsys):
    text.print('a\x1b[31m\u202e\nb', Path('\x07'))
    assert capsys.readouterr().out == 'a\\x1b[31m\\u202e\nb \\x07\n'
    with pytest.raises(UnreadableFileError, match=r'^a\\x1b: not a readable'):
        decode_pages(b'x', 'a\x1b')
