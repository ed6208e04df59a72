"""Names that settings of MMEngine and of others' components have.

Only what looks like a misspelt name is an error here: a config may hold
variables of its own, and a builder may take arguments that no class shows.
"""

import difflib
import inspect
from collections.abc import Iterator
from importlib import import_module

from mmengine.config import ConfigDict
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import Registry
from mmengine.runner import (
    EpochBasedTrainLoop,
    IterBasedTrainLoop,
    Runner,
    TestLoop,
    ValLoop,
)
from torch.utils.data import DataLoader

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
# Variables of the usual configs that look like one of these.
VARIABLES = frozenset(
    'train_pipeline val_pipeline vis_backends tta_cfg vit_cfg '
    'train_dataset val_dataset test_dataset'.split()
)
DATALOADER = frozenset(
    'dataset sampler batch_sampler batch_size num_workers collate_fn '
    'worker_init_fn num_batch_per_epoch persistent_workers'.split()
)
MMENGINE_HOOKS = frozenset(
    'runtime_info timer sampler_seed logger param_scheduler checkpoint'.split()
)
ENVIRONMENT = frozenset(
    'cudnn_benchmark mp_cfg dist_cfg resource_limit'.split()
)


def dataloader_names() -> set[str]:
    """What a data loader's dict may hold."""
    return {*inspect.signature(DataLoader.__init__).parameters} | DATALOADER


def randomness_names() -> set[str]:
    """What ``randomness`` may hold."""
    return {*inspect.signature(Runner.set_randomness).parameters}


def top_level_names() -> set[str]:
    """What means something at the top of a config."""
    names = {*inspect.signature(Runner.__init__).parameters, *TOP_LEVEL}
    return names - {'self', 'cfg'}


def misspelt_top_level(cfg: dict) -> Iterator[tuple[str, str]]:
    """Keys at the top that nothing reads and that look like one that is read.

    Args:
        cfg (dict): The config. A variable whose content is found elsewhere in
            it was used there, and is not misspelt.

    Yields:
        tuple: Key, and the one that may be meant.
    """
    known = top_level_names()
    for key in cfg.keys() - known - VARIABLES:
        for name in sorted(known):
            if one_slip(key, name) and not _is_used(cfg, key):
                yield key, name


def one_slip(word: str, name: str, length: int = 7) -> bool:
    """Whether a word is a name with a slip of the pen.

    Two letters that changed places, or, in a name that is not short, one that
    is missing, added or another one. Digits number things.

    Args:
        word (str): What is written.
        name (str): What may be meant.
        length (int): Shorter names are too much alike to tell.

    Returns:
        bool: True for one such slip, False for none or more.
    """
    if len(word) > len(name):
        longer, shorter = word, name
    else:
        longer, shorter = name, word
    if word == name or len(longer) > len(shorter) + 1:
        return False
    start = 0
    while start < len(shorter) and longer[start] == shorter[start]:
        start += 1
    if len(longer) > len(shorter):
        same = longer[start + 1 :] == shorter[start:]
        return same and len(name) >= length and not longer[start].isdigit()
    if longer[start + 1 :] == shorter[start + 1 :]:
        return len(name) >= length and not word[start].isdigit()
    swapped = longer[start : start + 2] == shorter[start : start + 2][::-1]
    return swapped and longer[start + 2 :] == shorter[start + 2 :]


def section_names(where: str, settings: dict) -> set[str]:
    """What a dict that MMEngine's runner reads may hold.

    Args:
        where (str): Its place, such as 'train_cfg'.
        settings (dict): It.

    Returns:
        set[str]: Empty where this is not known.
    """
    custom = {'type'} & settings.keys()
    if where == 'train_cfg' and not custom:
        loops = (EpochBasedTrainLoop, IterBasedTrainLoop)
        return {'by_epoch'}.union(*(arguments_of(loop)[0] for loop in loops))
    if where in ('val_cfg', 'test_cfg') and not custom:
        return arguments_of(ValLoop if where == 'val_cfg' else TestLoop)[0]
    if where == 'optim_wrapper' and 'constructor' not in settings:
        wrappers = (OptimWrapper, AmpOptimWrapper)
        names = {'type', 'optimizer', 'paramwise_cfg', 'constructor'}
        return names.union(*(arguments_of(one)[0] for one in wrappers))
    if where == 'default_hooks':
        return set(MMENGINE_HOOKS)
    if where == 'env_cfg':
        return set(ENVIRONMENT)
    if where == 'randomness':
        return randomness_names()
    if where == 'auto_scale_lr':
        return {'enable', 'base_batch_size'}
    return set()


def others_components(name: str, scope: str) -> list[type]:
    """Find what a type of a config may be, without knowing its kind.

    Args:
        name (str): With or without a scope.
        scope (str): The config's default scope.

    Returns:
        list[type]: Classes of this name in the scope's registries, else in
            MMEngine's. Empty if there is none, or if a package cannot be
            imported.
    """
    own, _, name = name.rpartition('.')
    for package in dict.fromkeys((own or scope, 'mmengine')):
        try:
            found = [one.module_dict.get(name) for one in registries(package)]
        except ImportError:  # the builder says what is missing
            return []
        if any(found):
            return [one for one in found if inspect.isclass(one)]
    return []


def registries(package: str) -> list[Registry]:
    """The registries of a package, filled.

    Args:
        package (str): Such as 'mmseg'.

    Returns:
        list[Registry]: All in its module ``registry``.

    Raises:
        ImportError: The package, or one of its components, cannot be
            imported.
    """
    found = [
        value
        for value in vars(import_module(f'{package}.registry')).values()
        if isinstance(value, Registry) and value.scope == package
    ]
    for one in found:
        one.import_from_location()
    return found


def arguments_of(component: type) -> tuple[set[str], bool]:
    """What a class takes, through ``**kwargs`` to its parents.

    Args:
        component (type): A class; of a function nothing is known.

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


def alike(name: str, known: set[str]) -> bool:
    """Whether a name resembles one of those that are known."""
    return bool(difflib.get_close_matches(name, known, 1, 0.8))


def nearest(name: str, known: set[str]) -> str:
    """The known names that resemble it, as a part of a message."""
    near = difflib.get_close_matches(name, known, 3, 0.6)
    return f' (nearest: {", ".join(map(repr, near))})' if near else ''


def _is_used(cfg: dict, key: str) -> bool:
    """Whether a variable's content is somewhere else in the config."""
    value = cfg[key]
    if not isinstance(value, (dict, list, tuple)) or not value:
        return False
    others = (item for name, item in cfg.items() if name != key)
    return any(_holds(item, value) for item in others)


def _holds(place: object, value: object) -> bool:
    if place == value:
        return True
    if isinstance(place, (dict, ConfigDict)):
        return any(_holds(item, value) for item in place.values())
    if isinstance(place, (list, tuple)):
        return any(_holds(item, value) for item in place)
    return False
