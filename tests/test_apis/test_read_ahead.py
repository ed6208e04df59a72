"""Frames that a thread reads while earlier ones are searched."""

import functools
import itertools
import threading

import pytest

from fdep_mm.apis.video import AHEAD, read_ahead


@pytest.mark.parametrize('drop', [False, True])
def test_late_frames(drop):
    sent, dropped, got = threading.Event(), [], []

    def fast():
        yield from range(40)
        sent.set()

    late = functools.partial(dropped.append, 1) if drop else None
    for number in read_ahead(fast(), late):
        if drop:
            assert sent.wait(10)
        got.append(number)
    assert got == sorted(got) and got[-1] == 39
    assert len(got) + len(dropped) == 40
    # what was read ahead, and the first, which was taken at once
    assert len(got) <= AHEAD + 1 if drop else not dropped


def test_whoever_stops_early_closes_the_source():
    """Also while the thread waits for room."""
    full, closed = threading.Event(), threading.Event()

    def endless():
        try:
            for number in itertools.count():
                if number > AHEAD:
                    full.set()
                yield number
        finally:
            closed.set()

    items = read_ahead(endless())
    assert next(items) == 0 and full.wait(10)
    items.close()
    assert closed.wait(10)


def test_errors_of_the_thread_are_raised():
    def broken():
        yield 1
        raise ValueError('unplugged')

    items = read_ahead(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match='unplugged'):
        next(items)
