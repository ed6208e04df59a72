"""What goes to terminals and spreadsheets: names of files may be anything."""

import builtins
import sys
import warnings
from collections.abc import Callable


def print(*values: object, **options) -> None:
    r"""Print, but control characters as text: ``\x1b`` may write anything."""
    builtins.print(*map(shown, values), **options)


def shown(value: object) -> str:
    """Escape what is not printable, but for the ends of lines."""
    return ''.join(
        c if c.isprintable() or c == '\n' else ascii(c)[1:-1]
        for c in str(value)
    )


def cell(name: str) -> str:
    """Quote a name that spreadsheets would run as a formula."""
    return f"'{name}" if name.startswith(('=', '+', '-', '@')) else name


def one_line_errors(work: Callable[[], int]) -> int:
    """Do the work of a tool; what is wrong with its input is one line.

    Args:
        work (Callable): Returns the exit code.

    Returns:
        int: The same; 2 after a ValueError or OSError.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            code = work()
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    for warning in caught:
        print(f'warning: {warning.message}', file=sys.stderr)
    return code
