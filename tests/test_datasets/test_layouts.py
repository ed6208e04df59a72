"""The folders of the public data sets are read as they are."""

import shutil
from pathlib import Path

import pytest
from mmengine.registry import DATASETS

from fdep_mm.core.splits import leaves_root, read_ids
from fdep_mm.datasets.layouts import find_layout, open_layout

LOAD = [
    dict(type='fdep_mm.LoadInfraredImage'),
    dict(type='fdep_mm.LoadSIRSTMask'),
    dict(type='PackSegInputs'),
]


@pytest.fixture
def basic(tmp_path, make_sirst):
    return make_sirst(tmp_path / 'a folder')


def to_dnanet(root: Path) -> None:
    (root / '50_50').mkdir()
    for split in ('train', 'test'):
        source = root / f'img_idx/{split}_NUAA-SIRST.txt'
        source.rename(root / f'50_50/{split}.txt')


def to_v2(root: Path) -> None:
    (root / 'images').rename(root / 'mixed')
    (root / 'annotations').mkdir()
    (root / 'masks').rename(root / 'annotations/masks')
    for path in list((root / 'annotations/masks').iterdir()):
        path.rename(path.with_name(f'{path.stem}_pixels0.png'))
    (root / 'splits').mkdir()
    for split, name in (('train', 'trainval_full'), ('test', 'test_full')):
        source = root / f'img_idx/{split}_NUAA-SIRST.txt'
        source.rename(root / f'splits/{name}.txt')
    (root / 'splits/test_v1.txt').write_text('Misc_0\n')


def to_irstd1k(root: Path) -> None:
    (root / 'images').rename(root / 'IRSTD1k_Img')
    (root / 'masks').rename(root / 'IRSTD1k_Label')
    for split, name in (('train', 'trainval'), ('test', 'test')):
        source = root / f'img_idx/{split}_NUAA-SIRST.txt'
        source.rename(root / f'{name}.txt')


@pytest.mark.parametrize(
    ('change', 'train'),
    [
        (lambda root: None, 'train'),
        (to_dnanet, 'train'),
        (to_v2, 'trainval'),
        (to_irstd1k, 'trainval'),
    ],
    ids=['BasicIRSTD', 'DNA-Net', 'SIRST-V2', 'IRSTD-1K'],
)
def test_sirst_dataset_reads_what_was_found(basic, change, train):
    change(basic)
    layout = find_layout(basic)
    assert layout.name == 'NUAA-SIRST'
    assert list(layout.splits) == [train, 'test']
    for split, count in ((train, 4), ('test', 2)):
        dataset = DATASETS.build(
            dict(
                type='fdep_mm.SIRSTDataset',
                ann_file=str(layout.splits[split][0]),
                data_prefix=dict(
                    img_path=str(layout.images), seg_map_path=str(layout.masks)
                ),
                img_suffix=layout.image_suffixes,
                seg_map_suffix=layout.mask_suffixes,
                pipeline=LOAD,
            )
        )
        assert len(dataset) == count
        mask = dataset[0]['data_samples'].gt_sem_seg.data
        assert mask.sum() == 9


def test_real_layouts(find_data):
    for name, train, test in (
        ('NUAA-SIRST', 213, 214),
        ('NUDT-SIRST', 663, 664),
        ('sirst-v2', 768, 256),
    ):
        layout = find_layout(find_data(name))
        sizes = [len(read_ids(path)) for (path,) in layout.splits.values()]
        assert sizes == [train, test]
        assert layout.masks.is_dir()
        assert (layout.boxes is not None) == (name == 'sirst-v2')


def test_without_splits_all_images_are_one(basic):
    shutil.rmtree(basic / 'img_idx')
    layout = find_layout(basic)
    assert layout.splits == {'all': ()}


def test_several_groups_of_splits_are_an_error_until_one_is_named(basic):
    to_dnanet(basic)
    shutil.copytree(basic / '50_50', basic / '70_30')
    with pytest.raises(ValueError, match='several groups.*train=50_50'):
        find_layout(basic)
    layout = open_layout(basic, splits=['train=70_30/train.txt'])
    assert layout.splits == {'train': (basic / '70_30/train.txt',)}


def test_a_folder_that_was_renamed_keeps_its_splits(basic):
    root = basic.rename(basic.with_name('my data'))
    files = {split: f'{split}_NUAA-SIRST.txt' for split in ('train', 'test')}
    found = find_layout(root).splits
    assert {k: path.name for k, (path,) in found.items()} == files
    (root / 'img_idx/train_other.txt').write_text('Misc_0\n')
    with pytest.raises(ValueError, match='several groups.*train_NUAA-SIRST'):
        find_layout(root)
    (root / 'img_idx/train_my data.txt').write_text('Misc_0\n')
    found = find_layout(root).splits
    assert [path.name for (path,) in found.values()] == ['train_my data.txt']


def test_named_parts(basic):
    (basic / 'masks').rename(basic / 'my labels')
    layout = open_layout(basic, 'images', 'my labels', mask_suffix='_gt')
    assert layout.masks == basic / 'my labels'
    assert '_gt.png' in layout.mask_suffixes
    assert layout.splits == {'all': ()}
    for arguments, text in (
        (dict(images='none'), 'none: no such folder'),
        (dict(boxes='none'), 'none: no such folder'),
        (dict(splits=['train.txt']), 'NAME=FILE'),
        (dict(splits=['train=none.txt']), 'no such file'),
    ):
        with pytest.raises(ValueError, match=text):
            open_layout(basic, **arguments)


def test_unknown_folders(tmp_path):
    with pytest.raises(ValueError, match='no such folder'):
        find_layout(tmp_path / 'none')
    with pytest.raises(ValueError, match='--images'):
        find_layout(tmp_path)


@pytest.mark.parametrize(
    'name',
    [
        '../a',
        'a/../../b',
        '/etc/passwd',
        'C:\\a',
        '..\\a',
        '\\\\host\\a',
    ],
)
def test_ids_that_leave_the_data_set_are_refused(tmp_path, name):
    assert leaves_root(name)
    path = tmp_path / 'split.txt'
    path.write_text(f'a\n\n{name}\n  sub/b \n', encoding='utf-8')
    assert read_ids(path) == ['a', name, 'sub/b']


def test_split_file_that_is_no_text(tmp_path):
    path = tmp_path / 'split.txt'
    for content in (b'\xff\xfe\x00\x80', b'a\n\0\n'):
        path.write_bytes(content)
        with pytest.raises(ValueError, match='split.txt: not a readable'):
            read_ids(path)
