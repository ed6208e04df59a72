"""Arguments that take one of a few values."""

from collections.abc import Collection


def check_choice(name: str, value: object, known: Collection) -> None:
    """Refuse an argument that is none of the known values."""
    if value not in known:
        raise ValueError(f'{name}={value!r}: give one of {[*known]}')
