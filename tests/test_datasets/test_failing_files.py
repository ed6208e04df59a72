"""Images that break after the data set was built, and workers that die."""

import os
import signal

import cv2
import numpy as np
import pytest
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from fdep_mm.core.text import some
from fdep_mm.datasets import SIRSTDataset
from fdep_mm.engine import UnreadableImagesHook

PIPELINE = [
    dict(type='fdep_mm.LoadInfraredImage'),
    dict(type='fdep_mm.LoadSIRSTMask'),
    dict(type='PackSegInputs'),
]


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    for i in range(6):
        image = rng.integers(0, 255, (32, 32), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f'images/{i}.png'), image)
        cv2.imwrite(str(tmp_path / f'masks/{i}.png'), image // 255)
    return tmp_path


def build(root, **kwargs):
    from mmengine.registry import init_default_scope

    init_default_scope('mmseg')
    return SIRSTDataset(data_root=str(root), pipeline=PIPELINE, **kwargs)


def loader(dataset, num_workers=0):
    return DataLoader(
        dataset, 2, num_workers=num_workers, collate_fn=lambda batch: batch
    )


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize('num_workers', [0, 2])
@pytest.mark.parametrize('name', ['images/3.png', 'masks/4.png'])
def test_the_broken_file_is_named(root, name, num_workers):
    dataset = build(root)
    cut(root / name)
    with pytest.raises(ValueError, match=name):
        list(loader(dataset, num_workers))


def test_a_file_that_breaks_in_the_middle_of_an_epoch(root):
    batches = iter(loader(build(root)))
    next(batches)
    cut(root / 'images/3.png')
    with pytest.raises(ValueError, match='images/3.png'):
        next(batches)


def test_long_lists_of_names_are_cut():
    assert some(['a', 'b', 'c'], 3) == "'a', 'b', 'c'"
    assert some(['a', 'b', 'c'], 2) == "'a', 'b' and 1 more"


def test_it_can_be_left_out_and_is_counted(root):
    dataset = build(root, on_error='skip')
    cut(root / 'images/3.png')
    (root / 'images/4.png').unlink()
    (root / 'masks/5.png').write_bytes(b'')
    batches = list(loader(dataset, num_workers=2))
    found = [sample['data_samples'].img_path for b in batches for sample in b]
    assert len(found) == 6
    assert {os.path.basename(path) for path in found} == {
        '0.png',
        '1.png',
        '2.png',
    }

    class Logger:
        texts = []

        def warning(self, text):
            self.texts.append(text)

    class FakeRunner:
        epoch = 6
        logger = Logger()
        train_dataloader = loader(dataset)

    hook = UnreadableImagesHook()
    hook.after_train_epoch(FakeRunner())
    (text,) = Logger.texts
    assert '3 of 6 images could not be read in epoch 7' in text
    for name in ('images/3.png', 'images/4.png', 'images/5.png'):
        assert name in text
    hook.after_train_epoch(FakeRunner())  # a new epoch counts anew
    assert len(Logger.texts) == 1


def test_errors_of_the_pipeline_are_not_left_out(root):
    dataset = build(root, on_error='skip')
    dataset.pipeline.transforms.append(lambda results: results['nonesuch'])
    with pytest.raises(KeyError, match='nonesuch'):
        dataset[0]


def test_neither_are_errors_that_name_the_file(root):
    """Of settings and caches, which every image has."""
    dataset = build(root, on_error='skip')
    image = dataset.get_data_info(0)['img_path']

    def refuse(results):
        raise ValueError(f'{results["img_path"]}: no prior of it')

    dataset.pipeline.transforms.insert(2, refuse)
    with pytest.raises(ValueError, match='no prior of it'):
        dataset[0]
    del dataset.pipeline.transforms[2]
    gray = np.full((32, 32), 7, np.uint8)
    for broken, text in (
        (image.replace('images', 'masks'), 'mask values'),
        (image, 'its image'),
    ):
        cv2.imwrite(broken, gray[:8] if broken == image else gray)
        with pytest.raises(ValueError, match=text):
            dataset[0]
        cv2.imwrite(broken, gray // 8)
    assert not dataset.unreadable.any()


def test_a_test_does_not_leave_out_images(root):
    with pytest.raises(ValueError, match='for training'):
        build(root, on_error='skip', test_mode=True)
    with pytest.raises(ValueError, match="'raise', 'skip'"):
        build(root, on_error='ignore')


def test_a_worker_that_is_killed_ends_the_loop(root):
    dataset = build(root)
    parent = os.getpid()

    def die(results):
        assert os.getpid() != parent
        os.kill(os.getpid(), signal.SIGKILL)

    dataset.pipeline.transforms.append(die)
    built = Runner.build_dataloader(
        dict(
            dataset=dataset,
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=2,
            num_workers=1,
        ),
        seed=0,
    )
    with pytest.raises(RuntimeError, match='DataLoader worker .*(exit|kill)'):
        list(built)
