"""tools/test.py with a detector: pictures, and what it cannot write."""

import cv2
import pytest
from test_metric_option import ROOT, run, save_weights

pytest.importorskip('mmdet.models')

TINY = (
    '--cfg-options',
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
    'test_dataloader.dataset.num_images=2',
    'default_hooks.visualization.score_thr=0.0',
)


@pytest.fixture(scope='module')
def config():
    (config,) = (ROOT / 'configs/oscar').glob('*synthetic*.py')
    return config


@pytest.fixture(scope='module')
def weights(config, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'oscar.pth'
    return save_weights(config, path)


def test_pictures_of_data_without_files(config, weights, tmp_path):
    show = tmp_path / 'show'
    code, log = run(config, weights, '--show-dir', show, *TINY)
    assert code == 0, log
    pictures = sorted(show.rglob('test_*.png'))
    assert [p.name for p in pictures] == [
        'test_00000_1.png',
        'test_00001_2.png',
    ]
    for path in pictures:
        picture = cv2.imread(str(path))
        assert picture.shape == (512, 2 * 512, 3)  # truth and detections
        assert picture.std() > 5


def test_a_detector_has_no_masks_to_write(config, weights, tmp_path):
    options = '--out', tmp_path / 'out', '--out-probs', tmp_path / 'out'
    code, log = run(config, weights, *options)
    assert code == 2
    last = log.splitlines()[-1]
    assert last.startswith('error: --out, --out-probs: a detector gives boxes')
    assert not (tmp_path / 'out').exists()
