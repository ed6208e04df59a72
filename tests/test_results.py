"""Tables of RESULTS.md are those of the committed results."""

import re
from pathlib import Path

import pytest
import yaml

from fdep_mm.study import read_study
from fdep_mm.study.results import read_results
from fdep_mm.study.summary import summarize
from fdep_mm.study.table import format_study

CONFIGS = Path(__file__).parents[1] / 'configs'
STUDIES = sorted((CONFIGS / 'studies').glob('*/results'))


@pytest.mark.parametrize('results', STUDIES, ids=lambda p: p.parent.name)
def test_table_is_that_of_the_results(results, monkeypatch):
    monkeypatch.chdir(CONFIGS.parent)
    study = read_study(results.parent / 'study.yml')
    table = format_study(
        study, summarize(study, read_results(study, results)), 'md'
    )
    name = results.parent.name
    text = (CONFIGS / 'RESULTS.md').read_text()
    (found,) = re.findall(
        f'<!-- study {name} -->\n(.*?)<!-- end -->', text, re.DOTALL
    )
    assert found.strip() == table.strip()


def test_results_name_no_machine():
    for path in (CONFIGS / 'studies').rglob('results/**/*.json'):
        assert not re.search(r'"[^"]*(?<![\w.])/(tmp|home)/', path.read_text())


@pytest.mark.parametrize('host', ['ALCNet', 'ACM'])
def test_readme_shows_the_same_numbers(host):
    readme = (CONFIGS.parent / 'README.md').read_text()
    results = (CONFIGS / 'RESULTS.md').read_text()
    table = results[results.index(f'nuaa-sirst, {host.lower()}\n') :]
    for name, arm in ((host, 'host'), (f'{host}, FDEP', 'fdep')):
        (shown,) = re.findall(rf'\| {name} \| (.*±.*) \|', readme)
        iou, niou, pd, fa, hse = re.search(
            rf'\| {arm} \| 3/3 \| (.*) \|', table
        )[1].split(' | ')[:5]
        assert shown.split(' | ') == [hse, iou, niou, pd, fa]
    mean, low, high = map(
        re.escape,
        re.search(r'\| fdep \| 3 \| (\S+) \[(\S+), (\S+)\]', table).groups(),
    )
    assert re.search(
        rf'{mean} for {host}, 95 % interval {low} to {high}',
        ' '.join(readme.split()),
    )


@pytest.mark.parametrize(
    'name',
    [
        'alcnet/alcnet',
        'acm/acm',
        'fdep/fdep-efficientnet-lite0_alcnet',
        'fdep/fdep-efficientnet-lite0_acm',
    ],
)
def test_metafiles_have_the_same_numbers(name, monkeypatch):
    monkeypatch.chdir(CONFIGS.parent)
    folder, stem = name.split('/')
    meta = yaml.safe_load((CONFIGS / folder / 'metafile.yml').read_text())
    config = f'{stem}_1xb16-100e_nuaa-sirst-256x256'
    (entry,) = [one for one in meta['Models'] if one['Name'] == config]
    study = CONFIGS / 'studies/nuaa-sirst'
    arm = 'fdep' if folder == 'fdep' else 'host'
    cells = read_results(read_study(study / 'study.yml'), study / 'results')
    scores = [
        one.scores
        for one in cells
        if (one.cell.host, one.cell.arm) == (stem.split('_')[-1], arm)
    ]
    assert len(scores) == 3
    (shown,) = entry['Results']
    for key, value in shown['Metrics'].items():
        key = next(k for k in scores[0] if k.endswith(f'/{key.split()[0]}'))
        mean = sum(one[key] for one in scores) / 3
        assert value == pytest.approx(mean, abs=0.051)
