"""Statistics against numbers by hand, and tables of unfinished studies."""

import csv
import json
import math
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from test_running import tool, write_study

from fdep_mm.evaluation.functional import (
    EvalProtocol,
    as_json,
    count_image,
    per_image_csv,
    reduce_records,
)
from fdep_mm.study import (
    export,
    format_study,
    image_test,
    paired_difference,
    read_results,
    read_study,
    summarize,
)
from fdep_mm.study.results import read_validations, settings_of
from fdep_mm.visualization import plot_comparison

ARMS = dict(host={}, fdep={}, best=dict(weights_of='fdep', checkpoint='best'))
IOU = {'host': [60.0, 64, 67], 'fdep': [61.0, 66, 67.5], 'best': [70.0]}
PROTOCOL = EvalProtocol()


def write_cell(folder, iou, shift, names='abcd'):
    """What a finished cell leaves behind."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    records = []
    for name in names:
        mask = np.zeros((32, 32), bool)
        mask[10:14, 10:14] = True
        prob = np.clip(0.7 * mask + shift + 0.3 * rng.random((32, 32)), 0, 1)
        records.append(count_image(prob, mask, PROTOCOL, name))
    table = per_image_csv(list(names), records, PROTOCOL)
    (folder / 'per_image.csv').write_text(table)
    where = f'out/{folder.relative_to(folder.parents[3])}'
    result = dict(
        metrics={'sirst/IoU': iou, 'sirst/Pd': None},
        provenance=dict(
            config_sha256='a',
            checkpoint=f'{where}/epoch_1.pth',
            command=f'test.py default_hooks.result.out_dir={where}',
        ),
        **as_json(*reduce_records(records, PROTOCOL), PROTOCOL.settings()),
    )
    (folder / 'result.json').write_text(json.dumps(result))
    curve = dict(steps=list(range(7)), values=[0, 0, 1, 2, 3, 4, iou])
    (folder / 'validation.json').write_text(json.dumps({'sirst/IoU': curve}))


@pytest.fixture
def study(tmp_path, monkeypatch, repo):
    monkeypatch.chdir(repo)
    changes = dict(arms=ARMS, seeds=[0, 1, 2, 3], hosts=['acm', 'alcnet'])
    study = read_study(write_study(tmp_path, **changes))
    study = study._replace(scores=['sirst/IoU', 'sirst/Pd'])
    for i, (arm, values) in enumerate(IOU.items()):
        for seed, iou in enumerate(values):
            folder = tmp_path / f'cells/synthetic/acm/{arm}/seed-{seed}'
            write_cell(folder, iou, 0.05 * (i + seed))
    return study


def test_logs_of_several_starts_are_one_curve(tmp_path):
    def write(start, scores, rest=''):
        path = tmp_path / start / 'vis_data/scalars.json'
        path.parent.mkdir(parents=True)
        entries = [
            {'loss': 0.5, 'lr': 0.1, 'step': 7},
            *({'sirst/IoU': v, 'step': k} for k, v in scores.items()),
        ]
        path.write_text('\n'.join(map(json.dumps, entries)) + rest)

    assert read_validations(tmp_path) == {}
    write('20260102_000000', {2: 21.0, 3: math.nan})
    write('20260101_000000', {1: 10.0, 2: 20.0}, '\n{"sirst/IoU": 25.0, "s')
    write('test/20260103_000000', {0: 99.0})
    assert read_validations(tmp_path) == {
        'sirst/IoU': dict(steps=[1, 2, 3], values=[10.0, 21.0, None])
    }


def test_means_and_paired_differences(study, tmp_path):
    rows = summarize(study, read_results(study, tmp_path / 'cells'))
    host, fdep, best, *others = rows
    assert host.scores['sirst/IoU'] == (
        pytest.approx(191 / 3),
        pytest.approx(math.sqrt(((11 / 3) ** 2 + 1 / 9 + (10 / 3) ** 2) / 2)),
    )
    assert host.scores['last 5'][0] == pytest.approx((10 + 191 / 3) / 5)
    assert host.differences == {}
    one = fdep.differences['sirst/IoU']
    reference = stats.ttest_rel(IOU['fdep'], IOU['host'])
    interval = reference.confidence_interval(0.95)
    assert one == pytest.approx((3.5 / 3, *interval, 3))
    assert math.isnan(fdep.differences['sirst/Pd'].mean)
    assert best.differences['sirst/IoU'][::3] == (10, 1)
    assert math.isnan(best.differences['sirst/IoU'].low)
    assert all(row.num == 0 for row in others)


def test_an_undefined_validation(study, tmp_path):
    folder = tmp_path / 'cells' / study.cells[0].name
    curve = dict(values=[None, 1, 2, 3, 4])
    (folder / 'validation.json').write_text(json.dumps({'sirst/IoU': curve}))
    result = read_results(study, tmp_path / 'cells')[0]
    assert math.isnan(result.scores['last 5'])


def test_images_are_averaged_over_seeds_before_the_test():
    rng = np.random.default_rng(0)
    ours, others = rng.random((2, 3, 30))
    ours += 0.2
    pairs = [
        tuple(dict(zip(map(str, range(30)), one, strict=True)) for one in two)
        for two in zip(ours, others, strict=True)
    ]
    means = (ours - others).mean(axis=0)
    expected = stats.wilcoxon(means).pvalue
    assert image_test(pairs) == pytest.approx(expected)
    for a, b in pairs:  # an image that is not scored
        a['x'] = b['x'] = math.nan
    assert image_test(pairs) == pytest.approx(expected)


def test_images_without_a_difference():
    # 0.1 + 0.2 - 0.3 is no difference, but not zero either
    pairs = [({'a': d, 'b': 1.0}, {'a': 0.0, 'b': 1.0}) for d in (0.1, 0.2)]
    assert (
        image_test([*pairs, ({'a': 0.0, 'b': 1.0}, {'a': 0.3, 'b': 1})]) == 1
    )
    assert math.isnan(image_test([]))
    assert math.isnan(paired_difference([]).mean)
    with pytest.raises(ValueError, match='different images'):
        image_test([({'a': 1.0}, {'b': 1.0})])


def test_tables_of_an_unfinished_study(study, tmp_path):
    rows = summarize(study, read_results(study, tmp_path / 'cells'))
    lines = format_study(study, rows, 'md').splitlines()
    cells = [line.strip('| ').split(' | ') for line in lines if '|' in line]
    assert cells[2][:3] == ['host', '3/4', '63.67 ± 3.51']
    assert cells[4][:4] == ['best (best epoch)', '1/4', '70.00', 'n/a']
    assert cells[7][:3] == ['fdep', '3', '+1.17 [-0.73, +3.06]']
    assert cells[8][:3] == ['best (best epoch)', '1', '+10.00 [n/a]']
    assert cells[11][:3] == ['host', '0/4', 'n/a']
    assert r'63.67 $\pm$ 3.51 & ' in format_study(study, rows, 'latex')
    table = format_study(study, rows, 'csv').splitlines()
    first = next(row for row in csv.DictReader(table) if row['arm'] == 'fdep')
    assert float(first['difference']) == pytest.approx(3.5 / 3)
    assert first['seeds'] == first['paired_seeds'] == '3'


def test_what_is_exported_gives_the_same_table(study, tmp_path):
    target = tmp_path / 'results'
    assert export(study, tmp_path / 'cells', target) == 7
    results = [path.read_text() for path in target.rglob('result.json')]
    assert len(results) == 7
    for text in results:
        assert 'result.out_dir=WORK_DIR/synthetic/acm/' in text
        assert 'out/synthetic' not in text
    tables = [
        format_study(
            study, summarize(study, read_results(study, folder)), 'md'
        )
        for folder in (tmp_path / 'cells', target)
    ]
    assert tables[0] == tables[1]


def test_other_settings_are_not_shown(study, tmp_path):
    cell = study.cells[0]
    path = tmp_path / 'cells' / cell.name / 'cell.json'
    path.write_text(json.dumps(settings_of(cell)))
    assert len(read_results(study, tmp_path / 'cells')) == 7
    changed = cell.options | {'train_cfg.max_epochs': '9'}
    then = cell._replace(options=changed)
    path.write_text(json.dumps(settings_of(then)))
    with pytest.raises(ValueError, match='max_epochs: 9 then, 2 now'):
        read_results(study, tmp_path / 'cells')


def test_an_edited_config_is_not_shown(study, tmp_path):
    base = Path(study.cells[0].config).absolute()
    config = tmp_path / 'config.py'
    config.write_text(f'_base_ = {str(base)!r}\n')
    cells = [cell._replace(config=str(config)) for cell in study.cells]
    study = study._replace(cells=cells)
    path = tmp_path / 'cells' / cells[0].name / 'cell.json'
    path.write_text(json.dumps(settings_of(cells[0])))
    assert len(read_results(study, tmp_path / 'cells')) == 7
    config.write_text(f'_base_ = {str(base)!r}\ntrain_cfg = dict(seed=1)\n')
    with pytest.raises(ValueError, match='config_sha256: .* Undo the change'):
        read_results(study, tmp_path / 'cells')


def test_seeds_of_several_configs(study, tmp_path, capsys):
    args = Namespace(
        work_dir=tmp_path / 'cells', table='md', export=None, curves=None
    )
    tool.show_results(args, study)
    assert not capsys.readouterr().err
    typo = study._replace(scores=['sirst/IoU', 'sirst/pd'])
    tool.show_results(args, typo)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: scores: no test has 'sirst/pd' (nearest")
    path = tmp_path / 'cells/synthetic/acm/fdep/seed-1/result.json'
    result = json.loads(path.read_text())
    result['provenance']['config_sha256'] = 'b'
    path.write_text(json.dumps(result))
    tool.show_results(args, study)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('warning: synthetic/acm/fdep: its seeds were')


def test_curves_of_the_places_that_have_some(study, tmp_path, capsys):
    out = tmp_path / 'curves'
    args = dict(table=None, export=None, work_dir=tmp_path / 'cells')
    places = study._replace(hosts=['alcnet', 'acm'])
    tool.show_results(Namespace(**args, curves=out), places)
    assert [path.name for path in out.iterdir()] == ['synthetic_acm.png']
    assert 'synthetic, alcnet: no curves yet' in capsys.readouterr().err


def test_fractions_have_four_decimals(study, tmp_path):
    for seed, score in enumerate((0.8396, 0.8436)):
        path = tmp_path / f'cells/synthetic/acm/host/seed-{seed}/result.json'
        result = json.loads(path.read_text())
        result['metrics']['sirst/mNoCoAP'] = score
        path.write_text(json.dumps(result))

    def table(scores):
        changed = study._replace(scores=scores)
        results = read_results(changed, tmp_path / 'cells')
        results = [one for one in results if one.cell.seed < 2]
        return format_study(changed, summarize(changed, results), 'md')

    assert '0 to 1' not in table(['sirst/IoU'])
    text = table(['sirst/mNoCoAP', 'sirst/IoU'])
    assert 'Fa in 1e-6, AP and NoCoAP from 0 to 1, others x100' in text
    assert '| 0.8416 ± 0.0028 | 62.00 ± 2.83 |' in text


def test_bands_hold_mean_and_range(study, tmp_path):
    results = read_results(study, tmp_path / 'cells')
    seeds = [r.evaluation for r in results if r.cell.arm == 'host']
    figure = plot_comparison(dict(host=seeds))
    ious = np.array([seed.curves['IoU'] for seed in seeds])
    line, band = figure.axes[0].lines[0], figure.axes[0].collections[0]
    np.testing.assert_allclose(line.get_ydata(), ious.mean(axis=0))
    assert band.get_datalim(figure.axes[0].transData).max[1] == ious.max()
    with pytest.raises(ValueError, match='no curves to draw'):
        plot_comparison(dict(host=[]))
