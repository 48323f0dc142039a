"""From run records to findings: frozen numbers, without text or figures.

Start at ``analyze``; ``frames.to_frames`` gives the same records as tidy tables. Formulas, sources
and limits are in ``docs/statistics.md``.
"""

from __future__ import annotations

from ablations.analyze.adaptive import AskedTrials, asked
from ablations.analyze.analysis import analyze
from ablations.analyze.compare.gates import exit_code
from ablations.analyze.compare.regression import (
    compare_with_past,
    past_exit_code,
    past_of_records,
    read_past,
)
from ablations.analyze.compare.reruns import Comparison, Mismatch, compare_rerun
from ablations.analyze.compare.synthesis import synthesize
from ablations.analyze.derived import measured
from ablations.analyze.inference.selftest import with_self_test

__all__ = [
    "AskedTrials",
    "Comparison",
    "Mismatch",
    "analyze",
    "asked",
    "compare_rerun",
    "compare_with_past",
    "exit_code",
    "measured",
    "past_exit_code",
    "past_of_records",
    "read_past",
    "synthesize",
    "with_self_test",
]
