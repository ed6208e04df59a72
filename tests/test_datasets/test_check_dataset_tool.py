"""tools/check_dataset.py as a user runs it."""

import json
from functools import partial

import cv2
import numpy as np
import pytest
from tool_runs import run_tool

call = partial(run_tool, 'check_dataset.py')


@pytest.fixture
def folder(tmp_path, make_sirst):
    return make_sirst(tmp_path / 'a folder with spaces')


def test_clean_folder(folder):
    code, printed, errors = call(folder)
    assert (code, errors) == (0, '')
    assert '0 of 2 images of test (0.0 %)' in printed
    assert '0 errors, 0 warnings' in printed


def test_damage_is_reported_and_the_rest_goes_on(folder, tmp_path):
    (folder / 'images/Misc_1.png').write_bytes(b'not a picture')
    image = cv2.imread(str(folder / 'images/Misc_0.png'))
    cv2.imwrite(str(folder / 'images/Misc_4.png'), image)
    outputs = {
        '--json': tmp_path / 'a report.json',
        '--contact-sheet': tmp_path / 'a sheet.png',
        '--write-split': tmp_path / 'new splits',
    }
    code, printed, errors = call(
        folder, *(word for pair in outputs.items() for word in pair)
    )
    assert (code, errors) == (1, '')
    assert 'ERROR image-unreadable (1)' in printed
    assert 'NUAA-SIRST train Misc_1: not an image file\n' in printed
    assert 'ERROR duplicate (1)' in printed
    assert '1 of 2 images of test (50.0 %)' in printed
    report = json.loads(outputs['--json'].read_text())
    assert report['clean'] is False
    assert report['counts']['error'] == 2
    (leak,) = report['leaks']
    assert (leak['count'], leak['identical'], leak['images']) == (1, 1, 2)
    assert len(report['images']) == 6
    assert cv2.imread(str(outputs['--contact-sheet'])) is not None
    split = outputs['--write-split'] / 'test_NUAA-SIRST.txt'
    assert split.read_text() == 'Misc_5\n'
    code, _, errors = call(folder, '--write-split', outputs['--write-split'])
    assert code == 2 and 'exists; name another' in errors
    assert split.read_text() == 'Misc_5\n'


def test_named_folders_and_splits(folder, tmp_path):
    (folder / 'masks').rename(folder / 'my labels')
    for path in list((folder / 'my labels').iterdir()):
        path.rename(path.with_name(f'{path.stem}_gt.png'))
    (tmp_path / 'list.txt').write_text('Misc_0\nMisc_1\n')
    words = [folder, '--images', 'images', '--masks', 'my labels']
    assert call(*words)[0] == 1
    words += ['--mask-suffix', '_gt']
    assert call(*words)[0] == 0
    code, printed, _ = call(*words, '--split', f'a={tmp_path}/list.txt')
    assert code == 0 and 'NOTE image-unlisted (4)' in printed


def test_16_bit_copies_of_a_scene(folder):
    image = cv2.imread(str(folder / 'images/Misc_0.png'), 0)
    deep = image.astype(np.uint16) * 256 + 17
    cv2.imwrite(str(folder / 'images/Misc_5.png'), deep)
    code, printed, _ = call(folder)
    assert code == 1 and 'ERROR near-duplicate (1)' in printed
    assert 'WARNING bit-depth (1)' in printed


def test_config_and_its_parts(folder, tmp_path):
    config = tmp_path / 'my config.py'
    part = dict(
        type='fdep_mm.SIRSTDataset',
        data_root=str(folder),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
    )
    train = dict(part, ann_file='img_idx/train_NUAA-SIRST.txt')
    test = dict(part, ann_file='img_idx/test_NUAA-SIRST.txt')
    several = dict(type='ConcatDataset', datasets=[train])
    repeated = dict(type='RepeatDataset', times=3, dataset=several)
    loaders = dict(train=repeated, val=test, test=test)
    config.write_text(
        ''.join(
            f'{name}_dataloader = dict(dataset={dataset})\n'
            for name, dataset in loaders.items()
        )
    )
    out = tmp_path / 'report.json'
    code, printed, _ = call(config, '--json', out)
    assert code == 0 and '0 of 2 images of test' in printed
    # val is the test split, so it counts once
    statistics = json.loads(out.read_text())['statistics']
    assert {k: v['images'] for k, v in statistics.items()} == dict(
        train=4, test=2
    )
    split = folder / 'img_idx/train_NUAA-SIRST.txt'
    code, _, _ = call(config, '--split', f'only={split}', '--json', out)
    assert code == 0
    assert list(json.loads(out.read_text())['statistics']) == ['only']
    check_error(call(config, '--images', 'images'), 'names its folders itself')
    (folder / 'masks').rename(folder / 'elsewhere')
    check_error(call(config), 'masks does not exist', 'FDEP_DATA')


