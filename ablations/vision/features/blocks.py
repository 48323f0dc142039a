"""Arrays that several processes compute together, block by block, and keep in the cache."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from ablations.vision.platform import cache

Array = NDArray[Any]
Rows = NDArray[np.int64]


@dataclass(slots=True)
class Ledger:
    """How long the rows that were read took to compute, here and elsewhere, and by which engine."""

    rows: int = 0
    seconds: float = 0.0
    shared_seconds: float = 0.0
    engines: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Rows of an array, ``size`` of them a file, each file computed by whoever comes first.

    A process that finds a block taken goes on with another, so that all share the work. A process
    that dies leaves its block to the others.

    Args:
        folder: Where the blocks lie.
        size: Rows of a block.
        compute: Returns all rows of a block, by the block's number.
        engine: What computes them.
        ledger: Notes who computed what.
    """

    folder: Path
    size: int
    compute: Callable[[int], Array]
    engine: str
    ledger: Ledger
    _loaded: dict[int, Array] = field(default_factory=dict)

    def read(self, rows: Rows) -> Array:
        """Returns these rows, in their order, and computes what is missing of them."""
        self.ensure(rows)
        which = rows // self.size
        wanted = np.unique(which).tolist()
        first = self._loaded[wanted[0]]
        found = np.empty((len(rows), *first.shape[1:]), dtype=first.dtype)
        for block in wanted:
            chosen = which == block
            found[chosen] = self._loaded[block][rows[chosen] - block * self.size]
        return found

    def ensure(self, rows: Rows) -> None:
        """Loads or computes these rows.

        Blocks that another process is computing come last, and are waited for.
        """
        wanted = np.unique(rows // self.size).tolist()
        missing = deque(block for block in wanted if block not in self._loaded)
        untried = len(missing)
        while missing:
            block = missing.popleft()
            untried -= 1
            if not self._obtain(block, wait=untried < 0):
                missing.append(block)

    def _obtain(self, block: int, *, wait: bool) -> bool:
        """Loads or computes a block; returns whether it could be had without waiting."""
        path = self.folder / f"{block:05}.npy"
        if path.exists() and self._load(block, path):
            return True
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                with FileLock(path.with_suffix(".lock"), timeout=-1 if wait else 0):
                    if not path.exists():
                        self._make(block, path)
            except Timeout:
                return False
        return self._load(block, path)

    def _make(self, block: int, path: Path) -> None:
        began = time.perf_counter()
        values = self.compute(block)
        seconds = time.perf_counter() - began
        facts = json.dumps({"engine": self.engine, "seconds": seconds})
        self.ledger.shared_seconds -= seconds  # which `_load` adds to it
        cache.publish_text(path.with_suffix(".json"), facts)
        cache.publish(path, lambda beside: np.save(beside, values))

    def _load(self, block: int, path: Path) -> bool:
        """Opens a block; one that is damaged is removed, to be computed anew."""
        try:
            os.utime(self.folder)  # which says that it is in use
            facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            self._loaded[block] = np.load(path, mmap_mode="r")
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
            return False
        self.ledger.engines.add(facts["engine"])
        self.ledger.rows += len(self._loaded[block])
        self.ledger.seconds += facts["seconds"]
        self.ledger.shared_seconds += facts["seconds"]
        return True
