"""gallery, plot_images and plot_curves on good and bad data."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from tool_runs import run_tool

from fdep_mm.evaluation import evaluate_masks
from fdep_mm.evaluation.functional import (
    EvalProtocol,
    count_image,
    reduce_records,
    write_json,
)


def call(tool, *arguments):
    return run_tool(f'analysis_tools/{tool}.py', *arguments)


@pytest.fixture
def folders(tmp_path):
    """Four images with two targets each, one of which is found."""
    out = []
    rng = np.random.default_rng(0)
    for kind in ('images', 'probs', 'masks'):
        out.append(tmp_path / f'some {kind}')
        out[-1].mkdir()
    for i in range(4):
        mask = np.zeros((40, 50), np.uint8)
        mask[5 + i : 8 + i, 5:8] = mask[30:32, 30:32] = 255
        prob = rng.integers(0, 60, (40, 50), np.uint8)
        prob[5 + i : 8 + i, 5:8] = 220
        image = rng.integers(30, 60, (40, 50), np.uint8) + mask // 2
        for folder, array in zip(out, (image, prob, mask), strict=True):
            cv2.imwrite(str(folder / f'img {i}.png'), array)
    return out


def test_a_gallery(folders, tmp_path):
    out = tmp_path / 'new folder' / 'page.html'
    code, printed, errors = call('gallery', *folders, '--out', out)
    assert (code, errors) == (0, '')
    assert '4 images' in printed
    page = out.read_text()
    assert page.count('data-name="img ') == 4
    assert page.count('data-misses="1"') == 4


def test_a_gallery_of_masks_of_the_names_of_a_split(folders, tmp_path):
    images, preds, masks = folders
    for path in sorted(masks.iterdir()):
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        name = path.name.replace(' ', '')
        cv2.imwrite(str(preds / name), mask // 255)
        path.rename(masks / name.replace('.png', '_pixels0.png'))
        path = images / path.name
        path.rename(images / name)
    split = tmp_path / 'split.txt'
    split.write_text('img1\nimg3\n')
    out = tmp_path / 'page.html'
    args = ('--split', split, '--mask-suffix', '_pixels0', '--out', out)
    code, *_ = call('gallery', *folders, '--binary', *args)
    assert code == 0
    assert out.read_text().count('data-iou="100.00"') == 2
    # without --binary the tool says what is wrong
    code, _, errors = call('gallery', *folders, *args)
    assert code == 2
    assert '--binary' in errors


def test_bad_files_are_listed_and_the_rest_goes_on(folders, tmp_path):
    images, preds, masks = folders
    (preds / 'img 1.png').write_bytes(b'nonsense')
    (masks / 'img 2.png').unlink()
    cv2.imwrite(str(images / 'img 3.png'), np.zeros((9, 9), np.uint8))
    out = tmp_path / 'page.html'
    code, printed, errors = call('gallery', *folders, '--out', out)
    assert code == 1
    assert '1 images' in printed
    for text in ('some probs/img 1.png', 'img 2: there is no mask', '(9, 9)'):
        assert text in errors
    assert 'Left out: 3' in out.read_text()
    code, printed, _ = call('plot_images', *folders, '--out', tmp_path / 'p')
    assert (code, len(list((tmp_path / 'p').iterdir()))) == (1, 1)


def test_masks_without_a_prediction_are_counted(folders, tmp_path):
    (folders[1] / 'img 2.png').unlink()
    out, split = tmp_path / 'page.html', tmp_path / 'split.txt'
    code, _, errors = call('gallery', *folders, '--out', out)
    assert code == 1
    assert '1 masks have no prediction: ' in errors and 'img 2' in errors
    page = out.read_text()
    assert '3 images (others are left out, see below), 6 targets' in page
    split.write_text('img 0\nimg 1\nimg 3\n')
    args = ('--split', split, '--out', out)
    code, _, errors = call('gallery', *folders, *args)
    assert (code, errors) == (0, '')
    assert '3 images, 6 targets' in out.read_text()


def test_overlays_and_surfaces(folders, tmp_path):
    out = tmp_path / 'pictures'
    args = ('--kind', 'overlay', 'surface', '--out', out)
    assert call('plot_images', *folders, *args)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f'img {i}_{kind}.png'
        for i in range(4)
        for kind in ('overlay', 'surface')
    )
    # single files, of any names, and a part of them
    images, preds, masks = folders
    files = (images / 'img 0.png', preds / 'img 1.png', masks / 'img 2.png')
    args = ('--center', 0, 39, '--window', 16, '--out', tmp_path)
    assert call('plot_images', *files, *args)[0] == 0
    overlay = cv2.imread(str(tmp_path / 'img 0_overlay.png'))
    assert overlay.shape == (768 + 36, 768 + 256, 3)


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--center', '50', '0'], '--center 50 0 --window 64 is no part'),
        (['--mask-suffix', '_x'], r'holds no image file *_x.png'),
        (['--split', 'none.txt'], 'none.txt'),
        (['--out', 'file/pictures'], "'file/pictures'"),
    ],
)
def test_wrong_input_is_one_line(
    folders, tmp_path, monkeypatch, args, message
):
    monkeypatch.chdir(tmp_path)
    Path('file').touch()
    arguments = (*folders, '--out', 'pictures', *args)
    code, _, errors = call('plot_images', *arguments)
    assert code == 2
    assert errors.startswith('error: ') and errors.count('\n') == 1
    assert message in errors


def test_empty_folders(folders, tmp_path):
    empty = tmp_path / 'empty'
    empty.mkdir()
    images, preds, masks = folders
    out = tmp_path / 'page.html'
    for arguments in ((empty, preds, masks), (images, empty, masks)):
        code, _, errors = call('gallery', *arguments, '--out', out)
        assert code == 2 and 'holds no image file' in errors
    for path in preds.iterdir():
        path.write_bytes(b'nonsense')
    code, _, errors = call('gallery', *folders, '--out', out)
    assert code == 2
    assert errors.splitlines()[-1] == 'error: none of the files can be used'
    assert not out.exists()


def read_arrays(folders):
    probs, masks = (
        [
            cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) / np.float32(255)
            for path in sorted(folder.iterdir())
        ]
        for folder in folders[1:]
    )
    return probs, [mask > 0 for mask in masks]


def store(path, folders, thresholds=19):
    protocol = EvalProtocol(thresholds)
    records = [
        count_image(*pair, protocol, '')
        for pair in zip(*read_arrays(folders), strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, *reduce_records(records, protocol), protocol.settings())
    return path


def test_curves_of_all_kinds_of_sources(folders, tmp_path):
    stored = store(tmp_path / 'a file.json', folders)
    hook = 'work/{}/vis_data/hse/curves_test.json'
    store(tmp_path / hook.format(20260101), folders, 9)
    store(tmp_path / hook.format(20260102), folders)
    store(tmp_path / 'new/20260101/result.json', folders, 9)
    store(tmp_path / 'new/20260102/result.json', folders)
    store(tmp_path / 'new/20260102/vis_data/hse/curves_test.json', folders, 9)
    png = tmp_path / 'json of maps' / 'PNG.json'
    assert call('eval_pngs', *folders[1:], '--json', png)[0] == 0
    # the first is not as pathlib writes it
    sources = [f'{tmp_path}/./{stored.name}', f'Hook={tmp_path / "work"}', png]
    sources.append(f'Result={tmp_path / "new"}')
    out = tmp_path / 'new' / 'folder' / 'curves.png'
    code, printed, errors = call('plot_curves', *sources, '--out', out)
    assert (code, errors) == (0, '')
    assert cv2.imread(str(out)).shape == (1040, 1400, 3)
    scores = evaluate_masks(*read_arrays(folders))
    rows = [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in printed.splitlines()
        if line.startswith('|')
    ][1:]
    assert [row[0] for row in rows] == ['a file', 'Hook', 'PNG', 'Result']
    for row in rows:
        assert row[1:] == rows[0][1:]
        assert row[1] == f'{100 * scores["HSE"]:.2f}'
        assert row[5] == f'{1e6 * scores["Fa"]:.2f}'


def test_curves_that_do_not_compare(folders, tmp_path):
    one = store(tmp_path / 'one.json', folders)
    two = store(tmp_path / 'two.json', folders, 9)
    args = ('--out', tmp_path / 'x.svg', '--kinds', 'iou')
    code, _, errors = call('plot_curves', one, two, *args)
    assert code == 0
    assert 'one and two were evaluated with different settings' in errors


def test_curves_without_some_sources(folders, tmp_path):
    stored = store(tmp_path / 'one.json', folders)
    other = tmp_path / 'other.json'
    other.write_text('{"scores": {}, "curves": {"thresholds": [0.5]}}')
    args = ('--out', tmp_path / 'x.png')
    sources = (f'P={stored}', other, folders[1], f'none={tmp_path / "no"}')
    code, printed, errors = call('plot_curves', *sources, *args)
    assert code == 1
    for text in ('other.json: not a file of scores', 'eval_pngs.py --json'):
        assert text in errors
    assert 'No such file' in errors
    assert re.search(r'\| +P +\|', printed)


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['a.json', 'a=a.json'], "two are called 'a'"),
        (['a.json', '--fa-limit', '0'], 'limit must be an Fa above 0'),
        (['a.json', '--out', 'x.nix'], "Format 'nix' is not supported"),
        (['a.json', '--out', 'a.json/x.png'], "exists: 'a.json'"),
        (['none'], 'none of the networks can be drawn'),
    ],
)
def test_wrong_input_for_curves(folders, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    store(Path('a.json'), folders)
    code, _, errors = call('plot_curves', *args)
    assert code == 2
    assert errors.splitlines()[-1].startswith('error: ')
    assert message in errors


def test_curves_of_several_seeds(folders, tmp_path):
    for seed in (0, 1):
        folder = tmp_path / f'study/fdep/seed-{seed}'
        folder.mkdir(parents=True)
        store(folder / 'result.json', folders)
    code, _, errors = call('plot_curves', tmp_path / 'study')
    assert code == 2 and 'holds several runs of a study' in errors
    args = ('--out', tmp_path / 'x.png')
    code, printed, _ = call('plot_curves', folder, *args)
    assert code == 0 and 'seed-1' in printed


def test_real_images(find_data, tmp_path):
    root = find_data('NUAA-SIRST')
    split = tmp_path / 'split.txt'
    names = (root / 'img_idx/test_NUAA-SIRST.txt').read_text().split()[:5]
    split.write_text('\n'.join(names))
    out = tmp_path / 'page.html'
    folders = (root / 'images', root / 'masks', root / 'masks')
    args = ('--split', split, '--out', out)
    code, *_ = call('gallery', *folders, *args)
    assert code == 0
    assert out.read_text().count('data-iou="100.00"') == 5
