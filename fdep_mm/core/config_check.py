"""Configs that cannot be read, and misspelled settings of the command line."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from importlib import import_module
from os import PathLike
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import Registry, init_default_scope
from mmengine.runner import EpochBasedTrainLoop, Runner, TestLoop, ValLoop
from torch.utils.data import DataLoader

from .options import nearest

# What MMEngine calls where a dict has no type.
SECTIONS = {
    '': Runner.__init__,
    'train_dataloader': DataLoader.__init__,
    'val_dataloader': DataLoader.__init__,
    'test_dataloader': DataLoader.__init__,
    'train_cfg': EpochBasedTrainLoop.__init__,
    'val_cfg': ValLoop.__init__,
    'test_cfg': TestLoop.__init__,
    'randomness': Runner.set_randomness,
}
# Keys that MMEngine reads by name, of the whole config and of components.
READ_BY_NAME = frozenset(
    'activation_checkpointing auto_scale_lr compile custom_imports '
    'efficient_conv_bn_eval find_unused_parameters model_wrapper_cfg sync_bn '
    '_delete_ _scope_ constructor convert_to_iter_based init_cfg '
    'num_batch_per_epoch paramwise_cfg priority type'.split()
)


def read_config(path: str | PathLike) -> Config:
    """Read a config file.

    Raises:
        FileNotFoundError, ImportError: It, or a package it imports, is
            missing.
        ValueError: It has another error.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'config {str(path)!r}: no such file, looked from {Path.cwd()}'
        )
    try:
        return Config.fromfile(path)
    except ImportError:  # says what to install
        raise
    except Exception as error:  # a config is a program
        raise ValueError(
            f'config {str(path)!r} cannot be read '
            f'({type(error).__name__}: {error})'
        ) from error


def open_config(path: str | PathLike, options: dict | None = None) -> Config:
    """:func:`read_config`, :func:`merge_options`, and enter its scope."""
    cfg = read_config(path)
    merge_options(cfg, options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    return cfg


def merge_options(cfg: Config, options: dict | None) -> None:
    """Put settings of the command line into a config.

    Each must replace a key of the config, or be an argument of the component
    that it is in. Where a component hands on arguments that it does not name,
    or is not known, only keys that resemble an existing one are refused.

    Raises:
        ValueError: Naming the key and the nearest one.
    """
    before = Config(cfg.to_dict())
    try:
        cfg.merge_from_dict(options or {})
    except (KeyError, TypeError) as error:
        problem = textwrap.shorten(str(error.args[0]), 100)
        raise ValueError(f'--cfg-options {options}: {problem}') from error
    scope = cfg.get('default_scope') or 'mmengine'
    for dotted, value in (options or {}).items():
        old, new, parents = before, cfg, []
        for key in dotted.split('.'):
            if isinstance(new, (list, tuple)):
                key = int(key)
            elif not hasattr(new, 'keys'):
                break
            elif not hasattr(old, 'keys') or key not in old:
                if not (isinstance(value, dict) and 'type' in value):
                    where = '.'.join(parents)
                    _check_new(key, new, old or {}, where, scope)
                break
            old, new = old[key], new[key]
            parents.append(str(key))


def _check_new(key: str, place: dict, old: dict, where: str, scope: str):
    calls = list(_components(place.get('type'), where, scope))
    known, any_key = READ_BY_NAME | {*old}, not calls
    for call in calls:
        names, more = _arguments(call)
        known, any_key = known | names, any_key or more
    # what a component hands on may resemble its own: in_ and out_channels
    hint = nearest(key, known, cutoff=0.9 if calls and any_key else 0.75)
    if key not in known and (hint or not any_key):
        raise ValueError(
            f'--cfg-options {f"{where}.{key}".lstrip(".")}: '
            f'{where or "the config"} has no {key!r}{hint}; put variables of '
            'your own into a config file'
        )


def _components(kind: object, where: str, scope: str) -> list[Callable]:
    """Components that a ``type`` may name, in any registry."""
    if kind is None:
        return [SECTIONS[where]] if where in SECTIONS else []
    prefix, _, name = str(kind).rpartition('.')
    found = []
    for package in dict.fromkeys((prefix or scope, 'mmengine')):
        try:
            members = vars(import_module(f'{package}.registry')).values()
            for one in members:
                if isinstance(one, Registry) and one.scope == package:
                    one.import_from_location()
                    found += filter(None, [one.module_dict.get(name)])
        except ImportError:  # the builder says what is missing
            break
    return found


def _arguments(call: Callable) -> tuple[set[str], bool]:
    """Names that a class or function takes, and whether it takes others."""
    names = set()
    for one in getattr(call, '__mro__', (call,)):
        parameters = inspect.signature(one).parameters
        names |= parameters.keys() - {'self'}
        rest = [p.name for p in parameters.values() if p.kind is p.VAR_KEYWORD]
        if not rest:
            return names, False
        if not _goes_to_base(one, rest[0]):
            break
    return names, True


def _goes_to_base(owner: Callable, rest: str) -> bool:
    """Whether all that a class does with its `rest` is ``**`` to its base."""
    try:
        source = inspect.getsource(owner.__init__)
    except (OSError, TypeError):  # written in C, or typed in
        return False
    nodes = [*ast.walk(ast.parse(textwrap.dedent(source)))]
    uses = [n for n in nodes if isinstance(n, ast.Name) and n.id == rest]
    calls = [n for n in nodes if isinstance(n, ast.Call)]
    calls = [n for n in calls if ast.unparse(n.func).endswith('.__init__')]
    given = [k.value for n in calls for k in n.keywords if k.arg is None]
    return bool(uses) and all(use in given for use in uses)
