"""Files of strangers: nothing in them is expanded or written elsewhere.

Parts of this are tested where they belong: pickles in test_payloads.py, ids of
split files in test_datasets/test_sirst.py.
"""

import importlib.util
import json
from pathlib import Path, PureWindowsPath

import cv2
import numpy as np
import pytest
from tool_runs import TOOLS

from fdep_mm.apis.inputs import Inputs
from fdep_mm.apis.names import Names
from fdep_mm.core import text
from fdep_mm.core.image import UnreadableFileError, decode_pages
from fdep_mm.datasets.converters.coco import read_coco
from fdep_mm.datasets.converters.points import read_points, write_points
from fdep_mm.datasets.sirst_xml import parse_boxes
from fdep_mm.evaluation.functional import read_json
from fdep_mm.priors import CacheIndex, PriorCacheError
from fdep_mm.study import read_study


def test_json_that_is_too_deep(tmp_path):
    path = tmp_path / 'boxes.json'
    path.write_text('[' * 100000)
    with pytest.raises(ValueError, match='boxes.json: not a COCO file'):
        read_coco(path)
    with pytest.raises(ValueError, match='boxes.json: not a file of scores'):
        read_json(path)
    with pytest.raises(ValueError, match='boxes.json'):
        read_study(path)
    path.rename(tmp_path / 'index.json')
    with pytest.raises(PriorCacheError, match='index.json: damaged'):
        CacheIndex.read(tmp_path)


LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY l0 "ha">%s]>
<annotation><object><bndbox><xmin>&l30;</xmin></bndbox></object></annotation>
""" % b''.join(
    b'<!ENTITY l%d "&l%d;&l%d;">' % (i, i - 1, i - 1) for i in range(1, 31)
)
OUTSIDE = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotation><object><bndbox><xmin>&x;</xmin></bndbox></object></annotation>
"""
LINKED = b'<!DOCTYPE a SYSTEM "http://localhost/a.dtd"><annotation/>'


@pytest.mark.parametrize('content', [LAUGHS, OUTSIDE, LINKED])
def test_entities_are_not_expanded(content):
    with pytest.raises(ValueError, match='boxes.xml.*DOCTYPE'):
        parse_boxes(content, 'boxes.xml')
    with pytest.raises(ValueError, match='DOCTYPE'):
        parse_boxes(content.decode().encode('utf-16'), 'boxes.xml')


NAMES = ('../x.png', '/x.png', 'a/../../x.png', r'..\x.png', 'C:/x.png')


@pytest.mark.parametrize('name', NAMES)
def test_names_in_label_files_stay_in_the_image_folder(name, tmp_path):
    coco = tmp_path / 'boxes.json'
    image = dict(id=1, file_name=name, height=2, width=2)
    coco.write_text(
        json.dumps(dict(images=[image], annotations=[], categories=[]))
    )
    with pytest.raises(ValueError, match='leads out'):
        read_coco(coco)
    points = tmp_path / 'points.csv'
    points.write_text(f'image,x,y\n{name},1,1\n')
    with pytest.raises(ValueError, match='points.csv: line 2: .* leads out'):
        read_points(points)


def test_ids_in_tables_are_no_formulas(tmp_path):
    """And come back as they were."""
    path = tmp_path / 'points.csv'
    points = {name: [[1.0, 2.0]] for name in ('=1+1', '-a', '\ta', "'a", 'a')}
    write_points(path, {k: np.array(v) for k, v in points.items()})
    assert path.read_text().splitlines() == [
        *('image,x,y', "'=1+1,1.0,2.0", "'-a,1.0,2.0"),
        *("'\ta,1.0,2.0", "'a,1.0,2.0", 'a,1.0,2.0'),
    ]
    assert {k: v.tolist() for k, v in read_points(path).items()} == points


@pytest.mark.parametrize('name', ['../x', '/x', 'a/../../x', r'..\x', 'C:x'])
def test_results_stay_in_the_output_folder(name):
    below = PureWindowsPath(Names().take(name, '', is_sequence=False))
    assert not below.anchor and '..' not in below.parts


def test_a_video_called_like_the_parent_folder(tmp_path):
    path = tmp_path / '...avi'
    codec = cv2.VideoWriter_fourcc(*'MJPG')
    video = cv2.VideoWriter(str(path), codec, 5, (32, 32))
    video.write(np.zeros((32, 32, 3), np.uint8))
    video.release()
    if not path.stat().st_size:
        pytest.skip('OpenCV writes no video here')
    (frame,) = Inputs(path)
    assert frame.name == '_/000000'


@pytest.mark.parametrize(
    'tool',
    [
        *('cache_priors', 'check_dataset', 'convert', 'infer', 'study'),
        *('deployment/export_onnx', 'model_converters/make_zoo'),
        *('analysis_tools/eval_pngs', 'analysis_tools/gallery'),
        'analysis_tools/plot_curves',
        'analysis_tools/plot_images',
    ],
)
def test_tools_that_print_names_print_no_escapes(tool, monkeypatch):
    """Error messages hold names of files."""
    for folder in (TOOLS, TOOLS / 'analysis_tools'):
        monkeypatch.syspath_prepend(folder)
    spec = importlib.util.spec_from_file_location('tool', TOOLS / f'{tool}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.print is text.print


def test_escapes_are_printed_as_text(capsys):
    text.print('a\x1b[31m\u202e\nb', Path('\x07'))
    assert capsys.readouterr().out == 'a\\x1b[31m\\u202e\nb \\x07\n'
    with pytest.raises(UnreadableFileError, match=r'^a\\x1b\\nb: not a read'):
        decode_pages(b'x', 'a\x1b\nb')
