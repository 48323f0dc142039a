"""What tests of the adapters share: trials of two arms, and points that a small model learns."""

from __future__ import annotations

import numpy as np
import pytest

from ablations import Arm, Trial, TrialLog

N = 120


def trial_of(seed: int = 0, arm: str = "off", **settings: object) -> Trial:
    return Trial("s", "m:f", Arm((("it", arm),)), seed, settings)


def points() -> tuple[np.ndarray, np.ndarray]:
    """Returns (N, 4) inputs, the first of which is the row, and labels of three classes."""
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 3
    inputs = np.eye(4)[labels + 1] + rng.normal(0, 0.1, (N, 4))
    inputs[:, 0] = np.arange(N) / N
    return inputs.astype("float32"), labels


def rows(inputs: np.ndarray) -> list[int]:
    """Returns which of `points` these are."""
    return np.rint(np.asarray(inputs)[:, 0] * N).astype(int).tolist()


def metrics_of(log: TrialLog) -> dict[str, float]:
    return {metric.name: metric.value for metric in log.contents().metrics}


@pytest.fixture
def log() -> TrialLog:
    return TrialLog()
