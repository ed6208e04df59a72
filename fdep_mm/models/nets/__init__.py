"""Host networks, one file per paper; every file of this folder is imported.

The classes that the files register, XEncoder and XHead, can be imported from
here.
"""

from importlib import import_module
from pkgutil import iter_modules

from fdep_mm.registry import MODELS

for _file in iter_modules(__path__):
    import_module(f'{__name__}.{_file.name}')

_registered = {
    name: cls
    for name, cls in MODELS.module_dict.items()
    if cls.__module__.startswith(f'{__name__}.')
}
globals().update(_registered)
__all__ = sorted(_registered)
