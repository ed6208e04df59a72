"""What a study trains and tests, from its YAML file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import yaml

from fdep_mm.core.options import nearest

KEYS = 'config hosts data seeds options scores baseline arms'.split()
ARM_KEYS = 'config options test_options weights_of checkpoint'.split()
SCORES = ['sirst/IoU', 'sirst/nIoU', 'sirst/Pd', 'sirst/Fa', 'hse/HSE']
CHECKPOINTS = ('last', 'best')


class Cell(NamedTuple):
    """One training and its test, or a test of another cell's weights.

    Attributes:
        data (str): Name of the data set.
        host (str): Name of the host.
        arm (str): Name of the arm.
        seed (int): Of the training.
        config (str): Path of the config.
        options (dict[str, str]): Dotted key -> value as on a command line,
            for training and test.
        test_options (dict[str, str]): For the test alone.
        weights_of (str | None): The arm whose weights are tested; None for
            the cell's own.
        checkpoint (str): 'last' or 'best', which one is tested.
    """

    data: str
    host: str
    arm: str
    seed: int
    config: str
    options: dict[str, str]
    test_options: dict[str, str]
    weights_of: str | None
    checkpoint: str

    @property
    def name(self) -> str:
        """Its folder below the work dir."""
        return f'{self.data}/{self.host}/{self.arm}/seed-{self.seed}'

    @property
    def trained(self) -> str:
        """The folder of the training whose weights are tested."""
        return self._replace(arm=self.weights_of or self.arm).name


class Study(NamedTuple):
    """A grid of cells.

    Attributes:
        path (Path): The file.
        data (list[str]): Names of data sets.
        hosts (list[str]): Names of hosts.
        seeds (list[int]): Of trainings.
        scores (list[str]): What tables show; the first is the main one.
        arms (list[str]): Names of arms, in the order of tables.
        baseline (str | None): The arm that others are compared with.
        cells (list[Cell]): All.
    """

    path: Path
    data: list[str]
    hosts: list[str]
    seeds: list[int]
    scores: list[str]
    arms: list[str]
    baseline: str | None
    cells: list[Cell]

    def jobs(self) -> list[list[Cell]]:
        """Group cells: a training and its test, then others of its weights."""
        groups: dict[str, list[Cell]] = {}
        for cell in sorted(self.cells, key=lambda one: bool(one.weights_of)):
            groups.setdefault(cell.trained, []).append(cell)
        return list(groups.values())


def read_study(path: Path) -> Study:
    """Read the file of a study.

    ``config`` (of all arms), ``hosts``, ``data`` and ``seeds`` (lists),
    ``options`` (dotted or nested keys as of ``--cfg-options``), ``scores``
    (as tests log them, default :data:`SCORES`), ``baseline`` (an arm) and
    ``arms``: name -> ``config``, ``options``, ``test_options``,
    ``checkpoint`` (``last`` or ``best``) or ``weights_of``, an arm whose
    weights are tested with this one's options instead of a training. In
    configs and options {host}, {data}, {arm} and {seed} are replaced.

    Args:
        path (Path): YAML.

    Returns:
        Study: The study.

    Raises:
        ValueError: If something is unknown, missing, given twice or no
            option of a command line.
        OSError: If the file cannot be opened.
    """
    text = Path(path).read_text()
    try:
        _check_given_once(yaml.compose(text, yaml.SafeLoader))
        content = yaml.safe_load(text)
        return _study(Path(path), content)
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f'{path}: {error}') from error


def _study(path: Path, content: object) -> Study:
    _check_keys(content, KEYS, 'the study')
    lists = {}
    for key in ('data', 'hosts', 'seeds', 'scores'):
        values = content.get(key, SCORES if key == 'scores' else None)
        kind = int if key == 'seeds' else str
        if not isinstance(values, list) or not values:
            raise ValueError(f'{key}: give a list, got {values!r}')
        if not all(type(value) is kind for value in values):
            raise ValueError(f'{key}: {values} are not all {kind.__name__}')
        if len(set(values)) < len(values):
            raise ValueError(f'{key}: {values} names one twice')
        if key != 'scores':
            _check_folders(values, key)
        lists[key] = values
    arms = _arms(content)
    baseline = content.get('baseline')
    if baseline is not None:
        _check_known(baseline, arms, 'baseline: no arm')
    grid = product(lists['data'], lists['hosts'], arms, lists['seeds'])
    cells = [_cell(content, arms, *place) for place in grid]
    missing = dict.fromkeys(
        cell.config for cell in cells if not Path(cell.config).is_file()
    )
    if missing:
        raise ValueError(
            f'no such config: {", ".join(missing)}; looked from {Path.cwd()}'
        )
    return Study(
        path, **lists, arms=list(arms), baseline=baseline, cells=cells
    )


def _arms(content: Mapping) -> dict[str, dict]:
    arms = content.get('arms')
    if not isinstance(arms, dict) or not arms:
        raise ValueError(f'arms: give name: settings, got {arms!r}')
    arms = {str(name): arm or {} for name, arm in arms.items()}
    _check_folders(arms, 'arms')
    for name, arm in arms.items():
        _check_keys(arm, ARM_KEYS, f'arm {name!r}')
        source = arm.get('weights_of')
        if source is None:
            continue
        where = f'arm {name!r}: weights_of'
        _check_known(source, arms, f'{where}: no arm')
        if arms[source].get('weights_of'):
            raise ValueError(
                f'{where}: {source!r} has no weights of its own; name '
                f'{arms[source]["weights_of"]!r}'
            )
    return arms


def _cell(
    content: Mapping, arms: Mapping, data: str, host: str, arm: str, seed: int
) -> Cell:
    own = arms[arm]
    source = arms.get(own.get('weights_of'), {})
    config = own.get('config') or source.get('config') or content.get('config')
    if not config:
        raise ValueError(f'arm {arm!r}: there is no config')
    checkpoint = own.get('checkpoint', 'last')
    _check_known(checkpoint, CHECKPOINTS, f'arm {arm!r}: no checkpoint')
    names = dict(data=data, host=host, arm=arm, seed=seed)
    options, test_options = {}, {}
    for settings in (content, source, own):
        options |= _options(settings.get('options'), names, arm)
        test_options |= _options(settings.get('test_options'), names, arm)
    return Cell(
        **names,
        config=_fill(config, names, arm),
        options=options,
        test_options=test_options,
        weights_of=own.get('weights_of'),
        checkpoint=checkpoint,
    )


def _options(
    settings: object, names: Mapping[str, object], arm: str
) -> dict[str, str]:
    if not isinstance(settings, (dict, type(None))):
        raise ValueError(
            f'arm {arm!r}: options are key: value, got {settings!r}'
        )
    return {
        key: _as_text(_fill(value, names, arm), key)
        for key, value in _flat(settings or {}, '')
    }


def _flat(settings: Mapping, where: str) -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f'{where}{key}.')
        else:
            yield f'{where}{key}', value


def _as_text(value: object, key: str) -> str:
    """As :class:`fdep_mm.core.options.OptionAction` reads it."""
    text = repr(value) if isinstance(value, list) else str(value)
    if '{' in text:
        return text
    if isinstance(value, list):
        text = text.replace("'", '').replace(', ', ',')
    if ' ' in text:
        raise ValueError(
            f'option {key}: {value!r} cannot be given on a command line; '
            'write a config'
        )
    return text


def _fill(value: object, names: Mapping[str, object], arm: str) -> object:
    """Replace the names in all texts."""
    if isinstance(value, list):
        return [_fill(item, names, arm) for item in value]
    if isinstance(value, dict):
        return {key: _fill(item, names, arm) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return value.format(**names)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f'arm {arm!r}: {value!r}: only {{data}}, {{host}}, {{arm}} and '
            f'{{seed}} are replaced ({error})'
        ) from error


def _check_keys(settings: object, known: Iterable, where: str) -> None:
    if not isinstance(settings, dict):
        raise ValueError(f'{where}: give key: value, got {settings!r}')
    for key in settings:
        _check_known(key, known, f'{where}: no key')


def _check_known(name: object, known: Iterable[str], what: str) -> None:
    if name not in known:
        raise ValueError(
            f'{what} {name!r}{nearest(str(name), set(known))}. There are '
            f'{", ".join(known)}'
        )


def _check_folders(names: Iterable[object], key: str) -> None:
    for name in names:
        if not re.fullmatch(r'\w[\w.+=-]*', str(name)):
            raise ValueError(
                f'{key}: {name!r} names a folder: letters, digits, . + = - _'
            )


def _check_given_once(node: yaml.Node | None) -> None:
    """YAML's readers take the last of equal keys without a word."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        for key, value in node.value:
            if keys.count(key.value) > 1:
                line = key.start_mark.line + 1
                raise ValueError(f'line {line}: {key.value!r} is given twice')
            _check_given_once(value)
