"""sirst2coco.py and coco2sirst.py, there and back."""

import errno
import json
import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fdep_mm.datasets import SIRSTDetDataset
from fdep_mm.datasets.sirst_xml import format_boxes

TOOLS = Path(__file__).parents[2] / 'tools/dataset_converters'
BOXES = {
    'a_1': [[2, 3, 7, 5], [9, 9, 12, 20]],
    'b': [],
    'seq/c': [[0, 0, 1, 1]],
}


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / 'tree'
    for image_id, boxes in BOXES.items():
        for path in ('mixed', 'annotations/bboxes'):
            (root / path / image_id).parent.mkdir(parents=True, exist_ok=True)
        Image.new('L', (30, 22)).save(root / f'mixed/{image_id}.png')
        text = format_boxes(image_id, (22, 30), np.array(boxes))
        (root / f'annotations/bboxes/{image_id}.xml').write_text(text)
    (root / 'splits').mkdir()
    (root / 'splits/train.txt').write_text('\n'.join(BOXES))
    return root


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a tool; returns what it prints, or its message if it fails."""

    def run(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(TOOLS / tool), run_name='__main__')
        printed, errors = capsys.readouterr()
        assert stop.value.code == (2 if errors else 0)
        assert not (printed and errors) and errors.count('\n') <= 1
        return printed or errors

    return run


def annotations(root, split='train'):
    dataset = SIRSTDetDataset(f'splits/{split}.txt', data_root=str(root))
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {i['img_id']: [t['bbox'] for t in i['instances']] for i in infos}


def test_there_and_back(tree, tmp_path, run):
    path = tmp_path / 'new/other.json'
    printed = run('sirst2coco.py', tree, 'splits/train.txt', path)
    assert printed == f'{path}: 3 images, 3 boxes\n'
    coco = json.loads(path.read_text())
    assert [i['file_name'] for i in coco['images']] == [
        *('a_1.png', 'b.png', 'seq/c.png')
    ]
    assert coco['annotations'][1] == dict(
        id=2,
        image_id=1,
        category_id=1,
        bbox=[9, 9, 3, 11],
        area=33,
        iscrowd=0,
    )
    back = tmp_path / 'back'
    assert '3 images, 3 boxes' in run('coco2sirst.py', path, back)
    (tree / 'mixed').rename(back / 'mixed')
    assert annotations(back, 'other') == BOXES
    assert 'exists: remove it' in run('coco2sirst.py', path, back)


def test_mmdet_reads_it(tree, tmp_path, run):
    datasets = pytest.importorskip('mmdet.datasets')
    path = tmp_path / 'train.json'
    run('sirst2coco.py', tree, 'splits/train.txt', path)
    dataset = datasets.CocoDataset(
        ann_file=str(path),
        data_prefix=dict(img=str(tree / 'mixed')),
        metainfo=dict(classes=('target',)),
        filter_cfg=dict(filter_empty_gt=False),
    )
    assert len(dataset) == 3
    found = [
        [t['bbox'] for t in dataset.get_data_info(i)['instances']]
        for i in range(3)
    ]
    assert found == list(BOXES.values())


def test_bad_data_is_named(tree, tmp_path, run):
    (tree / 'annotations/bboxes/b.xml').unlink()
    message = run('sirst2coco.py', tree, 'splits/train.txt', 'o.json')
    assert message.startswith('error: 1 of 3 ids') and "'b'" in message
    assert '--boxes' in message
    path = tmp_path / 'x.json'
    for text in ('{', '[]', '{"images": []}'):
        path.write_text(text)
        message = run('coco2sirst.py', path, tmp_path / 'out')
        assert message.startswith('error: ') and 'x.json' in message
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (dict(file_name='../a.png'), 'out of the image folder'),
        (dict(file_name='C:\\a.png'), 'out of the image folder'),
        (dict(width=5), 'not in it'),
        (dict(id=7), 'not a COCO file'),
    ],
)
def test_bad_coco(tmp_path, run, change, reason):
    image = dict(id=1, file_name='a.png', height=20, width=20)
    content = dict(
        images=[dict(image, **change)],
        annotations=[dict(image_id=1, bbox=[2, 2, 4, 4])],
    )
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(content))
    message = run('coco2sirst.py', path, tmp_path / 'out')
    assert message.startswith(f'error: {path}') and reason in message
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('full', [False, True])
def test_output_that_cannot_be_written(tree, tmp_path, run, monkeypatch, full):
    def write(path, *args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    coco = tmp_path / 'train.json'
    run('sirst2coco.py', tree, 'splits/train.txt', coco)
    (tmp_path / 'file').touch()
    out = tmp_path / ('x' if full else 'file/new/x')
    if full:
        monkeypatch.setattr(Path, 'write_text', write)
    reason = 'No space left' if full else 'Not a directory'
    message = run('sirst2coco.py', tree, 'splits/train.txt', out)
    assert message.startswith(f'error: {out}: cannot be written: [Errno')
    assert reason in message
    message = run('coco2sirst.py', coco, out)
    assert message.startswith(f'error: {out}') and reason in message
    assert 'cannot be written' in message


@pytest.mark.parametrize('tool', ['sirst2coco.py', 'coco2sirst.py'])
def test_help_names_exit_codes(run, tool):
    assert 'Exit code: 0' in run(tool, '--help')


def test_names_that_differ_in_suffix_only(tmp_path, run):
    names = [
        dict(file_name=f'a.{s}', height=9, width=9) for s in ('png', 'bmp')
    ]
    images = [dict(image, id=i) for i, image in enumerate(names)]
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(dict(images=images, annotations=[])))
    assert 'suffix only' in run('coco2sirst.py', path, tmp_path / 'out')
