"""Exported files are run as PyTorch runs the network, but without it."""

import os
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import scipy
import torch
from child_processes import run_python
from mmengine.config import Config
from stirred_weights import stir

from fdep_mm import zoo
from fdep_mm.apis.onnx_backend import OnnxBackend, open_session
from fdep_mm.apis.postprocess import nms
from fdep_mm.apis.torch_backend import TorchBackend
from fdep_mm.deployment.export import export, max_difference
from fdep_mm.deployment.light_branch import build_light_branch

WITHOUT_TORCH = """
import sys
sys.path[:0] = {paths!r}
from fdep_mm.apis.onnx_backend import OnnxBackend
import numpy as np
backend = OnnxBackend({file!r}, 'cpu', threads=1)
np.save({out!r}, backend(np.load({images!r})))
banned = dict.fromkeys(('torch', 'mmengine', 'mmcv', 'mmseg', 'onnx'))
assert not banned.keys() & sys.modules.keys()
for name in banned:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(name + ' can be imported here')
"""


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.uniform(60, 140, (2, 50, 77, 3)).astype(np.float32)


@pytest.fixture(scope='module')
def backend(acm_file):
    return OnnxBackend(acm_file, 'cpu', threads=1)


def test_any_size_gives_what_pytorch_gives(
    backend, images, acm_config, acm_weights
):
    reference = TorchBackend(str(acm_config), acm_weights, 'cpu')
    for batch in (images, images[:1, :33], images[:, :32, :64]):
        prob = backend(batch)
        assert prob.shape == batch.shape[:3] and prob.dtype == np.float32
        np.testing.assert_allclose(prob, reference(batch), atol=1e-5)
    for name in ('task', 'stride', 'threshold', 'gray_range', 'gray'):
        assert getattr(backend, name) == getattr(reference, name), name


def _site(tmp_path: Path) -> Path:
    """A folder of packages that holds onnxruntime and what it needs only."""
    site = tmp_path / 'site'
    site.mkdir()
    for module in (np, scipy, cv2, onnxruntime):
        package = Path(module.__file__).parent
        (site / package.name).symlink_to(package)
        for libs in package.parent.glob(f'{package.name}*.libs'):
            (site / libs.name).symlink_to(libs)
        for libs in package.parent.glob('opencv*.libs'):
            if not (site / libs.name).exists():
                (site / libs.name).symlink_to(libs)
    return site


def run_without_torch(script: str, repo: Path, tmp_path: Path, **names):
    """Run a script on those packages and fdep_mm; returns what it prints."""
    (tmp_path / 'fdep_mm').symlink_to(repo / 'fdep_mm')
    # cv2 puts its own folder second and must be found there first
    paths = [str(tmp_path), str(_site(tmp_path))]
    code = script.format(paths=paths, **names)
    # -S: without the packages of this environment; -E: without PYTHONPATH
    result = run_python('-S', '-E', '-c', code, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_runs_where_there_is_no_openmmlab(
    backend, images, acm_file, repo, tmp_path
):
    # torch is there, and not even imported
    (tmp_path / 'torch.py').write_text('raise ModuleNotFoundError')
    np.save(tmp_path / 'images.npy', images)
    run_without_torch(
        WITHOUT_TORCH,
        repo,
        tmp_path,
        file=str(acm_file),
        images=str(tmp_path / 'images.npy'),
        out=str(tmp_path / 'prob.npy'),
    )
    prob = np.load(tmp_path / 'prob.npy')
    np.testing.assert_allclose(prob, backend(images), atol=1e-6)


@pytest.mark.parametrize('content', [b'', b'no ONNX file', None])
def test_damaged_file(content, acm_file, tmp_path):
    if content is None:
        content = acm_file.read_bytes()[:20000]
    path = tmp_path / 'bad.onnx'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'bad\.onnx: .*damaged'):
        OnnxBackend(path)


def test_file_of_others(tmp_path):
    value = onnx.helper.make_tensor_value_info('x', 1, (1,))
    node = onnx.helper.make_node('Relu', ['x'], ['y'])
    out = onnx.helper.make_tensor_value_info('y', 1, (1,))
    graph = onnx.helper.make_graph([node], 'g', [value], [out])
    opset = [onnx.helper.make_opsetid('', 17)]
    path = tmp_path / 'relu.onnx'
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), path
    )
    with pytest.raises(ValueError, match='fdep_mm did not export it'):
        OnnxBackend(path)


def test_metadata_of_another_version(acm_model, tmp_path):
    model = onnx.ModelProto()
    model.CopyFrom(acm_model)
    for entry in list(model.metadata_props):
        if entry.key == 'fdep_mm.stride':
            model.metadata_props.remove(entry)
    with pytest.raises(ValueError, match=r'fdep_mm\.stride.*Export .* again'):
        OnnxBackend(model.SerializeToString())


def test_wrong_arguments(acm_file, backend, tmp_path):
    with pytest.raises(FileNotFoundError, match='no such file'):
        OnnxBackend(tmp_path / 'none.onnx')
    with pytest.raises(ValueError, match="device='tpu'"):
        OnnxBackend(acm_file, 'tpu')
    with pytest.raises(ValueError, match=r'give \(N, H, W, 3\), got \(8, 8\)'):
        backend(np.zeros((8, 8), np.float32))


