"""The command line tool on good and bad folders."""

import json
from functools import partial

import cv2
import numpy as np
import pytest
from naive_evaluation import random_images
from PIL import Image
from tool_runs import run_tool

from fdep_mm.evaluation import evaluate_masks
from fdep_mm.evaluation.functional import read_per_image

call = partial(run_tool, 'analysis_tools/eval_pngs.py')


@pytest.fixture
def folders(tmp_path):
    """Three 8-bit predictions and masks, in folders with spaces."""
    probs, masks = random_images(np.random.default_rng(0), 3)
    preds = tmp_path / 'my predictions'
    truth = tmp_path / 'the masks'
    preds.mkdir()
    truth.mkdir()
    for i, (prob, mask) in enumerate(zip(probs, masks, strict=True)):
        cv2.imwrite(str(preds / f'{i}.png'), np.uint8(np.round(prob * 255)))
        cv2.imwrite(str(truth / f'{i}.png'), np.uint8(mask) * 255)
    return preds, truth, probs, masks


def test_numbers_are_those_of_the_function(folders, tmp_path):
    preds, truth, probs, masks = folders
    out, table = tmp_path / 'scores.json', tmp_path / 'images.csv'
    code, printed, errors = call(
        preds, truth, '--json', out, '--per-image', table
    )
    assert (code, errors) == (0, '')
    rounded = [np.round(prob * 255) / np.float32(255) for prob in probs]
    expected = evaluate_masks(rounded, masks)
    stored = json.loads(out.read_text())
    assert stored['scores'] == expected
    ious = read_per_image(table)
    assert list(ious) == ['0', '1', '2']
    assert np.mean([*ious.values()]) == pytest.approx(expected['nIoU'])
    assert '3 of 3 images' in printed
    assert f'{100 * expected["HSE"]:.2f}' in printed
    assert f'{1e6 * expected["Fa"]:.2f}' in printed


def test_options_reach_the_function(folders, tmp_path):
    preds, truth, probs, masks = folders
    out = tmp_path / 'scores.json'
    options = '--thresholds 4 --tolerances 2 2.5 --match hungarian'.split()
    code, *_ = call(preds, truth, *options, '--empty', 'zero', '--json', out)
    rounded = [np.round(prob * 255) / np.float32(255) for prob in probs]
    stored = json.loads(out.read_text())
    assert code == 0
    assert stored['settings']['empty'] == 'zero'
    assert stored['scores'] == evaluate_masks(
        rounded, masks, 4, (2, 2.5), match='hungarian', empty='zero'
    )


