"""fdep_mm: infrared small target detection for the OpenMMLab stack.

Importing this package is light: it checks the versions of the OpenMMLab
packages it runs on, and has MMEngine read checkpoints without running what is
in them. Models, datasets, transforms, metrics and hooks are imported by
:mod:`fdep_mm.registry` on first use.

Where torch or MMEngine is not installed, :mod:`fdep_mm.apis` still runs
exported networks and :mod:`fdep_mm.evaluation` still scores arrays.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from .version import __version__

__all__ = ['CONFIG_ROOT', '__version__']

# module -> (accepted versions, OneDL distribution, upstream distribution).
# The two distributions of a module own the same folder, so neither can be a
# hard requirement of ours; the version is read from the module itself.
_STACK = {
    'mmengine': ('>=0.10.0,<1.0', 'onedl-mmengine', 'mmengine'),
    'mmcv': ('>=2.0.0,<3.0', 'onedl-mmcv', 'mmcv'),
    'mmseg': ('>=1.2.0,<2.0', 'onedl-mmsegmentation', 'mmsegmentation'),
}


def check_stack() -> None:
    """Check that the OpenMMLab packages are there and of an accepted version.

    Raises:
        ImportError: A package is missing or out of range; the message names
            it, the accepted range and what to install on either stack.
    """
    for name, (accepted, onedl, upstream) in _STACK.items():
        way_out = (
            f'Install `pip install "{onedl}{accepted}"` (OneDL stack) or '
            f'`pip install "{upstream}{accepted}"` (upstream stack); do not '
            'mix the two stacks in one environment.'
        )
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:  # a dependency of it is missing
                raise
            module = None
        # A folder left by an uninstalled package imports as a namespace
        # without a version.
        found = getattr(module, '__version__', None)
        if found is None:
            raise ImportError(
                f'fdep_mm {__version__} needs {name}{accepted}, but {name} '
                f'is not installed. {way_out}',
                name=name,
            )
        # Not at the top: a bare environment should hear about mmengine first.
        from packaging.specifiers import SpecifierSet

        if not SpecifierSet(accepted).contains(found, prereleases=True):
            raise ImportError(
                f'fdep_mm {__version__} needs {name}{accepted}, but found '
                f'{name} {found} in {module.__file__}. {way_out}',
                name=name,
            )


def _find_config_root() -> str:
    package = Path(__file__).resolve().parent
    installed = package / '.mim' / 'configs'
    folder = installed if installed.exists() else package.parent / 'configs'
    return str(folder.resolve())


if find_spec('torch') and find_spec('mmengine'):
    check_stack()
    import_module('fdep_mm.core.compat').add_config_package()
    import_module('fdep_mm.core.checkpoints')  # MMEngine reads by it

CONFIG_ROOT: str = _find_config_root()
"""Absolute path of the configs: the installed copy, or the checkout's."""
