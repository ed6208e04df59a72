"""The call, and the import where nothing but NumPy, SciPy, OpenCV is."""

import weakref
from operator import attrgetter

import numpy as np
import pytest
from child_processes import run_python
from fake_backends import FakeDetector, FakeSegmentor, Fragile

from fdep_mm.apis import SIRSTInferencer

HEAVY = """
import runpy, sys
for name in ('torch', 'mmengine', 'mmcv', 'mmseg', 'mmdet', 'matplotlib',
             'PIL', 'skimage', 'rich', 'prettytable', 'timm', 'pycocotools'):
    sys.modules[name] = None
sys.path[:0] = {paths}
import numpy as np
from fake_backends import FakeSegmentor
from fdep_mm.apis import SIRSTInferencer
from fdep_mm.apis.outputs import OUTPUTS
image = np.zeros((70, 150), np.uint8)
image[4:8, 60:70] = 255
run = SIRSTInferencer(FakeSegmentor(0), tile_size=64, overlap=8, tile_above=99)
found = run(image, out_dir={out!r}, outputs=OUTPUTS, return_vis=True)
assert [t.box for t in found['predictions'][0].targets] == [(60, 4, 70, 8)]
try:
    SIRSTInferencer({config!r})
except ImportError as error:
    print(error)
sys.argv = ['infer.py', '--list']
runpy.run_path({tool!r}, run_name='__main__')
"""


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    shapes = [(20, 30), (40, 50), (20, 30), (20, 30), (40, 50)]
    return [rng.integers(0, 256, s, np.uint8) for s in shapes]


def make(backend, **kwargs):
    return SIRSTInferencer(backend, show_progress=False, **kwargs)


def test_runs_without_torch(repo, tmp_path):
    config = repo / 'configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py'
    code = HEAVY.format(
        paths=[str(repo), str(repo / 'tests/test_apis')],
        out=str(tmp_path / 'out'),
        config=str(config),
        tool=str(repo / 'tools/infer.py'),
    )
    result = run_python('-c', code)
    assert result.returncode == 0, result.stderr
    assert 'name an ONNX file' in result.stdout
    assert '| alcnet_nuaa-sirst |' in result.stdout
    written = {p.name for p in (tmp_path / 'out').iterdir()}
    assert {'masks', 'overlays', 'predictions.json'} <= written


def test_batches_hold_images_of_one_size_and_results_keep_their_order(images):
    backend = FakeSegmentor()
    alone = make(FakeSegmentor())
    found = make(backend)(images, batch_size=4)['predictions']
    assert [s[:3] for s in backend.shapes] == [
        (3, 20, 30),
        (1, 40, 50),
        (1, 40, 50),
    ]
    for image, prediction in zip(images, found, strict=True):
        (single,) = alone(image)['predictions']
        assert (single.prob == prediction.prob).all()
        assert single.targets == prediction.targets


@pytest.mark.parametrize('batch_size', [1, 4])
@pytest.mark.parametrize('tile_above', [1024, 15])
def test_what_the_network_cannot_take_is_reported(batch_size, tile_above):
    small, white = np.zeros((8, 20), np.uint8), np.full((20, 20), 255)
    good = np.zeros((20, 20), np.uint8)
    images = [good, small, white.astype(np.uint8), good, small]
    run = make(Fragile(), tile_above=tile_above, tile_size=20, overlap=4)
    found = run(images, batch_size=batch_size)
    assert [p.name for p in found['predictions']] == ['000000', '000003']
    one, nan, two = found['failures']
    assert one.message == (
        'array 000001 (8x20 px, height x width): Kernel size is larger'
    )
    assert nan.source == 'array 000002' and 'gave NaN' in nan.message
    assert two.source == 'array 000004'


def test_nan_of_a_detector_is_reported(images):
    class Diverged(FakeDetector):
        def _one(self, image):
            return super()._one(image) * np.nan

    image = np.zeros((150, 150), np.uint8)
    image[9:12, 9:12] = 255
    for tile_above in (100, 1024):
        run = make(Diverged(), tile_size=64, overlap=8, tile_above=tile_above)
        (failure,) = run(image)['failures']
        assert 'gave NaN' in failure.message


def test_one_large_frame_is_in_memory_at_a_time():
    alive = []

    def frames():
        for side in (20, 150, 150, 150, 20):
            frame = np.zeros((side, side), np.uint8)
            alive.append(weakref.ref(frame))
            yield frame
            del frame

    class Counter(FakeSegmentor):
        def __call__(self, images):
            frames = [ref() for ref in alive]
            large.append(sum(f is not None and len(f) > 99 for f in frames))
            return super().__call__(images)

    large = []
    run = make(Counter(), tile_size=64, overlap=8, tile_above=99)
    stream = run.stream(frames(), batch_size=4)
    names = list(map(attrgetter('name'), stream))  # and keep no image
    assert names == [f'{i:06d}' for i in range(5)]
    assert max(large) == 1


def test_result_has_the_keys_of_mmengines_inferencers(images):
    found = make(FakeSegmentor())([*images, 'lost.png'], return_vis=True)
    assert set(found) == {'predictions', 'visualization', 'failures'}
    assert [len(found[k]) for k in found] == [5, 5, 1]
    assert make(FakeSegmentor())(images)['visualization'] == []


def test_threshold_argument(images):
    for threshold in (0.2, 0.9):
        found = make(FakeSegmentor())(images, threshold=threshold)
        for p in found['predictions']:
            assert p.threshold == threshold
            assert (p.mask == (p.prob > np.float32(threshold))).all()
    image = np.zeros((20, 30), np.uint8)
    image[3:5, 3:5], image[9:12, 9:12] = 255, 150
    run = make(FakeDetector(jitter=0))
    for threshold, count in ((None, 2), (0.55, 2), (0.7, 1), (1, 0)):
        (found,) = run(image, threshold=threshold)['predictions']
        assert len(found.targets) == count


@pytest.mark.parametrize(
    'wrong', [dict(threshold=1.5), dict(threshold=-1), dict(batch_size=0)]
)
def test_wrong_arguments_of_the_call(images, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(FakeSegmentor())(images, **wrong)


def test_stream_gives_results_before_the_inputs_end():
    def frames():
        yield np.zeros((8, 8), np.uint8)
        raise RuntimeError('the camera is unplugged')

    stream = make(FakeSegmentor()).stream(frames())
    assert next(stream).name == '000000'
    with pytest.raises(RuntimeError, match='unplugged'):
        next(stream)


def test_progress_bar_goes_to_stderr(images, capsys):
    SIRSTInferencer(FakeSegmentor())(images, batch_size=2)
    out, err = capsys.readouterr()
    assert out == '' and '5/5' in err
    SIRSTInferencer(FakeSegmentor())(iter(images))
    assert '5/' in capsys.readouterr().err