def test_nms_keeps_what_a_slow_one_keeps():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 15, (60, 2))
    boxes = np.column_stack([corners, corners + rng.uniform(-2, 12, (60, 2))])
    scores = rng.uniform(size=60)
    kept = []
    for index in np.argsort(-scores):
        x1, y1, x2, y2 = boxes[index]
        for other in kept:
            u1, v1, u2, v2 = boxes[other]
            width = min(x2, u2) - max(x1, u1)
            height = min(y2, v2) - max(y1, v1)
            if width <= 0 or height <= 0:
                continue
            both = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1)
            if width * height / (both - width * height) > 0.3:
                break
        else:
            kept.append(index)
    assert 10 < len(kept) < 55
    assert nms(boxes, scores, 0.3).tolist() == kept
    assert nms(boxes[:0], scores[:0], 0.3).shape == (0,)


def test_detector_gives_the_boxes_of_pytorch(repo, tmp_path):
    pytest.importorskip('mmdet')
    (path,) = (repo / 'configs/oscar').glob('*synthetic*.py')
    cfg = Config.fromfile(path)
    for step in cfg.test_dataloader.dataset.pipeline:
        if step['type'] == 'Resize':
            step['scale'] = (160, 120)
    network = build_light_branch(cfg, None)
    stir(network.host)
    weights = tmp_path / 'oscar.pth'
    torch.save(network.host.state_dict(), weights)
    model = export(network)
    rng = np.random.default_rng(0)
    noise = rng.normal(100, 8, (2, 3, 96, 128)).astype(np.float32)
    assert max_difference(network, model, [noise]) < 1e-4
    backend = OnnxBackend(model.SerializeToString(), 'cpu')
    reference = TorchBackend(cfg, weights, 'cpu')
    images = rng.normal(100, 20, (2, 100, 77, 3)).clip(0, 255)
    images = images.astype(np.float32)
    assert backend.task == 'detection'
    assert backend.threshold == reference.threshold
    pairs = zip(backend(images), reference(images), strict=True)
    for found, expected in pairs:
        assert len(expected) > 5 and found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-3)


END_TO_END = """
import runpy, sys
sys.path[:0] = {paths!r}
import numpy as np
from fdep_mm.apis import SIRSTInferencer
run = SIRSTInferencer({file!r}, tile_size=64, overlap=32, tile_above=99)
np.save({out!r}, run({image!r})['predictions'][0].prob)
sys.argv = ['infer.py', {file!r}, {image!r}, '--out-dir', {out!r} + '.d']
sys.argv += ['--tile-size', '64', '--overlap', '32', '--tile-above', '99']
sys.argv += ['--outputs', 'prob', 'json']
try:
    runpy.run_path({tool!r}, run_name='__main__')
finally:
    assert not {{'torch', 'mmengine', 'mmcv', 'mmseg'}} & sys.modules.keys()
"""


def test_images_to_results_where_there_is_no_torch(
    backend, acm_file, repo, tmp_path
):
    image = np.random.default_rng(0).integers(60, 140, (70, 120), np.uint8)
    cv2.imwrite(str(tmp_path / 'x.png'), image)
    upper = tmp_path / 'ACM.ONNX'
    upper.write_bytes(acm_file.read_bytes())
    out = tmp_path / 'prob.npy'
    printed = run_without_torch(
        END_TO_END,
        repo,
        tmp_path,
        file=str(upper),
        image=str(tmp_path / 'x.png'),
        out=str(out),
        tool=str(repo / 'tools/infer.py'),
    )
    assert '1 images, ' in printed
    pixels = np.repeat(image[..., None], 3, axis=-1).astype(np.float32)
    prob = np.load(out)
    # the first tile ends at 64 px and answers for the first 48
    (tile,) = backend(pixels[None, :64, :64])
    np.testing.assert_allclose(prob[:48, :48], tile[:48, :48], atol=1e-5)
    written = cv2.imread(f'{out}.d/probs/x.png', cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(written / 65535, prob, atol=1e-4)


def test_nan_of_a_detector_is_no_empty_answer(acm_model):
    backend = OnnxBackend(acm_model.SerializeToString(), 'cpu')
    backend.task = 'detection'
    cells = np.zeros((1, 4, 4)), np.full((1, 4, 1), np.nan), np.ones((1, 4, 1))
    backend._run = lambda images: list(cells)
    with pytest.raises(ValueError, match='gave NaN'):
        backend(np.zeros((1, 32, 32, 3), np.float32))


@pytest.mark.skipif(
    not hasattr(os, 'sched_setaffinity') or os.cpu_count() < 2,
    reason='needs a choice of cores',
)
def test_threads_are_those_of_the_cores_of_the_process():
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        session = open_session(zoo.FOLDER / 'alcnet.onnx', 'cpu')
    finally:
        os.sched_setaffinity(0, cores)
    assert session.get_session_options().intra_op_num_threads == 1
