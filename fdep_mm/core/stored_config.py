"""Configs in checkpoints, which strangers may have written.

MMEngine imports what a ``type`` with dots and ``custom_imports`` name, and
mmcv evaluates the ``type`` of an NMS: all of them must be in lists. Components
fetch or open what an argument names, some of them pickles or Python: none may
name a place.
"""

import ast
import inspect
import re
from importlib import import_module

from mmengine.config import Config
from mmengine.utils import get_object_from_string, import_modules_from_strings

# Whose modules may be imported.
IMPORTED = ('fdep_mm', 'mmseg', 'mmdet', 'mmpretrain')
SCOPES = ('mmengine', *IMPORTED)
# Packages of the classes that these register.
SOURCES = (*SCOPES, 'mmcv', 'torch')
KINDS = ('MODELS', 'TASK_UTILS', 'TRANSFORMS', 'WEIGHT_INITIALIZERS')
OPERATORS = ('nms', 'soft_nms', 'RoIAlign')  # of mmcv.ops
REFUSED = (
    'CameraMotionCompensation',  # evaluates one of its arguments
    *('ATSSVLFusionHead', 'BertModel'),  # fetch from a hub
    'TorchNet',  # calls what it is told
)
# What loads weights, which are there already.
LOADING = (
    *('cache', 'checkpoint', 'checkpoint_path', 'init_cfg', 'pretrained'),
)
NOT_FINITE = ("float('inf')", "float('-inf')", "float('nan')")
# Words in the names of arguments that, as text, are opened or fetched.
PLACES = {
    *('cfg', 'checkpoint', 'ckpt', 'config', 'dir', 'file', 'filename'),
    *('folder', 'path', 'paths', 'pretrained', 'repo', 'root', 'uri', 'url'),
    *('weight', 'weights'),
}


def read_stored_config(text: str) -> Config:
    """What inference needs of the config in a checkpoint.

    Modules of ``custom_imports`` are imported.

    Returns:
        Config: ``default_scope`` and, where they are there, ``model``,
        ``test_pipeline`` and the pipeline of ``test_dataloader``, without
        what would load other weights.

    Raises:
        ValueError: There is more than settings in it, a module or a ``type``
            that is not one of the OpenMMLab packages and of ``fdep_mm``.
        ImportError: It is a detector's and mmdet is not installed.
    """
    settings = read_settings(text)
    _import_modules(settings.get('custom_imports'))
    scope = settings.get('default_scope') or 'mmseg'
    if scope == 'mmdet':  # says what to install
        import_module('fdep_mm.detection')
    used = {
        key: settings[key]
        for key in ('model', 'test_pipeline')
        if key in settings
    }
    try:
        pipeline = settings['test_dataloader']['dataset']['pipeline']
        used['test_dataloader'] = dict(dataset=dict(pipeline=pipeline))
    except (KeyError, TypeError):
        pass
    _check(used, scope)
    return Config(dict(used, default_scope=scope))


def read_settings(text: str) -> dict:
    """Settings of a config; ValueError where there is anything else."""
    settings = {}
    try:
        for node in ast.parse(text).body:
            if not isinstance(node, ast.Assign) or len(node.targets) != 1:
                raise _not_a_setting(node)
            literal = _Literals().visit(node.value)
            try:
                value = ast.literal_eval(literal)
            except ValueError:
                raise _not_a_setting(literal) from None
            settings[ast.unparse(node.targets[0])] = value
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise _refusal(f'no settings ({error})') from error
    return settings


class _Literals(ast.NodeTransformer):
    """Turns ``dict(...)`` and ``float('inf')`` into literals."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        # MMEngine writes names with dots or dashes as dict({'a-b': 1})
        first, *more = node.args or [ast.Dict([], [])]
        plain = isinstance(first, ast.Dict) and not more
        named = all(k.arg for k in node.keywords)
        if ast.unparse(node.func) == 'dict' and plain and named:
            first.keys += [ast.Constant(k.arg) for k in node.keywords]
            first.values += [k.value for k in node.keywords]
            return first
        if ast.unparse(node) in NOT_FINITE:
            return ast.Constant(float(node.args[0].value))
        return node


def _import_modules(custom_imports: object) -> None:
    if not custom_imports:
        return
    known = {'imports', 'allow_failed_imports'}
    if (
        not isinstance(custom_imports, dict)
        or not {'imports'} <= custom_imports.keys() <= known
    ):
        raise _refusal(f'custom_imports={custom_imports!r}')
    names = custom_imports['imports'] or []
    for name in [names] if isinstance(names, str) else names:
        if str(name).split('.')[0] not in IMPORTED:
            raise _refusal(f'an import of {name!r}')
    import_modules_from_strings(**custom_imports)


def _check(value: object, scope: object, key: object = '') -> None:
    """Look up every ``type`` and text, and take out what loads weights."""
    if isinstance(value, dict):
        scope = value.get('_scope_', scope)
        if scope not in SCOPES:
            raise _refusal(f'the scope {scope!r}')
        for key in LOADING:
            if value.get(key):
                del value[key]
        name = value.get('type')
        if isinstance(name, str):
            _check_type(name, scope, value)
        for name, item in value.items():
            if name != 'type' or not isinstance(item, str):
                _check(item, scope, name)
    elif isinstance(value, (str, bytes)):
        words = set(re.split(r'[\W_]', str(key).lower()))
        if words & PLACES or re.search(r'[:/\\]', str(value)):  # hf-hub:a
            raise _refusal(f'{key}={value!r}, which may be a place')
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            _check(item, scope, key)


def _check_type(name: str, scope: str, arguments: dict) -> None:
    if name in OPERATORS:
        return
    prefix, _, last = name.rpartition('.')
    if prefix in ('', *SCOPES):
        found = _registered(prefix or scope).get(last)
    else:
        found = _by_path(name)
    if (
        not inspect.isclass(found)
        or found.__name__ in REFUSED
        or found.__module__.split('.')[0] not in SOURCES
    ):
        raise _refusal(f'type={name!r}')
    accepted = inspect.signature(found).parameters
    if 'pretrained' in accepted and accepted['pretrained'].default is True:
        arguments['pretrained'] = False


def _by_path(name: str) -> object:
    """The component that a full path leads to."""
    package = name.split('.')[0]
    if package not in (*SCOPES, 'mmcv'):
        return None
    found = get_object_from_string(name)
    # mmcv has no scope of its own
    known = _registered('mmengine' if package == 'mmcv' else package)
    return found if any(found is one for one in known.values()) else None


def _registered(scope: str) -> dict[str, object]:
    """Components of a scope and of MMEngine, by name."""
    found = {}
    for one in ('mmengine', scope):
        module = import_module(f'{one}.registry')
        for kind in KINDS:
            registry = getattr(module, kind, None)
            if registry is not None:
                registry.import_from_location()
                found.update(registry.module_dict)
    return found


def _refusal(what: str) -> ValueError:
    return ValueError(
        f'the config in the checkpoint holds {what}, which may be an attack. '
        'Name a config file that you trust'
    )


def _not_a_setting(node: ast.AST) -> ValueError:
    return _refusal(f'more than settings, {ast.unparse(node)[:80]!r}')
