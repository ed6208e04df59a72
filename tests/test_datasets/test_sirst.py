import shutil
from dataclasses import replace

import numpy as np
import pytest
from mmengine.registry import DATASETS
from PIL import Image
from scipy.ndimage import label

from fdep_mm.apis.inputs import Inputs
from fdep_mm.datasets import SIRSTDataset, sirst
from fdep_mm.datasets.check import check_dataset
from fdep_mm.datasets.layouts import find_layout
from fdep_mm.visualization import list_images, read_names

SPLIT = 'img_idx/train_NUAA-SIRST.txt'
LOAD = [
    dict(type='fdep_mm.LoadInfraredImage'),
    dict(type='fdep_mm.LoadSIRSTMask'),
    dict(type='PackSegInputs'),
]


@pytest.fixture
def folder(tmp_path, make_sirst):
    return make_sirst(tmp_path / 'a folder with spaces')


def stems(dataset, key='img_path'):
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return [info[key].replace('\\', '/').rsplit('/', 1)[1] for info in infos]


def test_split_gives_image_and_mask(folder):
    dataset = DATASETS.build(
        dict(
            type='fdep_mm.SIRSTDataset',
            data_root=str(folder),
            ann_file=SPLIT,
            pipeline=LOAD,
        )
    )
    assert dataset.metainfo['classes'] == ('background', 'target')
    assert stems(dataset) == [f'Misc_{i}.png' for i in range(4)]
    sample = dataset[1]
    mask = sample['data_samples'].gt_sem_seg.data
    assert mask.shape == (1, 40, 52)
    assert mask.nonzero()[:, 1:].tolist() == [
        [y, x] for y in range(11, 14) for x in range(20, 23)
    ]
    assert sample['inputs'].shape == (3, 40, 52)
    assert len(SIRSTDataset(SPLIT, data_root=str(folder), indices=2)) == 2


def test_a_test_at_another_size(folder):
    """In mmseg's order: the mask keeps the size that is scored."""
    resize = dict(type='Resize', scale=(64, 64))
    mask = dict(type='fdep_mm.LoadSIRSTMask', at_file_size=True)
    pipeline = [LOAD[0], resize, mask, *LOAD[2:]]
    dataset = SIRSTDataset('', data_root=str(folder), pipeline=pipeline)
    sample = dataset[1]
    assert sample['inputs'].shape == (3, 64, 64)
    truth = sample['data_samples']
    assert truth.gt_sem_seg.shape == truth.ori_shape == (40, 52)


def test_masks_after_resize_are_refused_in_training(folder):
    crop = dict(type='RandomCrop', crop_size=(32, 32))
    resize = dict(type='Resize', scale=(64, 64))
    pipeline = [LOAD[0], resize, LOAD[1], crop, *LOAD[2:]]
    dataset = SIRSTDataset('', data_root=str(folder), pipeline=pipeline)
    with pytest.raises(ValueError, match='its image 64x64'):
        dataset[1]


def test_untidy_split_file(folder):
    (folder / 'untidy.txt').write_bytes(
        b'\xef\xbb\xbfMisc_3.png\r\n\r\n  Misc_1.bmp \r\nMisc_0\r\n\r\n'
    )
    dataset = SIRSTDataset('untidy.txt', data_root=str(folder))
    assert stems(dataset) == ['Misc_3.png', 'Misc_1.png', 'Misc_0.png']
    assert stems(dataset, 'seg_map_path') == stems(dataset)


def test_suffix_candidates_and_mask_suffix(folder):
    shutil.move(folder / 'images/Misc_1.png', folder / 'images/Misc_1.bmp')
    for path in list((folder / 'masks').iterdir()):
        path.rename(path.with_name(f'{path.stem}_pixels0.png'))
    dataset = SIRSTDataset(
        SPLIT,
        img_suffix=('.bmp', '.png'),
        seg_map_suffix='_pixels0.png',
        data_root=str(folder),
    )
    assert stems(dataset)[:2] == ['Misc_0.png', 'Misc_1.bmp']
    assert stems(dataset, 'seg_map_path')[1] == 'Misc_1_pixels0.png'


