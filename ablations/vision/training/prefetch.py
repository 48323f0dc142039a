"""Makes the next items of an iterator while the last one is being used."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")

_END = object()


def prefetch(items: Iterator[Item], ahead: int = 2) -> Generator[Item, None, None]:
    """Yields ``items``, which a thread makes up to ``ahead`` of them before they are asked for.

    What the making raises is raised here. Closing the iterator ends the thread.
    """
    queue: Queue[object] = Queue(maxsize=ahead)
    closed = Event()
    thread = Thread(target=_fill, args=(items, queue, closed), name="prefetch", daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item[0]  # type: ignore[index]
    finally:
        closed.set()
        thread.join()


def _fill(items: Iterator[object], queue: Queue[object], closed: Event) -> None:
    try:
        for item in items:
            if not _put((item,), queue, closed):
                return
        _put(_END, queue, closed)
    except BaseException as error:
        _put(error, queue, closed)


def _put(item: object, queue: Queue[object], closed: Event) -> bool:
    """Waits until there is room; returns whether there was before the iterator was closed."""
    while not closed.is_set():
        try:
            queue.put(item, timeout=0.1)
        except Full:
            continue
        return True
    return False
