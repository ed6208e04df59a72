"""What command lines share: help, errors, warnings and progress."""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pickle import UnpicklingError
from typing import TypeVar

from .text import print

T = TypeVar('T')
USER_ERRORS = (ValueError, OSError, ImportError, UnpicklingError)


class Parser(argparse.ArgumentParser):
    """Shows a tool's docstring as it is; errors of options have code 2."""

    def __init__(self, doc: str) -> None:
        raw = argparse.RawDescriptionHelpFormatter
        super().__init__(description=doc, formatter_class=raw)


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