def test_ids_in_subfolders(folder):
    for part in ('images', 'masks'):
        (folder / part / 'seq').mkdir()
        source = folder / part / 'Misc_0.png'
        shutil.copy(source, folder / part / 'seq/0.1.png')
    (folder / 'split.txt').write_text('seq/0.1')
    dataset = SIRSTDataset('split.txt', data_root=str(folder))
    assert stems(dataset) == ['0.1.png']


def test_folder_of_images_without_masks(folder):
    (folder / 'images/.DS_Store').write_text('x')
    dataset = SIRSTDataset(
        data_root=str(folder),
        data_prefix=dict(img_path='images'),
        pipeline=LOAD,
        test_mode=True,
    )
    assert stems(dataset) == [f'Misc_{i}.png' for i in range(6)]
    assert 'gt_sem_seg' not in dataset[0]['data_samples']


def test_missing_split_file(folder):
    with pytest.raises(FileNotFoundError, match='nothing.txt.*ann_file'):
        SIRSTDataset('nothing.txt', data_root=str(folder))


@pytest.mark.parametrize('content', ['', '\n \r\n'])
def test_empty_split(folder, content):
    (folder / 'empty.txt').write_text(content)
    with pytest.raises(ValueError, match='empty.txt.*lists no image'):
        SIRSTDataset('empty.txt', data_root=str(folder))


@pytest.mark.parametrize(
    ('part', 'kind', 'way_out'),
    [('images', 'image', 'img_suffix'), ('masks', 'mask', 'seg_map_suffix')],
)
def test_id_without_file(folder, part, kind, way_out):
    (folder / 'split.txt').write_text(
        'Misc_0\n' + '\n'.join(f'lost_{i}' for i in range(7))
    )
    if part == 'masks':
        for i in range(7):
            source = folder / 'images/Misc_0.png'
            shutil.copy(source, folder / f'images/lost_{i}.png')
    with pytest.raises(FileNotFoundError) as error:
        SIRSTDataset('split.txt', data_root=str(folder))
    text = str(error.value)
    assert f'7 of 8 ids of {str(folder / "split.txt")!r}' in text
    assert f'have no {kind} in' in text and way_out in text
    assert "'lost_4' and 2 more" in text and 'lost_5' not in text


@pytest.mark.parametrize(
    'image_id', ['../secret', 'a/../../b', '/etc/passwd', '..\\x', 'C:\\x']
)
def test_id_outside_the_data_set(folder, image_id):
    (folder / 'split.txt').write_text(f'Misc_0\n{image_id}')
    with pytest.raises(ValueError, match='leave the data set'):
        SIRSTDataset('split.txt', data_root=str(folder))


def test_empty_or_missing_image_folder(folder):
    with pytest.raises(ValueError, match='img_suffix'):
        SIRSTDataset(data_root=str(folder), img_suffix='.tif')
    with pytest.raises(FileNotFoundError, match='data_root'):
        SIRSTDataset(data_root=str(folder / 'no'))


@pytest.mark.parametrize(
    ('name', 'split', 'arguments', 'images', 'targets'),
    [
        ('NUAA-SIRST', 'img_idx/test_{}.txt', {}, 214, 263),
        ('NUDT-SIRST', 'img_idx/test_{}.txt', {}, 664, 945),
        (
            'sirst-v2',
            'splits/trainvaltest_full.txt',
            dict(
                data_prefix=dict(
                    img_path='mixed', seg_map_path='annotations/masks'
                ),
                seg_map_suffix='_pixels0.png',
            ),
            1024,
            648,
        ),
    ],
)
def test_every_real_mask(find_data, name, split, arguments, images, targets):
    root = find_data(name)
    dataset = SIRSTDataset(
        split.format(name),
        data_root=str(root),
        pipeline=[dict(type='fdep_mm.LoadSIRSTMask')],
        **arguments,
    )
    assert len(dataset) == images
    masks = [dataset[i]['gt_seg_map'] for i in range(images)]
    eight = np.ones((3, 3))
    assert sum(label(mask, eight)[1] for mask in masks) == targets
    assert {mask.dtype for mask in masks} == {np.dtype(np.uint8)}


