"""What a study trains and tests, from its YAML file."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple

import yaml

from fdep_mm.core.options import nearest

KEYS = 'config hosts data seeds options scores baseline arms'.split()
ARM_KEYS = 'config options test_options weights_of checkpoint'.split()
SCORES = ['sirst/IoU', 'sirst/nIoU', 'sirst/Pd', 'sirst/Fa', 'hse/HSE']
CHECKPOINTS = ('last', 'best')
MAX_NODES = 10_000


class Cell(NamedTuple):
    """One training and its test, or a test of another cell's weights.

    Options are dotted key -> value as on a command line; `test_options` are
    for the test alone. `weights_of` is the arm whose weights are tested, None
    for the cell's own, and `checkpoint` ('last' or 'best') which of them.
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
    """A grid of cells; the first of `scores` is the main one."""

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
    weights are tested, with its settings and this one's, instead of a
    training. In configs and options {host}, {data}, {arm} and {seed} are
    replaced.
    """
    text = Path(path).read_text()
    try:
        _check_nodes(yaml.compose(text, yaml.SafeLoader))
        return _study(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f'{path}: {error}') from error


def _study(content: object) -> Study:
    _check_keys(content, KEYS, 'the study')
    content = {'scores': SCORES, **content}
    keys = ('data', 'hosts', 'seeds', 'scores')
    lists = {key: _list(content, key) for key in keys}
    arms = content.get('arms')
    if not isinstance(arms, dict) or not arms:
        raise ValueError(f'arms: give name: settings, got {arms!r}')
    arms = {str(name): arm or {} for name, arm in arms.items()}
    for name, arm in arms.items():
        _check_arm(name, arm, arms)
    baseline = content.get('baseline')
    if baseline is not None:
        _check_known(baseline, arms, 'baseline: no arm')
    for name in (*lists['data'], *lists['hosts'], *arms):
        if not re.fullmatch(r'\w[\w.+=-]*', name):
            raise ValueError(
                f'{name!r} names a folder: use letters, digits, . + = - _'
            )
    grid = product(lists['data'], lists['hosts'], arms, lists['seeds'])
    cells = [_cell(content, arms, *place) for place in grid]
    configs = dict.fromkeys(cell.config for cell in cells)
    missing = [config for config in configs if not Path(config).is_file()]
    if missing:
        raise ValueError(
            f'no such config: {", ".join(missing)}; looked from {Path.cwd()}'
        )
    return Study(**lists, arms=list(arms), baseline=baseline, cells=cells)


def _list(content: Mapping, key: str) -> list:
    values, kind = content.get(key), int if key == 'seeds' else str
    if not isinstance(values, list) or not values:
        raise ValueError(f'{key}: give a list, got {values!r}')
    if not all(type(value) is kind for value in values):
        raise ValueError(f'{key}: {values} are not all {kind.__name__}')
    if len(set(values)) < len(values):
        raise ValueError(f'{key}: {values} names one twice')
    return values


def _check_arm(name: str, arm: object, arms: Mapping[str, dict]) -> None:
    _check_keys(arm, ARM_KEYS, f'arm {name!r}')
    checkpoint = arm.get('checkpoint', 'last')
    _check_known(checkpoint, CHECKPOINTS, f'arm {name!r}: no checkpoint')
    source = arm.get('weights_of')
    if source is not None:
        _check_known(source, arms, f'arm {name!r}: weights_of: no arm')
        if arms[source].get('weights_of'):
            raise ValueError(
                f'arm {name!r}: weights_of: {source!r} has no weights of its '
                f'own; name {arms[source]["weights_of"]!r}'
            )


def _cell(
    content: Mapping, arms: Mapping, data: str, host: str, arm: str, seed: int
) -> Cell:
    own = arms[arm]
    source = arms.get(own.get('weights_of'), {})
    names = dict(data=data, host=host, arm=arm, seed=seed)
    config, options, test_options = None, {}, {}
    for settings in (content, source, own):
        config = settings.get('config') or config
        options |= _options(settings.get('options') or {}, names)
        test_options |= _options(settings.get('test_options') or {}, names)
    if not config:
        raise ValueError(f'arm {arm!r}: there is no config')
    return Cell(
        **names,
        config=_fill(config, names),
        options=options,
        test_options=test_options,
        weights_of=own.get('weights_of'),
        checkpoint={**source, **own}.get('checkpoint', 'last'),
    )


def _options(settings: object, names: Mapping) -> dict[str, str]:
    """As :class:`fdep_mm.core.options.OptionAction` reads them."""
    if not isinstance(settings, dict):
        raise ValueError(f'options are key: value, got {settings!r}')
    options = {}
    for key, value in _flat(settings, ''):
        text = repr(value) if isinstance(value, list) else str(value)
        text = _fill(text, names)
        if '{' not in text:
            if isinstance(value, list):
                text = text.replace("'", '').replace(', ', ',')
            if ' ' in text:
                raise ValueError(
                    f'option {key}: {value!r} cannot be given on a command '
                    'line; write a config'
                )
        options[key] = text
    return options


def _flat(settings: Mapping, where: str) -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f'{where}{key}.')
        else:
            yield f'{where}{key}', value


def _fill(text: str, names: Mapping) -> str:
    """Replace {host} and the like; other braces are those of a dict."""
    try:
        return re.sub(r'\{(\w+)\}', lambda one: str(names[one[1]]), text)
    except KeyError as error:
        raise ValueError(
            f'{text!r}: only {{data}}, {{host}}, {{arm}} and {{seed}} are '
            f'replaced ({error})'
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


def _check_nodes(root: yaml.Node | None) -> None:
    """Refuse keys that are given twice, and too many repeated parts.

    YAML's readers take the last of equal keys without a word, and a file of
    few lines may name a part of it 2^30 times.
    """
    sizes: dict[int, float] = {}  # with repeated parts

    def visit(node: yaml.Node) -> float:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = math.inf  # of a part that holds itself
            parts = node.value
            if isinstance(node, yaml.MappingNode):
                _check_given_once(parts)
                parts = chain.from_iterable(parts)
            sizes[id(node)] = 1 + sum(map(visit, parts))
        return sizes[id(node)]

    if root is not None and visit(root) > MAX_NODES:
        raise ValueError(
            f'it has more than {MAX_NODES} values, with the parts that it '
            'repeats by *name'
        )


def _check_given_once(pairs: list[tuple[yaml.Node, yaml.Node]]) -> None:
    seen = set()
    for key in (k for k, _ in pairs if isinstance(k, yaml.ScalarNode)):
        if key.value in seen:
            line = key.start_mark.line + 1
            raise ValueError(f'line {line}: {key.value!r} is given twice')
        seen.add(key.value)
