"""The file of a study: its grid, and what is wrong with it."""

from argparse import ArgumentParser

import pytest
import yaml

from fdep_mm.core.options import OptionAction
from fdep_mm.study import read_study

CONFIG = 'configs/{host}/{host}_1xb16-12e_{data}-128x128.py'


def content(**changes):
    study = dict(
        config=CONFIG,
        hosts=['acm', 'alcnet'],
        data=['synthetic'],
        seeds=[0, 1],
        options={'train_cfg': {'max_epochs': 3}, 'a.b': [1, [2, '{host}']]},
        baseline='host',
        arms=dict(
            host=None,
            fast=dict(
                options={'optim_wrapper.optimizer.lr': 0.01},
                test_options={'x': [{'type': '{host}'}]},
            ),
            seen=dict(
                weights_of='fast', checkpoint='best', test_options={'y': True}
            ),
        ),
    )
    study.update(changes)
    return yaml.safe_dump(study, sort_keys=False)


@pytest.fixture
def read(tmp_path, monkeypatch, repo):
    monkeypatch.chdir(repo)

    def call(text):
        path = tmp_path / 'study.yml'
        path.write_text(text)
        return read_study(path)

    return call


def test_grid(read):
    study = read(content())
    assert len(study.cells) == 2 * 3 * 2
    cell = next(c for c in study.cells if c.arm == 'seen' and c.seed == 1)
    assert cell.name == 'synthetic/acm/seen/seed-1'
    assert cell.config == 'configs/acm/acm_1xb16-12e_synthetic-128x128.py'
    assert cell.options == {
        'train_cfg.max_epochs': '3',
        'a.b': '[1,[2,acm]]',
        'optim_wrapper.optimizer.lr': '0.01',
    }
    texts = [f'{key}={value}' for key, value in cell.test_options.items()]
    parser = ArgumentParser()
    parser.add_argument('--options', nargs='+', action=OptionAction)
    options = parser.parse_args(['--options', *texts]).options
    assert options == {'x': [dict(type='acm')], 'y': True}
    assert cell.checkpoint == 'best'
    jobs = study.jobs()
    assert len(jobs) == 8  # what is tested again belongs to its training
    assert ['fast', 'seen'] in [[cell.arm for cell in job] for job in jobs]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(armes={}), "no key 'armes' .*'arms'"),
        (dict(arms={'a': {'option': {}}}), "'a': no key 'option'.*'options'"),
        (dict(seeds=[0, '1']), 'seeds: .* not all int'),
        (dict(hosts=[]), 'hosts: give a list'),
        (dict(seeds=[1, 1]), 'names one twice'),
        (dict(arms={'0.5/1': {}}, baseline=None), "'0.5/1' names a folder"),
        (dict(baseline='hots'), "baseline: no arm 'hots' .*'host'"),
        (dict(hosts=['acn']), 'no such config: configs/acn/acn_.*looked'),
        (dict(config=None), "arm 'host': there is no config"),
        (dict(config='{net}.py'), "only .*are replaced .'net'"),
        (dict(options={'a': 'two words'}), 'option a: .*command line'),
    ],
)
def test_what_is_wrong_is_named(read, changes, message):
    with pytest.raises(ValueError, match=f'study.yml: .*{message}'):
        read(content(**changes))


@pytest.mark.parametrize(
    ('arms', 'message'),
    [
        ({'x': {'weights_of': 'hst'}}, "no arm 'hst' .*'host'"),
        (
            {'x': {'weights_of': 'host'}, 'y': {'weights_of': 'x'}},
            "'x' has no weights of its own; name 'host'",
        ),
        ({'x': {'checkpoint': 'first'}}, "no checkpoint 'first'.*last, best"),
    ],
)
def test_wrong_arms(read, arms, message):
    with pytest.raises(ValueError, match=message):
        read(content(arms={'host': {}, **arms}))


def test_the_checkpoint_of_the_weights_is_tested(read):
    best = dict(checkpoint='best')
    arms = {'host': best, 'again': dict(weights_of='host'), 'last': {}}
    study = read(content(arms=arms))
    found = {cell.arm: cell.checkpoint for cell in study.cells}
    assert found == dict(host='best', again='best', last='last')


def test_arm_given_twice(read):
    with pytest.raises(ValueError, match="line [0-9]+: 'host' is given twice"):
        read(content().replace('  fast:', '  host:'))


REPEATED = {
    'lists': ('[1, 1]', '[{0}, {0}]'),
    'settings': ('{{a: 1}}', '{{a: {0}, b: {0}}}'),
    'merged': ('{{a: 1}}', '{{<<: [{0}, {0}]}}'),
    'a key': ('[1, 1]', '{{? {0} : {0}}}'),
}


@pytest.mark.parametrize('kind', REPEATED)
def test_parts_that_are_repeated_too_often(read, kind):
    """30 lines that would fill the memory."""
    first, later = REPEATED[kind]
    lines = [f'p0: &p0 {first.format()}']
    for i in range(1, 60):
        lines.append(f'p{i}: &p{i} {later.format(f"*p{i - 1}")}')
    with pytest.raises(ValueError, match='more than 10000 values'):
        read('\n'.join([*lines, 'arms: *p59']))
    with pytest.raises(ValueError, match='more than 10000 values'):
        read('options: &a [*a]')


def test_the_study_of_the_readme(read, repo):
    text = (repo / 'README.md').read_text()
    study = read(text.split('```yaml\n')[1].split('```')[0])
    cells = [cell.name for cell in study.cells]
    # arms, data sets, hosts and seeds
    assert len(cells) == len(set(cells)) == 3 * 2 * 2 * 3
    assert 'nudt-sirst/acm/fdep-zero-priors/seed-2' in cells
