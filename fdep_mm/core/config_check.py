"""Configs that cannot be read, and misspelt settings with the nearest name."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from mmengine.config import Config

from fdep_mm import registry

from .config_names import (
    TAKEN_BY_BUILDERS,
    alike,
    arguments_of,
    dataloader_names,
    misspelt_top_level,
    nearest,
    one_slip,
    others_components,
    randomness_names,
    section_names,
    top_level_names,
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
    """Refuse names in a config that are misspelt.

    Args:
        cfg (Config): Whole. A component of ``fdep_mm`` must take all that its
            dict holds, and so must a data loader. In other places, names are
            refused that nothing reads and that look like one that is read.

    Raises:
        ValueError: Naming the place, the argument and the nearest ones, or
            the component and the nearest ones.
    """
    for key, meant in misspelt_top_level(cfg):
        raise ValueError(
            f'the config sets {key!r}, which nothing reads (nearest: '
            f'{meant!r}). Give a variable of your own another name'
        )
    scope = cfg.get('default_scope') or 'mmengine'
    for where, settings in _dicts(cfg, ''):
        name = settings.get('type')
        if not isinstance(name, str):
            _check_section(where, settings)
        elif name.startswith('fdep_mm.'):
            _check_ours(where, settings)
        else:
            _check_section(where, settings)
            _check_others(where, settings, scope)


def _check_ours(where: str, settings: dict) -> None:
    name = settings['type'].removeprefix('fdep_mm.')
    component = find_component(name)
    if component is None:
        raise ValueError(
            f'{where}: fdep_mm has no component {name!r}'
            f'{nearest(name, _names())}'
        )
    known, more = arguments_of(component)
    for key in settings.keys() - TAKEN_BY_BUILDERS - known:
        if more and not alike(key, known):
            continue
        raise _refusal(where, f'{name} has no argument', key, known)


def _check_section(where: str, settings: dict) -> None:
    """A dict that is read by MMEngine's runner."""
    strict = where in ('train_dataloader', 'val_dataloader', 'test_dataloader')
    known = dataloader_names() if strict else section_names(where, settings)
    for key in settings.keys() - TAKEN_BY_BUILDERS - known:
        if strict or alike(key, known):
            raise _refusal(where, 'there is no', key, known)


def _check_others(where: str, settings: dict, scope: str) -> None:
    """A component of MMEngine, mmseg, mmdet or of the user.

    A builder may take arguments that the class does not have, so only near
    misses are errors; the class itself refuses the others.
    """
    candidates = others_components(settings['type'], scope)
    found = [arguments_of(one) for one in candidates]
    if not found:
        return
    known = section_names(where, settings).union(
        *(names for names, _ in found)
    )
    length = 7 if any(more for _, more in found) else 4
    for key in settings.keys() - TAKEN_BY_BUILDERS - known:
        if any(one_slip(key, name, length) for name in known):
            name = settings['type']
            raise _refusal(where, f'{name} has no argument', key, known)


def _refusal(where: str, what: str, key: str, known: set[str]) -> ValueError:
    return ValueError(
        f'{where}: {what} {key!r}{nearest(key, known)}. It takes '
        f'{", ".join(sorted(known)) or "none"}'
    )


def _check_new(key: str, place: dict, parents: list, dotted: str) -> None:
    known = set(place)
    if not parents:
        known |= top_level_names()
    elif parents[-1].endswith('dataloader'):
        known |= dataloader_names()
    elif parents[-1] == 'randomness':
        known |= randomness_names()
    component = str(place.get('type', ''))
    strict = not parents
    if component.startswith('fdep_mm.'):
        found, more = arguments_of(find_component(component[8:]))
        known |= found | TAKEN_BY_BUILDERS
        strict = not more
    if key in known or not (strict or alike(key, known)):
        return
    inside = '.'.join(parents) or 'the config'
    raise ValueError(
        f'--cfg-options {dotted}: {inside} has no {key!r}{nearest(key, known)}'
    )


def _item(place: list, key: str, dotted: str) -> object:
    if not key.isdigit() or int(key) >= len(place):
        raise ValueError(
            f'--cfg-options {dotted}: {key!r} is a place in a list of '
            f'{len(place)}; give a number from 0 to {len(place) - 1}'
        )
    return place[int(key)]


def _dicts(value: object, where: str) -> Iterator[tuple[str, dict]]:
    """Every dict inside the config, with the way to it."""
    if hasattr(value, 'items'):
        if where:
            yield where, value
        inner = value.items()
    elif isinstance(value, (list, tuple)):
        inner = enumerate(value)
    else:
        return
    for key, item in inner:
        yield from _dicts(item, f'{where}.{key}'.lstrip('.'))


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
        if not alike(name, _names()):
            raise
    for one in _registries():
        if name in one.module_dict:
            return one.module_dict[name]
    return None


def _names() -> set[str]:
    return {name for one in _registries() for name in one.module_dict}