def test_a_config_without_prefixes(folder, tmp_path):
    """The folders are then those of the class."""
    config = tmp_path / 'config.py'
    dataset = dict(type='fdep_mm.SIRSTDataset', data_root=str(folder))
    config.write_text(f'test_dataloader = dict(dataset={dataset})')
    out = tmp_path / 'report.json'
    assert call(config, '--json', out)[0] == 0
    assert json.loads(out.read_text())['statistics']['test']['targets'] == 6


def test_config_with_two_split_files_of_one_folder(folder, tmp_path):
    config = tmp_path / 'config.py'
    part = dict(
        type='fdep_mm.SIRSTDataset',
        data_root=str(folder),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
    )
    files = {}
    for name, ids in (('a', [0, 1]), ('b', [1, 2]), ('c', [2, 5])):
        files[name] = folder / f'{name}.txt'
        files[name].write_text('\n'.join(f'Misc_{i}' for i in ids))
    parts = [dict(part, ann_file=f'{name}.txt') for name in 'ab']
    both = dict(type='ConcatDataset', datasets=parts)
    test = dict(part, ann_file='c.txt')
    config.write_text(
        f'train_dataloader = dict(dataset={both})\n'
        f'val_dataloader = dict(dataset={both})\n'
        f'test_dataloader = dict(dataset={test})\n'
    )
    out = tmp_path / 'report.json'
    code, printed, _ = call(config, '--json', out)
    assert code == 1 and 'split-overlap' in printed
    report = json.loads(out.read_text())
    splits = [str(files['a']), str(files['b'])]
    assert report['datasets'][0]['splits'] == dict(
        train=splits, val=splits, test=[str(files['c'])]
    )
    images = {k: v['images'] for k, v in report['statistics'].items()}
    assert images == dict(train=3, val=3, test=2)
    found = {f['code']: f['items'] for f in report['findings']}
    assert any('Misc_1' in i['where'] for i in found['split-repeat'])
    files['b'].unlink()
    _, printed, _ = call(config)
    assert 'split-unreadable' in printed and 'b.txt' in printed


def test_real_config(find_data, repo, monkeypatch):
    root = find_data('NUAA-SIRST')
    monkeypatch.setenv('FDEP_DATA', str(root.parent))
    code, printed, _ = call(repo / 'configs/_base_/datasets/nuaa-sirst.py')
    assert code == 0
    assert '0 of 214 images of test (0.0 %)' in printed
    assert '110.68, 29.35' in printed  # the config's constants


def check_error(result, *words):
    code, _, errors = result
    assert code == 2
    assert errors.startswith('error: ') and errors.count('\n') == 1
    for word in words:
        assert word in errors


def test_usage_errors(folder, tmp_path, repo):
    check_error(call(tmp_path / 'none'), 'none', 'no such folder')
    check_error(call(tmp_path), '--images')
    (tmp_path / 'empty').mkdir()
    check_error(call(tmp_path, '--images', 'empty'), 'holds no image')
    check_error(call(folder, '--masks', 'none'), 'none: no such folder')
    check_error(call(folder, '--split', 'a=none.txt'), 'no such file')
    check_error(call(folder, '--threshold', 1.5), '1.5: give a number')
    check_error(call(folder, '--box-tolerance', -1), '-1: give a number')
    check_error(call(tmp_path / 'none.py'), 'none.py', 'no such file')
    (tmp_path / 'bad.py').write_text('x = (')
    check_error(call(tmp_path / 'bad.py'), 'bad.py', 'SyntaxError')
    synthetic = repo / 'configs/_base_/datasets/synthetic.py'
    check_error(call(synthetic), 'read no image files')


@pytest.mark.parametrize(
    ('option', 'name'),
    [
        ('--json', 'file/a.json'),
        ('--contact-sheet', 'a.unknown'),
        ('--contact-sheet', 'file/a.png'),
        ('--write-split', 'file'),
    ],
)
def test_outputs_that_cannot_be_written(folder, tmp_path, option, name):
    (tmp_path / 'file').write_text('')
    code, _, errors = call(folder, option, tmp_path / name)
    assert code == 2
    assert errors.startswith('error: ') and errors.count('\n') == 1