def test_16_bit_predictions_and_three_equal_channels(tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    mask[2:4, 2:4] = 1
    for name in ('p', 'm'):
        (tmp_path / name).mkdir()
    cv2.imwrite(str(tmp_path / 'p/a.png'), np.uint16(mask) * 65535)
    cv2.imwrite(str(tmp_path / 'm/a_gt.png'), np.stack([mask * 255] * 3, -1))
    code, printed, _ = call(
        tmp_path / 'p', tmp_path / 'm', '--mask-suffix', '_gt'
    )
    assert code == 0 and '100.00' in printed


def test_split_chooses_the_images(folders, tmp_path):
    preds, truth, _, _ = folders
    (preds / '1.png').unlink()
    split = tmp_path / 'split.txt'
    split.write_text('0\n2\n')
    code, printed, _ = call(preds, truth, '--split', split)
    assert code == 0 and '2 of 2 images' in printed


def check_error(result, *words):
    code, printed, errors = result
    assert (code, printed) == (2, '')
    assert errors.startswith('error: ') and errors.count('\n') == 1
    for word in words:
        assert word in errors


def test_missing_folder(folders):
    preds, truth, _, _ = folders
    check_error(call(preds / 'none', truth), 'none', 'no such file or folder')
    check_error(call(preds, truth / 'none'), 'none', 'no such file or folder')


def test_empty_folder(folders, tmp_path):
    preds, truth, _, _ = folders
    (tmp_path / 'empty').mkdir()
    check_error(call(tmp_path / 'empty', truth), 'holds no image file *.png')
    suffix = ('--mask-suffix', '_gt')
    check_error(call(preds, truth, *suffix), 'holds no image file *_gt.png')


@pytest.mark.parametrize('kind', ['prediction', 'mask'])
def test_missing_partner(folders, kind):
    preds, truth, _, _ = folders
    ((preds if kind == 'prediction' else truth) / '1.png').unlink()
    result = call(preds, truth)
    lacks = f'1 of 3 images lack a file (1: there is no {kind})'
    check_error(result, lacks, '--split')


def test_split_errors(folders, tmp_path):
    preds, truth, _, _ = folders
    split = tmp_path / 'split.txt'
    check_error(call(preds, truth, '--split', split), 'split.txt', 'readable')
    split.write_text('\n')
    check_error(call(preds, truth, '--split', split), 'holds no identifier')
    split.write_text('0\nmy 7\n')
    check_error(
        call(preds, truth, '--split', split), 'my 7: there is no prediction'
    )


def check_left_out(result, *words):
    """Two of the three images are scored, the other one is named."""
    code, printed, errors = result
    assert code == 1 and '2 of 3 images' in printed
    assert errors.startswith('left out: ') and errors.count('\n') == 1
    for word in words:
        assert word in errors


def test_size_mismatch(folders):
    preds, truth, _, _ = folders
    cv2.imwrite(str(preds / '2.png'), np.zeros((5, 6), np.uint8))
    check_left_out(call(preds, truth), '2.png', '(5, 6)', 'resize')


def test_mask_values(folders):
    preds, truth, _, masks = folders
    cv2.imwrite(str(truth / '0.png'), np.uint8(masks[0]) * 128)
    check_left_out(call(preds, truth), '0.png', '{0, 128}', 'threshold=64')


def test_colors_and_files_that_are_no_png(folders):
    preds, truth, _, masks = folders
    colors = np.zeros((*masks[0].shape, 3), np.uint8)
    colors[0, 0] = (1, 2, 3)
    cv2.imwrite(str(preds / '0.png'), colors)
    check_left_out(call(preds, truth), '0.png', 'holds colors')
    (preds / '0.png').write_bytes(b'not a picture')
    check_left_out(call(preds, truth), '0.png', 'not a readable image')


def test_the_others_are_scored(folders, tmp_path):
    preds, truth, probs, masks = folders
    for name in ('0.png', '2.png'):
        (preds / name).write_bytes(b'')
    out = tmp_path / 'scores.json'
    code, printed, errors = call(preds, truth, '--json', out)
    assert code == 1 and '1 of 3 images' in printed
    assert errors.count('left out: ') == 2
    stored = json.loads(out.read_text())
    rounded = np.round(probs[1] * 255) / np.float32(255)
    assert stored['scores'] == evaluate_masks([rounded], [masks[1]])
    assert len(stored['settings']['left_out']) == 2
    (preds / '1.png').write_bytes(b'')
    code, printed, errors = call(preds, truth)
    assert (code, printed) == (2, '') and 'no image can be scored' in errors
    assert '1.png' in errors


def write_preds(truth, masks, factor, dtype=np.uint8):
    preds = truth.with_name('other scale')
    preds.mkdir(exist_ok=True)
    for i, mask in enumerate(masks):
        values = np.round(np.float64(mask) * factor).astype(dtype)
        cv2.imwrite(str(preds / f'{i}.png'), values)
    return preds


@pytest.mark.parametrize(
    ('factor', 'dtype', 'option'),
    [
        (1, np.uint8, ['--binary']),
        (100, np.uint8, ['--max-value', 100]),
        (255, np.uint16, ['--max-value', 255]),
    ],
)
def test_predictions_of_another_scale(folders, factor, dtype, option):
    _, truth, _, masks = folders
    preds = write_preds(truth, masks, factor, dtype)
    top = np.iinfo(dtype).max
    found = f'the largest value of all predictions is {factor} of {top}'
    check_error(call(preds, truth), found, ' '.join(map(str, option)))
    code, printed, errors = call(preds, truth, *option)
    assert (code, errors) == (0, '') and '100.00' in printed
    # said to be so low, they are
    code, printed, errors = call(preds, truth, '--max-value', top)
    assert (code, errors) == (0, '') and ' 0.00' in printed


def test_probabilities_are_no_masks(folders):
    preds, truth, probs, _ = folders
    values = np.unique(np.uint8(np.round(probs[0] * 255)))
    number = np.count_nonzero(values)
    found = f'0.png: holds {number} values above 0, from '
    check_error(call(preds, truth, '--binary'), found, 'leave --binary out')


@pytest.mark.parametrize('mode', ['RGBA', 'LA', 'P'])
def test_predicted_masks_are_read_as_true_ones(folders, mode):
    """Shapes in alpha, and in the numbers of a palette that is all black."""
    _, truth, _, masks = folders
    preds = truth.with_name('masks of a program')
    preds.mkdir()
    for i, mask in enumerate(masks):
        picture = Image.fromarray(np.uint8(mask)).convert('L')
        if mode == 'P':
            picture.putpalette([0] * 6)
        else:
            alpha = picture.point([0, *[255] * 255])
            picture = Image.new(mode, picture.size)
            picture.putalpha(alpha)
        picture.save(preds / f'{i}.png')
    code, printed, errors = call(preds, truth, '--binary')
    assert (code, errors) == (0, '') and printed.count('100.00') == 6
    if mode != 'P':
        code, _, errors = call(preds, truth)
        assert code == 2 and 'has alpha' in errors


def test_folders_of_sequences(folders, tmp_path):
    _, truth, _, masks = folders
    shown = [masks[0], masks[1], ~masks[2]]  # one of three is wrong
    for i, (name, mask) in enumerate(
        zip(('a/1', 'b/1', 'b/2'), shown, strict=True)
    ):
        for folder, array in (('p', mask), ('m', masks[i])):
            path = tmp_path / folder / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.uint8(array) * 255)
    out = tmp_path / 'scores.json'
    code, printed, _ = call(tmp_path / 'p', tmp_path / 'm', '--json', out)
    assert code == 0 and '3 of 3 images' in printed
    stored = json.loads(out.read_text())['scores']
    truths = [np.float32(mask) for mask in shown]
    assert stored == evaluate_masks(truths, masks)
    split = tmp_path / 'split.txt'
    split.write_text('a/1\nb/1\n')
    code, printed, _ = call(tmp_path / 'p', tmp_path / 'm', '--split', split)
    assert code == 0 and '2 of 2 images' in printed and '100.00' in printed


def test_no_target_is_a_warning_not_an_error(folders):
    preds, truth, _, masks = folders
    for i, mask in enumerate(masks):
        cv2.imwrite(str(truth / f'{i}.png'), np.zeros(mask.shape, np.uint8))
    code, printed, errors = call(preds, truth)
    assert code == 0 and 'nan' in printed
    assert errors.startswith('warning: none of the 3 images')


@pytest.mark.parametrize('option', ['--json', '--per-image'])
def test_the_folder_is_made_and_the_scores_are_printed(
    folders, tmp_path, option
):
    preds, truth, _, _ = folders
    out = tmp_path / 'new' / 'file'
    code, printed, errors = call(preds, truth, option, out)
    assert (code, errors) == (0, '') and '3 of 3 images' in printed
    assert out.is_file()
    code, printed, errors = call(preds, truth, option, out / 'x')
    assert code == 2 and '3 of 3 images' in printed
    assert errors.startswith('error: ') and f'{out}/x' in errors
