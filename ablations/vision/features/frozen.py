"""What the frozen prefix of a model makes of the images: computed once, kept, and shared.

Without augmentation, it depends only on the prefix and the data; all epochs, seeds and arms share
it. With augmentation, it also depends on the random draws and the order of the images; arms that
draw the same from the same images share it, epoch by epoch.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ablations.vision.data.images import Source
from ablations.vision.features import engines, keys
from ablations.vision.features.augmenting import Augmentation, Draws
from ablations.vision.features.blocks import Blocks, Ledger
from ablations.vision.model.flops import flops
from ablations.vision.model.graph import Cut, model_of
from ablations.vision.platform import cache

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Compute = Callable[[int], Floats]

BLOCK = 256
STEPS = 8
"""Images, and augmented batches, of a block: half a second's work or so for MobileNetV2."""

KEPT_BYTES = 1 << 26
"""An augmented epoch is kept for other arms up to this size (25,000 images of 640 numbers)."""


class Features:
    """The outputs of a frozen prefix, for training and for inference.

    ``fixed`` keeps the cost of computing images without augmentation, ``augmented`` with it.

    Args:
        parts: A model's prefix, with weights in it.
        source: All images of the data set.
    """

    def __init__(self, parts: Cut, source: Source) -> None:
        self.fixed, self.augmented = Ledger(), Ledger()
        self._source = source
        self._lead = Augmentation(
            (*parts.before, *parts.random) if parts.random else (), source.shape
        )
        core = parts.after if parts.random else parts.before
        model = model_of(core, self._lead.output_shape)
        self.shape: tuple[int, ...] = tuple(model.output_shape[1:])
        self.flops = flops(model)
        self._core_key = keys.key_of(core, self._lead.output_shape)
        whole = keys.key_of((*self._lead.resting, *core), source.shape)
        self._engine = engines.choose(model, key=self._core_key, images=len(source.images))
        name = f"{source.digest}-{self._made(whole)}"
        self._resting = self._blocks(name, BLOCK, self._compute, ledger=self.fixed)

    def inference(self, rows: Rows) -> Floats:
        """Returns the features of these images, not augmented."""
        return self._resting.read(rows)

    def training(self, steps: Sequence[Rows]) -> Iterator[Floats]:
        """Yields the features of each step of an epoch, augmented where the model augments.

        What can be kept is computed before this returns; what cannot, step by step.
        """
        if not self._lead.links:
            self._resting.ensure(np.concatenate(steps))  # at once, so that processes share it
            return map(self._resting.read, steps)
        if 4 * sum(map(len, steps)) * math.prod(self.shape) > KEPT_BYTES:
            return (self._augment(rows, self._lead.draw(len(rows))) for rows in steps)
        return self._kept_epoch(steps)

    def _kept_epoch(self, steps: Sequence[Rows]) -> Iterator[Floats]:
        """Yields an augmented epoch from the cache, and puts it there if it is missing."""
        before, name = self._lead.states, self._epoch_name(steps)
        stored = cache.folder() / "features" / name / "states.json"
        draws: list[Draws] = []

        def draw() -> None:
            self._lead.states = before
            draws.extend(self._lead.draw(len(rows)) for rows in steps)

        def compute(block: int) -> Floats:
            if not draws:  # the cache has lost a part of the epoch
                draw()
            own = range(block * STEPS, min((block + 1) * STEPS, len(steps)))
            return np.concatenate([self._augment(steps[i], draws[i]) for i in own])

        complete = stored.exists()
        if not complete:
            draw()
        size = STEPS * len(steps[0])
        blocks = self._blocks(name, size, compute, ledger=self.augmented)
        kept = blocks.read(np.arange(sum(map(len, steps))))
        if complete:
            self._lead.states = json.loads(stored.read_text(encoding="utf-8"))
        else:
            cache.publish_text(stored, json.dumps(self._lead.states))
        return iter(np.split(kept, np.cumsum([len(rows) for rows in steps])[:-1]))

    def _compute(self, block: int) -> Floats:
        rows = np.arange(block * BLOCK, min((block + 1) * BLOCK, len(self._source.images)))
        return self._engine.run(self._lead.rest(self._source.read(rows)))

    def _augment(self, rows: Rows, draws: Draws) -> Floats:
        return self._engine.run(self._lead.apply(draws, self._source.read(rows)))

    def _blocks(self, name: str, size: int, compute: Compute, *, ledger: Ledger) -> Blocks:
        folder = cache.folder() / "features" / name
        return Blocks(folder, size, compute, self._engine.name, ledger)

    def _made(self, what: str) -> str:
        """Names what is computed by what computes it: another engine rounds otherwise."""
        facts = f"{what} {self._engine.name} {engines.threads()}"
        return hashlib.sha256(facts.encode()).hexdigest()[:32]

    def _epoch_name(self, steps: Sequence[Rows]) -> str:
        facts = hashlib.sha256(self._core_key.encode())
        facts.update(json.dumps([self._lead.facts, self._lead.states]).encode())
        for rows in steps:
            facts.update(np.asarray(rows, dtype="<i8").tobytes() + b"\0")
        return f"{self._source.digest}-{self._made(facts.hexdigest())}"
