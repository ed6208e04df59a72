"""What a test leaves behind, in a real runner."""

import csv
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from test_hse_hook import make_runner

from fdep_mm.engine.hooks.result_writer import image_names, settings_hash
from fdep_mm.evaluation.functional import read_json, read_per_image

HOOK = dict(type='fdep_mm.ResultWriterHook')


def log_of(work_dir):
    (log,) = work_dir.glob('*/*.log')
    return log.read_text()


def test_files_of_a_test(tmp_path):
    out, weights = tmp_path / 'out', tmp_path / 'weights.pth'
    torch.save(dict(scale=torch.tensor(1.0)), weights)
    metrics = [dict(type='fdep_mm.SIRSTMetric', threshold=0.9)]
    metrics.append(dict(type='fdep_mm.HSEMetric', threshold=0.9))
    hook = dict(HOOK, out_dir=str(out))
    runner = make_runner(tmp_path, hook, tmp_path, metrics)
    runner._load_from = str(weights)
    logged = runner.test()
    with open(out / 'per_image.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['name'] for row in rows] == [f'scene {i}' for i in range(6)]
    total = {
        key: sum(float(row[key]) for row in rows)
        for key in ('inter', 'union', 'targets', 'hits', 'false_pixels')
    }
    result = json.loads((out / 'result.json').read_text())
    assert result['metrics'] == logged
    assert logged['sirst/IoU'] == 100 * total['inter'] / total['union']
    assert logged['sirst/Pd'] == 100 * total['hits'] / total['targets']
    assert logged['sirst/nIoU'] == pytest.approx(
        100 * sum(read_per_image(out / 'per_image.csv').values()) / 6
    )
    scores, curves, settings = read_json(out / 'result.json')
    assert scores['HSE'] == pytest.approx(logged['hse/HSE'] / 100)
    assert len(curves['thresholds']) == 19
    assert settings['threshold'] == 0.9
    origin = result['provenance']
    assert len(origin['checkpoint_sha256']) == 64
    assert origin['seed'] == runner.seed
    assert origin['versions']['torch'] == torch.__version__
    assert origin['hardware']['cpu']
    assert 'per_image.csv' not in log_of(tmp_path)  # no warning


def test_metrics_with_other_settings_are_told_apart(tmp_path):
    metrics = [dict(type='fdep_mm.SIRSTMetric', threshold=0.99)]
    metrics.append(dict(type='fdep_mm.HSEMetric'))
    logged = make_runner(tmp_path, HOOK, metrics=metrics).test()
    assert logged['sirst/IoU'] == 0 and logged['hse/IoU'] == 100
    (result,) = tmp_path.glob('*/result.json')
    scores, _, settings = read_json(result)
    assert (scores['IoU'], settings['threshold']) == (1, 0.5)
    (table,) = tmp_path.glob('*/per_image.csv')
    assert set(read_per_image(table).values()) == {1}
    told = "'hse' with {'threshold': 0.5}, but 'sirst' has {'threshold': 0.99}"
    assert told in log_of(tmp_path)


def test_images_without_files_and_other_metrics(tmp_path):
    make_runner(tmp_path, HOOK).test()
    (table,) = tmp_path.glob('*/per_image.csv')
    assert list(read_per_image(table)) == [f'{i:05d}' for i in range(6)]


def test_equal_names_in_two_folders():
    paths = ['/a/data/x/images/1.png', '/a/data/y/images/1.png', None]
    assert image_names(paths, []) == ['x/images/1', 'y/images/1', '00002']
    assert image_names(['b/c/1.0.png'], [Path('b')]) == ['c/1.0']
    outside = ['/x/s1/1.png', '/x/s2/1.png']
    assert len(set(image_names(outside, [Path('/y')]))) == 2


def test_hash_is_that_of_the_settings():
    base = dict(model=dict(type='A'), work_dir='x', randomness=dict(seed=0))
    seed = dict(base, work_dir='y', randomness=dict(seed=1))
    other = dict(base, model=dict(type='B'))
    hashes = [settings_hash(Config(cfg)) for cfg in (base, seed, other)]
    assert hashes[0] == hashes[1] != hashes[2]
