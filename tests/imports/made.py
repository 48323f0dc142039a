"""The trials that every fixture holds: 2 x 2 arms at 3 seeds, with numbers that anyone can make.

The scripts in ``written/`` log them with the real tools, without this project being installed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

EPOCHS = 3


@dataclass(frozen=True)
class Made:
    """One trial: its settings, its curves and its result."""

    augment: bool
    base: str
    seed: int
    epochs: list[dict[str, float]] = field(default_factory=list)
    test_accuracy: float = 0.0

    @property
    def params(self) -> dict[str, object]:
        return {"augment": self.augment, "base": self.base, "seed": self.seed, "lr": 0.1,
                "batch_size": 32}  # fmt: skip

    @property
    def folder(self) -> str:
        return f"augment={self.augment},base={self.base}/seed={self.seed}"


def made_trials() -> Iterator[Made]:
    """Yields the trials; equal seeds have a draw in common, as paired trials have."""
    for seed in (0, 1, 2):
        shared = random.Random(seed).random()
        for augment in (False, True):
            for base in ("none", "MobileNetV2"):
                own = random.Random(f"{seed} {augment} {base}").random()
                gain = 0.03 * augment + 0.2 * (base != "none")
                accuracy = 0.6 + gain + 0.05 * shared + 0.01 * own
                epochs = [
                    {
                        "loss": 1 / (epoch + 1) - 0.1 * gain,
                        "val_accuracy": accuracy - 0.05 / (epoch + 1),
                    }
                    for epoch in range(EPOCHS)
                ]
                yield Made(augment, base, seed, epochs, accuracy)
