"""What command lines share: help, errors, warnings and progress."""

import argparse
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from pickle import UnpicklingError
from typing import NoReturn, TypeVar

from .text import print

T = TypeVar('T')
USER_ERRORS = (ValueError, OSError, ImportError, UnpicklingError)


class Help(
    argparse.RawDescriptionHelpFormatter,
    argparse.ArgumentDefaultsHelpFormatter,
):
    """Shows a tool's docstring as it is, and defaults of single values."""

    def _get_help_string(self, action: argparse.Action) -> str:
        single = isinstance(action.default, (int, float, str, Path))
        if single and str(action.default) not in ('True', 'False', ''):
            return super()._get_help_string(action)
        return action.help


class Parser(argparse.ArgumentParser):
    """Parser of a tool with this docstring; errors are one line, code 2."""

    def __init__(self, doc: str) -> None:
        super().__init__(description=doc, formatter_class=Help)

    def error(self, message: str) -> NoReturn:
        """Without the usage, which is longer than a screen for some tools."""
        print(f'error: {message} (--help shows all options)', file=sys.stderr)
        self.exit(2)


def number(
    kind: type, low: float, high: float = math.inf
) -> Callable[[str], float]:
    """Type of an option: int or float, from a lowest to a highest number."""

    def read(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            limits = f'{low} to {high}' if high < math.inf else f'{low} on'
            raise argparse.ArgumentTypeError(
                f'{text}: give a number from {limits}'
            )
        return value

    read.__name__ = kind.__name__  # argparse calls it so where kind fails
    return read


def command(*more: type[Exception]) -> Callable:
    """Make a function the main one of a tool, which gives the exit code.

    Errors that users can fix become one line on stderr and code 2, warnings
    one line each.
    """

    def wrap(main: Callable[[], int | None]) -> Callable[[], int]:
        @wraps(main)
        def run() -> int:
            with warnings.catch_warnings():
                warnings.simplefilter('default', UserWarning)
                warnings.showwarning = _show
                try:
                    return main() or 0
                except (*USER_ERRORS, *more) as error:
                    print(f'error: {error}', file=sys.stderr)
                    return 2
                except KeyboardInterrupt:
                    print(
                        'interrupted; what was written so far is kept',
                        file=sys.stderr,
                    )
                    return 130

        return run

    return wrap


@contextmanager
def user_errors(*errors: type[Exception]) -> Iterator[None]:
    """End the program with one line and code 2 at these errors."""
    try:
        yield
    except errors as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(2)


def _show(message: Warning, *_: object) -> None:
    print(f'warning: {message}', file=sys.stderr)


def track(items: Sequence[T], text: str = '') -> Iterable[T]:
    """Iterate with a progress bar on stderr, if that is a terminal."""
    from rich.console import Console
    from rich.progress import track as bar

    console = Console(stderr=True)
    return bar(items, text, console=console, disable=not console.is_terminal)
