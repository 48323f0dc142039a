from __future__ import annotations

import threading
import time

import pytest

from ablations.vision.training.prefetch import prefetch


def test_items_come_in_order_and_are_made_ahead():
    made = []

    def items():
        for i in range(5):
            made.append(i)
            yield i

    ready = prefetch(items(), ahead=2)
    assert next(ready) == 0
    end = time.monotonic() + 60
    while len(made) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    assert len(made) >= 3
    assert list(ready) == [1, 2, 3, 4]


def test_what_the_making_raises_is_raised_in_its_place():
    def items():
        yield 1
        raise ValueError("broken")

    ready = prefetch(items())
    assert next(ready) == 1
    with pytest.raises(ValueError, match="broken"):
        next(ready)


def test_closing_ends_the_thread():
    def items():
        while True:
            yield 1

    ready = prefetch(items())
    assert next(ready) == 1
    ready.close()
    assert "prefetch" not in [thread.name for thread in threading.enumerate()]


def test_none_is_an_item():
    assert list(prefetch(iter([None, 1]))) == [None, 1]