def test_every_nuaa_training_image(find_data):
    root = find_data('NUAA-SIRST')
    dataset = SIRSTDataset(
        'img_idx/train_NUAA-SIRST.txt', data_root=str(root), pipeline=LOAD
    )
    means, stds = [], []
    for sample in dataset:
        inputs = sample['inputs'].numpy()
        assert inputs.shape[1:] == sample['data_samples'].gt_sem_seg.shape
        assert (inputs[0] == inputs[1]).all()
        means.append(inputs[0].mean())
        stds.append(inputs[0].std())
    # The constants of configs/_base_/datasets/nuaa-sirst.py.
    assert np.mean(means) == pytest.approx(110.68, abs=0.02)
    assert np.mean(stds) == pytest.approx(29.35, abs=0.02)


MANY = ('a.png', 'b.PNG', 'c.tif', 'd.jpeg', 'e.bmp', 'f.tiff', 'g.JPG')


@pytest.fixture
def many(tmp_path):
    """Every type, upper case, and what systems leave in folders."""
    for kind in ('images', 'masks'):
        (tmp_path / kind).mkdir()
        for name in MANY:
            array = np.full((8, 8), 255 if kind == 'masks' else 90, np.uint8)
            Image.fromarray(array).save(tmp_path / kind / name)
        for name in ('._a.png', 'Thumbs.db', '.DS_Store'):
            (tmp_path / kind / name).write_bytes(b'no picture')
        (tmp_path / kind / '.ipynb_checkpoints').mkdir()
        copy = tmp_path / kind / '.ipynb_checkpoints/a-checkpoint.png'
        shutil.copy(tmp_path / kind / 'a.png', copy)
    return tmp_path


def test_all_images_of_a_folder(many, monkeypatch):
    lines = []
    monkeypatch.setattr(
        sirst, 'print_log', lambda text, *_: lines.append(text)
    )
    assert stems(SIRSTDataset(data_root=str(many))) == list(MANY)
    assert not lines
    report = check_dataset([find_layout(many)])
    assert report.findings.clean and len(report.records) == 7
    assert len(list_images(many / 'images')) == 7
    assert len(Inputs(many / 'images').sources) == 7

    (many / 'images/a.bmp').write_bytes(b'second of its name')
    (many / 'images/h.npy').write_bytes(b'no image')
    assert len(SIRSTDataset(data_root=str(many))) == 7
    (line,) = lines
    assert '2 files are not read' in line and "'h.npy'" in line


@pytest.mark.parametrize('line', ['b.PNG', 'b', 'b.png', 'g.jpg'])
def test_a_line_finds_its_file(many, line):
    (many / 'split.txt').write_text(line)
    dataset = SIRSTDataset('split.txt', data_root=str(many))
    (name,) = stems(dataset)
    assert name.lower().startswith(line.lower())
    assert stems(dataset, 'seg_map_path') == [name]


def test_two_forms_of_one_letter(many):
    for kind in ('images', 'masks'):
        file = many / kind / 'a.png'
        file.rename(file.with_name('Mu\u0308ll.png'))  # as macOS writes it
    split = many / 'split.txt'
    split.write_text('M\u00fcll', encoding='utf-8')
    assert len(SIRSTDataset('split.txt', data_root=str(many))) == 1
    layout = replace(find_layout(many), splits=dict(train=(split,)))
    assert check_dataset([layout]).findings.clean
    assert read_names(split)[0] in list_images(many / 'images')


@pytest.mark.parametrize('encoding', ['utf-16', 'utf-16-le', 'gbk'])
def test_split_in_another_encoding(many, encoding):
    (many / 'split.txt').write_bytes('a\n\u7ea2\u5916'.encode(encoding))
    with pytest.raises(ValueError, match=r'split.txt: .*Save it as UTF-8'):
        SIRSTDataset('split.txt', data_root=str(many))


def test_an_image_twice_in_a_split(many):
    (many / 'split.txt').write_text('a\nc.tif\na.png')
    with pytest.raises(ValueError, match="1 images more than once: 'a'"):
        SIRSTDataset('split.txt', data_root=str(many))
