"""The page holds the right numbers, harms nobody, and works in a browser."""

import base64
import re
import shutil
import tempfile
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from child_processes import run_command

from fdep_mm.evaluation import evaluate_masks
from fdep_mm.visualization import Scene, write_gallery

NASTY = '<script>alert("1")</script> & \'x\'.png'
BROWSER = next(
    filter(
        None,
        map(
            shutil.which,
            ('chromium', 'chromium-browser', 'google-chrome', 'chrome'),
        ),
    ),
    None,
)
FLAGS = (
    '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run '
    '--disable-background-networking --disable-component-update '
    '--disable-sync --disable-dev-shm-usage --virtual-time-budget=3000'
).split()


def make_scene(name, hits, misses, false):
    """Targets of 3 x 3 px in a row, and false alarms in another."""
    image = np.random.default_rng(0).integers(20, 90, (64, 96), np.uint8)
    mask, pred = np.zeros((2, 64, 96), bool)
    for i in range(hits + misses):
        mask[10:13, 10 * i + 4 : 10 * i + 7] = True
    pred[10:13, : 10 * hits] = mask[10:13, : 10 * hits]
    for i in range(false):
        pred[40:42, 10 * i + 4 : 10 * i + 6] = True
    image[mask] = 200
    return Scene(name, image, pred * np.float32(0.9), mask)


SCENES = [
    make_scene('img10', 3, 1, 0),
    make_scene('img2', 1, 2, 1),
    make_scene(NASTY, 0, 0, 3),
    make_scene('img1', 2, 0, 0),
    make_scene('empty', 0, 0, 0),
]


class Page(HTMLParser):
    """Rows, pictures and visible text of a page."""

    def __init__(self, path):
        super().__init__()
        self.rows, self.pictures, self.tags, self.text = [], [], [], ''
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if tag == 'tr' and 'data-name' in attrs:
            self.rows.append(attrs)
        if tag == 'img' and attrs.get('width'):
            self.pictures.append(attrs)

    def handle_data(self, data):
        self.text += data


def decode(picture):
    kind, data = picture['src'].split(',')
    assert kind == 'data:image/jpeg;base64'
    return cv2.imdecode(
        np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR
    )


def test_numbers_of_each_image(tmp_path):
    path = tmp_path / 'gallery.html'
    assert write_gallery(path, iter(SCENES)) == 5
    rows = {row['data-name']: row for row in Page(path).rows}
    assert list(rows) == [scene.name for scene in SCENES]
    for name, *numbers in (
        ('img10', '75.00', 4, 3, 1, 0, 0),
        ('img2', f'{100 * 9 / 31:.2f}', 3, 1, 2, 1, 4),
        (NASTY, '0.00', 0, 0, 0, 3, 12),
        ('empty', '100.00', 0, 0, 0, 0, 0),
    ):
        keys = ('iou', 'targets', 'hits', 'misses', 'false', 'pixels')
        found = [rows[name][f'data-{key}'] for key in keys]
        assert found == [str(number) for number in numbers]


def test_the_summary_is_that_of_the_metric(tmp_path):
    path = tmp_path / 'gallery.html'
    write_gallery(path, SCENES, 'my <b> title')
    page = Page(path)
    scores = evaluate_masks(
        [scene.prob for scene in SCENES], [scene.mask for scene in SCENES]
    )
    for key in ('IoU', 'nIoU', 'Pd'):
        assert f'{key} {100 * scores[key]:.2f} %' in page.text
    assert f'Fa {1e6 * scores["Fa"]:.2f}' in page.text
    assert 'my <b> title' in page.text and 'b' in page.tags  # the legend's
    assert '<b> title' not in path.read_text()


def test_names_are_text(tmp_path):
    path = tmp_path / 'gallery.html'
    write_gallery(path, SCENES, failures=[f'{NASTY}: broken'])
    page = Page(path)
    assert page.tags.count('script') == 1  # our own
    assert page.text.count(NASTY) == 2
    assert NASTY not in path.read_text()


def test_names_that_are_no_text(tmp_path):
    path = tmp_path / 'gallery.html'
    name = b'caf\xe9'.decode('utf-8', 'surrogateescape')
    write_gallery(path, [make_scene(name, 1, 0, 0)])
    assert Page(path).rows[0]['data-name'] == 'caf?'


def test_pictures_are_in_the_page(tmp_path):
    path = tmp_path / 'gallery.html'
    write_gallery(path, SCENES, side=128)
    page = Page(path)
    assert [p.name for p in tmp_path.iterdir()] == ['gallery.html']
    assert len(page.pictures) == len(SCENES)
    for attrs in page.pictures:
        picture = decode(attrs)
        size = (int(attrs['height']), int(attrs['width']))
        assert picture.shape[:2] == size and size[0] == 128
    # nothing points out of the page
    source = path.read_text()
    outside = r'https?:|["\'(=]//[a-z]|@import|url\('
    assert not re.findall(outside, source)


