"""Text for terminals and spreadsheets: file names may hold anything."""

import builtins
from collections.abc import Sequence


def print(*values: object, **options) -> None:
    r"""Print with control characters escaped: ``\x1b`` may write anything."""
    builtins.print(*map(shown, values), **options)


def shown(value: object) -> str:
    """Escape what is not printable, except line breaks."""
    return ''.join(
        c if c.isprintable() or c == '\n' else ascii(c)[1:-1]
        for c in str(value)
    )


def one_line(value: object) -> str:
    """A name in a message: escape line breaks, too."""
    return shown(value).replace('\n', r'\n')


def first_line(error: Exception) -> str:
    """What an error says, or its type where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def cell(name: str) -> str:
    """Quote a name that spreadsheets would run as a formula."""
    return f"'{name}" if name.startswith(tuple('=+-@\t\r')) else name


def some(names: Sequence[str], limit: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f' and {len(names) - limit} more' if len(names) > limit else ''
    return ', '.join(map(repr, names[:limit])) + more
