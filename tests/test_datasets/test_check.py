"""Each kind of damage is found, and nothing else."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fdep_mm.datasets.check import check_dataset, to_json
from fdep_mm.datasets.layouts import find_layout
from fdep_mm.datasets.sirst_xml import format_boxes

TRAIN = 'img_idx/train_NUAA-SIRST.txt'
TEST = 'img_idx/test_NUAA-SIRST.txt'


@pytest.fixture
def folder(tmp_path, make_sirst):
    return make_sirst(tmp_path / 'a folder with spaces')


def numbers(report):
    return to_json(report)['statistics']


def found(root: Path, level: str = 'error') -> dict[str, list[str]]:
    """Last words of the places of each finding of a level."""
    findings = check_dataset([find_layout(root)]).findings
    return {
        code: [item.where.split()[-1] for item in findings.items(code)]
        for code in findings.codes(level)
    }


def detail(root: Path, code: str) -> str:
    (item,) = check_dataset([find_layout(root)]).findings.items(code)
    return item.detail


def write(path: Path, array: np.ndarray) -> None:
    assert cv2.imwrite(str(path), array)


def test_clean_data_set(folder):
    report = check_dataset([find_layout(folder)])
    assert report.findings.clean
    assert not report.findings.codes('warning')
    train, test = (numbers(report)[k] for k in ('train', 'test'))
    assert (train['images'], test['images']) == (4, 2)
    assert (train['targets'], test['targets']) == (4, 2)
    assert train['target']['area'] == dict.fromkeys(train['target']['area'], 9)
    means = [
        cv2.imread(str(folder / f'images/Misc_{i}.png'), 0).mean()
        for i in range(4)
    ]
    assert train['mean'] == pytest.approx(np.mean(means))
    assert train['width'] == [52, 52] and train['height'] == [40, 40]
    assert json.loads(json.dumps(to_json(report), allow_nan=False))['clean']


def test_missing_files(folder):
    (folder / 'images/Misc_1.png').unlink()
    (folder / 'masks/Misc_3.png').unlink()
    assert found(folder) == {
        'image-missing': ['Misc_1'],
        'mask-missing': ['Misc_3'],
        'mask-orphan': ['Misc_1'],
    }


def test_unreadable_files_do_not_stop_the_check(folder):
    image = folder / 'images/Misc_1.png'
    image.write_bytes(image.read_bytes()[:-900])
    (folder / 'images/Misc_2.png').write_bytes(b'')
    (folder / 'masks/Misc_0.png').write_bytes(b'no picture')
    assert found(folder) == {
        'image-unreadable': ['Misc_1', 'Misc_2'],
        'mask-unreadable': ['Misc_0'],
    }
    report = check_dataset([find_layout(folder)])
    assert numbers(report)['train']['readable'] == 2
    assert numbers(report)['train']['with_valid_mask'] == 1
    assert len(report.usable()) == 3


def test_image_that_opencv_reads_in_part(folder):
    """A JPEG that breaks off is half gray to OpenCV, and no error."""
    path = folder / 'images/Misc_1.png'
    _, content = cv2.imencode('.jpg', cv2.imread(str(path)))
    path.unlink()
    content = content.tobytes()
    path = path.with_suffix('.jpg')
    path.write_bytes(content[: len(content) // 2])
    assert cv2.imread(str(path)) is not None
    assert found(folder) == {'image-unreadable': ['Misc_1']}


def test_mask_values_and_sizes(folder):
    mask = cv2.imread(str(folder / 'masks/Misc_0.png'), 0)
    write(folder / 'masks/Misc_0.png', mask // 2)
    write(folder / 'masks/Misc_1.png', mask[:-1])
    write(folder / 'masks/Misc_2.png', mask // 255)  # 0 and 1 are fine
    write(folder / 'masks/Misc_3.png', np.zeros_like(mask))
    assert found(folder) == {
        'mask-values': ['Misc_0'],
        'size-mismatch': ['Misc_1'],
    }
    assert 'threshold=63' in detail(folder, 'mask-values')
    assert detail(folder, 'size-mismatch') == 'image 52x40, mask 52x39'
    statistics = numbers(check_dataset([find_layout(folder)]))['train']
    assert statistics['without_target'] == 1


def test_files_that_are_no_images(folder):
    (folder / 'images/b.raw').write_bytes(b'')
    (folder / 'images/Thumbs.db').write_bytes(b'')
    assert found(folder, 'note')['image-other'] == ['b.raw']


def test_split_files(folder):
    (folder / TEST).write_text('Misc_4\nMisc_4\n../x\n/etc/passwd\nMisc_0.png')
    errors = found(folder)
    assert errors == {
        'split-escape': ['test', 'test'],
        'split-repeat': ['Misc_4'],
        'split-overlap': ['Misc_0'],
    }
    assert found(folder, 'note') == {'image-unlisted': ['Misc_5']}
    (folder / TEST).write_text('\n\n')
    assert found(folder) == {'split-empty': ['test']}
    for content in ('a\nb'.encode('utf-16'), 'a\nb'.encode('utf-16-le')):
        (folder / TEST).write_bytes(content)
        assert found(folder) == {'split-unreadable': ['test']}
    assert 'Save it as UTF-8' in detail(folder, 'split-unreadable')


def test_a_split_without_targets(folder):
    for i in (4, 5):
        mask = np.zeros((40, 52), np.uint8)
        write(folder / f'masks/Misc_{i}.png', mask)
    assert found(folder) == {'no-target': ['test']}
    assert detail(folder, 'no-target') == '2 masks'


def test_case_of_names(folder):
    (folder / 'images/Misc_0.png').rename(folder / 'images/Misc_0.PNG')
    (folder / 'masks/Misc_1.png').rename(folder / 'masks/misc_1.png')
    (folder / TRAIN).write_text('Misc_0\nMisc_1\nmisc_2\nMisc_3')
    report = check_dataset([find_layout(folder)])
    items = report.findings.items('name-case')
    assert report.findings.codes('error') == ['name-case']
    assert sorted((i.where.split()[-1], i.detail) for i in items) == [
        ('Misc_1', 'the mask is misc_1.png'),
        ('misc_2', 'the image is Misc_2'),
    ]
    # They are read all the same.
    assert numbers(report)['train']['targets'] == 4


def test_two_files_of_one_name(folder):
    image = cv2.imread(str(folder / 'images/Misc_0.png'))
    write(folder / 'images/Misc_0.bmp', image)
    assert found(folder, 'warning') == {'name-twice': ['Misc_0']}


def test_ids_in_subfolders(folder):
    for kind in ('images', 'masks'):
        (folder / kind / 'sub').mkdir()
        file = folder / kind / 'Misc_0.png'
        file.rename(folder / kind / 'sub/Misc_0.png')
    (folder / TRAIN).write_text('sub/Misc_0\nMisc_1\nMisc_2\nMisc_3')
    assert found(folder) == {}


def test_bit_depth(folder):
    rng = np.random.default_rng(1)
    for i in (0, 1):
        deep = rng.integers(0, 2**14, (40, 52)).astype(np.uint16)
        deep[:2, :2] = [[0], [2**14 - 1]]
        deep[7, 7] = 2**16 - 1  # a hot pixel
        write(folder / f'images/Misc_{i}.png', deep)
    assert found(folder) == {}
    assert set(found(folder, 'warning')) == {'bit-depth', 'bit-range'}
    assert detail(folder, 'bit-range').endswith('gray_range=(0, 16383)')
    assert detail(folder, 'bit-depth') == '4 uint8, 2 uint16'
    floats = Image.fromarray(rng.random((40, 52), np.float32))
    (folder / 'images/Misc_0.png').unlink()
    floats.save(folder / 'images/Misc_0.tif')
    assert found(folder) == {'image-type': ['Misc_0']}


def test_a_folder_without_masks(folder):
    shutil.rmtree(folder / 'masks')
    assert found(folder, 'warning') == {'mask-none': ['NUAA-SIRST']}
    boxes = folder / 'bboxes'
    boxes.mkdir()
    for image in (folder / 'images').iterdir():
        text = format_boxes(image.stem, (40, 52), np.zeros((0, 4)), 'voc')
        (boxes / f'{image.stem}.xml').write_text(text)
    assert found(folder, 'warning') == {}


def test_remarkable_images(folder):
    flat = np.full((40, 52), 7, np.uint8)
    write(folder / 'images/Misc_0.png', flat)
    color = cv2.imread(str(folder / 'images/Misc_1.png'))
    color[5, 5] = (10, 10, 14)
    write(folder / 'images/Misc_1.png', color)
    write(folder / 'masks/Misc_2.png', flat * 0 + 255)
    dark = cv2.imread(str(folder / 'images/Misc_3.png'), 0)
    dark[13:16, 20:23] = 0  # its target
    write(folder / 'images/Misc_3.png', dark)
    assert found(folder) == {}
    assert found(folder, 'warning') == {
        'image-flat': ['Misc_0'],
        'target-large': ['Misc_2'],
    }
    notes = found(folder, 'note')
    assert notes['image-color'] == ['Misc_1']
    assert 'Misc_3' in notes['target-dark']


def test_copies_and_look_alikes(folder):
    image = cv2.imread(str(folder / 'images/Misc_0.png'), 0)
    write(folder / 'images/Misc_1.png', image)
    write(folder / 'images/Misc_4.png', image)
    write(folder / 'images/Misc_5.png', image // 2 + 60)
    report = check_dataset([find_layout(folder)])
    assert found(folder) == {
        'duplicate': ['Misc_4'],
        'near-duplicate': ['Misc_5'],
    }
    assert found(folder, 'warning') == {'duplicate-within': ['Misc_1']}
    (leak,) = report.leaks
    assert (leak.split, leak.earlier, leak.images) == ('test', 'train', 2)
    assert [pair.identical for pair in leak.pairs] == [True, False]
    # Equal pixels in another file type and as colors are equal.
    (folder / 'images/Misc_4.png').unlink()
    write(folder / 'images/Misc_4.bmp', cv2.merge([image] * 3))
    assert found(folder)['duplicate'] == ['Misc_4']


def test_flat_images_are_alike_only_if_equal(folder):
    for i, value in ((0, 7), (4, 7), (5, 9)):
        flat = np.full((40, 52), value, np.uint8)
        write(folder / f'images/Misc_{i}.png', flat)
    assert found(folder) == {'duplicate': ['Misc_4']}


def test_box_files(folder):
    (folder / 'bboxes').mkdir()
    for i in range(6):
        box = np.array([[20, 10 + i, 23, 13 + i]], float)
        if i == 2:
            box += 7
        text = format_boxes(f'Misc_{i}', (40, 52), box)
        (folder / f'bboxes/Misc_{i}.xml').write_text(text)
    assert found(folder) == {'box-mismatch': ['Misc_2']}
    assert '(20, 12, 23, 15)' in detail(folder, 'box-mismatch')
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
    (folder / 'bboxes/Misc_2.xml').write_text(bomb)
    (folder / 'bboxes/Misc_3.xml').unlink()
    assert found(folder) == {'box-unreadable': ['Misc_2']}
    assert 'DOCTYPE' in detail(folder, 'box-unreadable')
    assert found(folder, 'warning') == {'box-missing': ['Misc_3']}
    nan = format_boxes('Misc_2', (40, 52), np.array([[np.nan, 1, 2, 3]]))
    (folder / 'bboxes/Misc_2.xml').write_text(nan)
    assert found(folder) == {'box-unreadable': ['Misc_2']}


def test_several_data_sets(folder, tmp_path, make_sirst):
    """Splits of one name are one; a copy in another data set is a leak."""
    other = make_sirst(tmp_path, 'Other')
    image = cv2.imread(str(other / 'images/Misc_0.png'))
    for i in range(1, 6):
        noise = np.random.default_rng(50 + i).integers(0, 200, (40, 52))
        write(other / f'images/Misc_{i}.png', noise.astype(np.uint8))
    write(folder / 'images/Misc_4.png', image)
    write(folder / 'images/Misc_0.png', image // 2 + 3)
    report = check_dataset([find_layout(folder), find_layout(other)])
    assert numbers(report)['train']['images'] == 8
    (item,) = report.findings.items('duplicate')
    assert item.where == 'NUAA-SIRST test Misc_4'
    assert item.detail == 'of Other train Misc_0'


def test_folder_without_images(folder):
    for path in (folder / 'images').iterdir():
        path.unlink()
    with pytest.raises(ValueError, match='holds no image'):
        check_dataset([find_layout(folder)])
