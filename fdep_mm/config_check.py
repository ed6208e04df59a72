"""Configs that cannot be read, and misspelt settings with the nearest name."""

import difflib
import inspect
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from fdep_mm import registry

# What builders take out of a config before the class sees it.
TAKEN_BY_BUILDERS = frozenset(
    ('type', 'init_cfg', 'priority', '_scope_', '_delete_')
)
# What configs and tools know beside the arguments of Runner.
TOP_LEVEL = frozenset(
    'auto_scale_lr activation_checkpointing efficient_conv_bn_eval compile '
    'custom_imports tta_model tta_pipeline test_pipeline sync_bn '
    'model_wrapper_cfg find_unused_parameters runner_type strategy'.split()
)
DATALOADER = frozenset(
    'dataset sampler batch_sampler batch_size num_workers collate_fn '
    'worker_init_fn num_batch_per_epoch persistent_workers'.split()
)


def read_config(path: str | PathLike) -> Config:
    """Read a config file.

    Args:
        path (str | PathLike): The file.

    Returns:
        Config: What it says.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: It imports a package that is not installed.
        ValueError: It has another error.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'config {str(path)!r}: no such file')
    try:
        return Config.fromfile(path)
    except ImportError:  # says what to install
        raise
    except Exception as error:  # a config is a program
        raise ValueError(
            f'config {str(path)!r} cannot be read '
            f'({type(error).__name__}: {error})'
        ) from error


def check_options(cfg: Config, options: dict) -> None:
    """Refuse settings of the command line that are misspelt.

    A key that the config does not have is accepted where it may be an
    argument: in a dict with ``type``, whose class is asked if it is ours, and
    where no name that is there looks alike.

    Args:
        cfg (Config): Before the settings are put into it.
        options (dict): Dotted key -> value, see
            :class:`mmengine.config.DictAction`.

    Raises:
        ValueError: Naming the key and the nearest ones.
    """
    for dotted in options:
        place, parents = cfg, []
        for key in dotted.split('.'):
            if isinstance(place, (list, tuple)):
                place = _item(place, key, dotted)
            elif not hasattr(place, 'keys'):  # a plain value: replaced
                break
            elif key in place:
                place = place[key]
            else:
                _check_new(key, place, parents, dotted)
                break
            parents.append(key)


def check_arguments(cfg: Config) -> None:
    """Refuse arguments that a component of ``fdep_mm`` does not take.

    Args:
        cfg (Config): Whole; every dict in it with ``type='fdep_mm.X'`` is
            looked at.

    Raises:
        ValueError: Naming the place, the argument and the nearest ones, or
            the component and the nearest ones.
    """
    for where, settings in _components(cfg, ''):
        name = settings['type'].removeprefix('fdep_mm.')
        component = find_component(name)
        if component is None:
            raise ValueError(
                f'{where}: fdep_mm has no component {name!r}'
                f'{_nearest(name, _names())}'
            )
        known, more = _arguments(component)
        for key in settings.keys() - TAKEN_BY_BUILDERS - known:
            if more and not _alike(key, known):
                continue
            raise ValueError(
                f'{where}: {name} has no argument {key!r}'
                f'{_nearest(key, known)}. It takes '
                f'{", ".join(sorted(known)) or "none"}'
            )


def _check_new(key: str, place: dict, parents: list, dotted: str) -> None:
    known = set(place)
    if not parents:
        known |= {*inspect.signature(Runner.__init__).parameters, *TOP_LEVEL}
        known.discard('self')
    elif parents[-1].endswith('dataloader'):
        known |= {*inspect.signature(DataLoader.__init__).parameters}
        known |= DATALOADER
    elif parents[-1] == 'randomness':
        known |= {*inspect.signature(Runner.set_randomness).parameters}
    component = str(place.get('type', ''))
    strict = not parents
    if component.startswith('fdep_mm.'):
        found, more = _arguments(find_component(component[8:]))
        known |= found | TAKEN_BY_BUILDERS
        strict = not more
    if key in known or not (strict or _alike(key, known)):
        return
    inside = '.'.join(parents) or 'the config'
    raise ValueError(
        f'--cfg-options {dotted}: {inside} has no {key!r}'
        f'{_nearest(key, known)}'
    )


def _item(place: list, key: str, dotted: str) -> object:
    if not key.isdigit() or int(key) >= len(place):
        raise ValueError(
            f'--cfg-options {dotted}: {key!r} is a place in a list of '
            f'{len(place)}; give a number from 0 to {len(place) - 1}'
        )
    return place[int(key)]


def _components(value: object, where: str) -> Iterator[tuple[str, dict]]:
    """Every dict of a component of ours, with the way to it."""
    if hasattr(value, 'items'):
        name = value.get('type')
        if isinstance(name, str) and name.startswith('fdep_mm.'):
            yield where, value
        inner = value.items()
    elif isinstance(value, (list, tuple)):
        inner = enumerate(value)
    else:
        return
    for key, item in inner:
        yield from _components(item, f'{where}.{key}'.lstrip('.'))


def _registries() -> list[registry.LazyRegistry]:
    return [
        value
        for value in vars(registry).values()
        if isinstance(value, registry.LazyRegistry)
    ]


def find_component(name: str) -> type | None:
    """Find a component of ``fdep_mm``, of whatever kind.

    Args:
        name (str): Without the scope.

    Returns:
        type | None: None if there is none of this name.

    Raises:
        ImportError: It may be one of the detection part, which cannot be
            imported.
    """
    for one in _registries():
        one.import_from_location()
        if name in one.module_dict:
            return one.module_dict[name]
    try:  # the detection part is imported by the first look for such a name
        registry.MODELS.get(f'fdep_mm.{name}')
    except ImportError:
        if not _alike(name, _names()):
            raise
    for one in _registries():
        if name in one.module_dict:
            return one.module_dict[name]
    return None


def _names() -> set[str]:
    return {name for one in _registries() for name in one.module_dict}


def _arguments(component: type) -> tuple[set[str], bool]:
    """What a class takes, through ``**kwargs`` to its parents.

    Returns:
        tuple: Names, and whether it may take others.
    """
    if not inspect.isclass(component):
        return set(), True
    found = {'self'}
    for parent in component.__mro__:
        init = vars(parent).get('__init__')
        if init is None or parent is object:
            continue
        parameters = inspect.signature(init).parameters.values()
        found |= {p.name for p in parameters if p.kind in _NAMED}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return found - {'self'}, False
    return found - {'self'}, len(found) > 1


_NAMED = (
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


def _alike(name: str, known: set[str]) -> bool:
    return bool(difflib.get_close_matches(name, known, 1, 0.8))


def _nearest(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, 3, 0.6)
    return f' (nearest: {", ".join(map(repr, near))})' if near else ''
