"""Refuses misspelled settings of the command line in any program."""

import argparse

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fdep_mm.core.config_check import merge_options
from fdep_mm.core.options import OptionAction
from fdep_mm.registry import HOOKS


@HOOKS.register_module()
class ConfigCheckHook(Hook):
    """Refuses ``--cfg-options`` that hit nothing, for ``mim train`` too.

    Raises:
        ValueError: See :func:`fdep_mm.core.config_check.merge_options`.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Compare the command line with the config file."""
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        parser.add_argument('--cfg-options', nargs='+', action=OptionAction)
        options = parser.parse_known_args()[0].cfg_options
        if options and runner.cfg.filename:
            merge_options(Config.fromfile(runner.cfg.filename), options)