def test_pictures_beside_the_page(tmp_path):
    path = tmp_path / 'a #1 %.html'
    write_gallery(path, SCENES, embed=False)
    folder = tmp_path / 'a #1 %_files'
    assert len(list(folder.iterdir())) == 2 * len(SCENES)
    page = Page(path)
    assert len(page.pictures) == len(SCENES)
    for i, attrs in enumerate(page.pictures):
        assert attrs['loading'] == 'lazy'
        assert attrs['src'] == f'a%20%231%20%25_files/{i:05d}.jpg'
        full = cv2.imread(str(folder / f'{i:05d}_full.jpg'))
        assert full.shape[0] > 768


def test_large_images_become_small_pictures(tmp_path):
    path = tmp_path / 'gallery.html'
    image = np.zeros((1000, 1500), np.uint8)
    scene = Scene('large', image, image.astype(np.float32), image > 0)
    with pytest.warns(UserWarning, match='holds a target'):
        write_gallery(path, [scene], side=128)
    page = Page(path)
    assert decode(page.pictures[0]).shape[0] == 256
    assert '0 targets' in page.text and 'Pd undefined' in page.text


def test_failures_during_the_reading_are_listed(tmp_path):
    failures = []

    def scenes():
        yield SCENES[0]
        failures.append('b.png: damaged')

    path = tmp_path / 'gallery.html'
    write_gallery(path, scenes(), failures=failures)
    assert 'Left out: 1' in Page(path).text
    assert 'b.png: damaged' in Page(path).text


def test_nothing_is_left_behind_by_an_error(tmp_path):
    path = tmp_path / 'gallery.html'
    with pytest.raises(ValueError, match='no image to evaluate'):
        write_gallery(path, [])
    assert not list(tmp_path.iterdir())


def test_a_folder_that_takes_no_files_is_noticed_first(tmp_path):
    (tmp_path / 'file').touch()

    def scenes():
        pytest.fail('an image was read')
        yield

    with pytest.raises(OSError):
        write_gallery(tmp_path / 'file' / 'gallery.html', scenes())


@pytest.fixture
def chromium(tmp_path):
    """Open a page without a window; returns what is printed."""
    if BROWSER is None:
        pytest.skip('no Chromium: install the package chromium')

    def run(path, *options):
        profile = tempfile.mkdtemp(prefix='profile', dir=tmp_path)
        flags = (*FLAGS, f'--user-data-dir={profile}', *options)
        result = run_command(BROWSER, *flags, path.as_uri(), seconds=240)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def browse(chromium):
    """Open a page, run a script in it, and give the rows then shown."""

    def run(path, script):
        copy = path.with_name('changed.html')
        source = path.read_text(encoding='utf-8')
        script = f'<script>{script}</script></body>'
        copy.write_text(source.replace('</body>', script), encoding='utf-8')
        copy.write_text(chromium(copy, '--dump-dom'), encoding='utf-8')
        return Page(copy)

    return run


def shown(page):
    return [row['data-name'] for row in page.rows if 'hidden' not in row]


def test_sorting_filtering_and_pictures_in_a_browser(tmp_path, browse):
    path = tmp_path / 'gallery.html'
    write_gallery(path, SCENES)
    click = "document.querySelector('th[data-key={}] button').click();"
    page = browse(path, click.format('misses'))
    # most first; equal ones by name, 2 before 10
    assert shown(page) == ['img2', 'img10', NASTY, 'empty', 'img1']
    assert len(page.pictures) == len(SCENES)
    page = browse(path, click.format('name') + click.format('name'))
    assert shown(page) == ['img10', 'img2', 'img1', 'empty', NASTY]
    choose = (
        "kind.value = 'false'; kind.dispatchEvent(new Event('input'));"
        "text.value = 'IMG'; text.dispatchEvent(new Event('input'));"
    )
    page = browse(path, click.format('iou') + choose)
    assert shown(page) == ['img2']
    limit = "most.value = 50; most.dispatchEvent(new Event('input'));"
    page = browse(path, click.format('iou') + limit)
    assert shown(page) == [NASTY, 'img2']
    assert '2 of 5 images' in page.text


def test_a_browser_shows_the_pictures(tmp_path, chromium):
    path, shot = tmp_path / 'gallery.html', tmp_path / 'shot.png'
    write_gallery(path, SCENES, side=128)
    size = ('--hide-scrollbars', '--window-size=1400,1000')
    chromium(path, f'--screenshot={shot}', *size)
    shown = cv2.imread(str(shot))
    assert shown.shape[0] >= 1000 and shown.shape[1] >= 1400
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 100
    # the picture of the first row is in it, in the size of its file
    drawn = decode(Page(path).pictures[0])
    found = cv2.matchTemplate(shown, drawn, cv2.TM_CCOEFF_NORMED)
    assert found.max() > 0.9
