"""Settings of a command line."""

import difflib
from argparse import ArgumentParser, Namespace

from mmengine.config import DictAction

from .stored_config import read_settings


class OptionAction(DictAction):
    """KEY=VALUE of a command line, where VALUE may hold ``dict(...)``.

    MMEngine's own reads dicts as text, never finds the end of those in lists,
    and removes the spaces of paths.
    """

    @staticmethod
    def _parse_iterable(val: str) -> object:
        if val.startswith(('(', '[')) or ',' in val:
            return DictAction._parse_iterable(val)
        return DictAction._parse_int_float_bool(val.strip('\'" '))

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: list[str],
        option_string: str | None = None,
    ) -> None:
        """Add the settings to those of the option before."""
        dicts = [one for one in values if 'dict(' in one or '{' in one]
        plain = [one for one in values if one not in dicts]
        super().__call__(parser, namespace, plain, option_string)
        options = getattr(namespace, self.dest)
        for one in dicts:
            key, _, text = one.partition('=')
            try:
                options[key] = read_settings(f'value = {text}')['value']
            except ValueError:
                parser.error(
                    f'{one}: give literals and dict(...) of them, such as '
                    'custom_hooks="[dict(type=\'fdep_mm.HSEHook\')]"'
                )


def add_cfg_options(parser: ArgumentParser) -> None:
    """Add what puts settings into a config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionAction,
        default={},
        help='settings that replace those of the config, as key=value: '
        'train_cfg.max_epochs=10 model.vfm.out_indices="(2,3)"',
    )


def nearest(name: str, known: set[str], cutoff: float = 0.6) -> str:
    """Similar known names as a part of a message, or ''."""
    near = difflib.get_close_matches(name, known, 3, cutoff)
    return f' (nearest: {", ".join(map(repr, near))})' if near else ''
