"""New splits share no look-alike, and old files are never overwritten."""

import cv2
import numpy as np
import pytest

from fdep_mm.datasets import SIRSTDataset
from fdep_mm.datasets.check import check_dataset, make_splits, write_splits
from fdep_mm.datasets.check.splitting import MODES
from fdep_mm.datasets.layouts import find_layout, open_layout


@pytest.fixture
def folder(tmp_path, make_sirst):
    """12 + 8 images; 2, 3, 12 and 13 are alike, and 7 and 14."""
    root = make_sirst(tmp_path / 'a folder', num_train=12, num_test=8)
    for source, copies in ((2, (3, 12, 13)), (7, (14,))):
        image = cv2.imread(str(root / f'images/Misc_{source}.png'), 0)
        for i in copies:
            path = str(root / f'images/Misc_{i}.png')
            assert cv2.imwrite(path, image // 2 + i)
    return root


def ids(records):
    return [int(record.sample.image_id.split('_')[1]) for record in records]


@pytest.mark.parametrize(
    ('mode', 'train', 'test', 'moved'),
    [
        ('drop-later', [*range(12)], [*range(15, 20)], 0),
        (
            'drop-earlier',
            [0, 1, 4, 5, 6, 8, 9, 10, 11],
            [*range(12, 20)],
            0,
        ),
        # Ties stay in the earlier split.
        ('move', [*range(12), 12, 13, 14], [*range(15, 20)], 3),
    ],
)
def test_modes(folder, tmp_path, mode, train, test, moved):
    report = check_dataset([find_layout(folder)])
    assert len(report.leaks[0].pairs) == 3
    new = make_splits(report, mode)
    assert ids(new.members['train']) == train
    assert ids(new.members['test']) == test
    assert new.moved == moved and not new.broken
    assert len(new.dropped) == 20 - len(train) - len(test)

    paths = write_splits(tmp_path / 'new splits/x', new.members)
    names = ['train_NUAA-SIRST.txt', 'test_NUAA-SIRST.txt']
    assert [path.name for path in paths] == names
    splits = [f'train={paths[0]}', f'test={paths[1]}']
    again = check_dataset([open_layout(folder, splits=splits)])
    assert again.findings.clean
    dataset = SIRSTDataset(str(paths[1]), data_root=str(folder))
    assert len(dataset) == len(test)


def test_majority_of_a_group_decides(folder):
    (folder / 'img_idx/train_NUAA-SIRST.txt').write_text('Misc_0\nMisc_2')
    (folder / 'img_idx/test_NUAA-SIRST.txt').write_text('Misc_12\nMisc_13')
    new = make_splits(check_dataset([find_layout(folder)]), 'move')
    assert ids(new.members['train']) == [0]
    assert ids(new.members['test']) == [2, 12, 13]
    assert new.moved == 1


def test_files_in_both_splits_and_unusable_files(folder):
    path = folder / 'img_idx/test_NUAA-SIRST.txt'
    path.write_text('Misc_0\nMisc_16\nMisc_17\nMisc_18\n')
    (folder / 'images/Misc_17.png').write_bytes(b'')
    (folder / 'masks/Misc_18.png').unlink()
    report = check_dataset([find_layout(folder)])
    for mode in MODES:
        new = make_splits(report, mode)
        both = [*ids(new.members['train']), *ids(new.members['test'])]
        assert len(both) == len(set(both))
        assert 0 in both and not {17, 18} & set(both)
        assert ids(new.broken) == [17, 18]


def test_division_of_an_undivided_data_set(folder):
    report = check_dataset([open_layout(folder, 'images', 'masks')])
    for seed in range(5):
        new = make_splits(report, test_fraction=0.4, seed=seed)
        train, test = (set(ids(part)) for part in new.members.values())
        assert len(train) == 12 and len(test) == 8
        for group in ({2, 3, 12, 13}, {7, 14}):
            assert group <= train or group <= test
        again = make_splits(report, test_fraction=0.4, seed=seed)
        assert ids(again.members['test']) == ids(new.members['test'])
    others = make_splits(report, test_fraction=0.4, seed=0)
    assert set(ids(others.members['test'])) != test
    with pytest.raises(ValueError, match='test_fraction=1.5'):
        make_splits(report, test_fraction=1.5)


def test_wrong_arguments(folder):
    layout = find_layout(folder)
    with pytest.raises(ValueError, match='several folders'):
        make_splits(check_dataset([layout, layout]))
    report = check_dataset([layout])
    with pytest.raises(ValueError, match="mode='x'"):
        make_splits(report, 'x')
    same = check_dataset([find_layout(folder)], threshold=-1)
    with pytest.raises(ValueError, match='no image would be left in test'):
        make_splits(same)


def test_nothing_is_overwritten(folder, tmp_path):
    new = make_splits(check_dataset([find_layout(folder)]))
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'test_NUAA-SIRST.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='test_NUAA-SIRST.txt'):
        write_splits(out, new.members)
    assert [path.name for path in out.iterdir()] == ['test_NUAA-SIRST.txt']
    assert (out / 'test_NUAA-SIRST.txt').read_text() == 'mine'


def test_one_value_images_are_grouped_if_equal(folder):
    for i, value in ((0, 7), (1, 7), (15, 7), (16, 9)):
        flat = np.full((40, 52), value, np.uint8)
        assert cv2.imwrite(str(folder / f'images/Misc_{i}.png'), flat)
    new = make_splits(check_dataset([find_layout(folder)]), 'move')
    assert {0, 1, 15} <= set(ids(new.members['train']))
    assert 16 in ids(new.members['test'])
