"""Writes the log of one training as Keras prints it, with the time of a step."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.estimates import Curve
from ablations.core.findings import ArmFinding
from ablations.core.metrics import ACCURACY, LOSS, VAL_ACCURACY, VAL_LOSS
from ablations.core.record import RunRecord
from ablations.text.formatting import epoch_line

_USUAL = (LOSS, ACCURACY, VAL_LOSS, VAL_ACCURACY)


def epoch_log(arm: ArmFinding, records: Sequence[RunRecord]) -> tuple[int, str] | None:
    """Returns the first seed of an arm and the log of its epochs, or nothing without epochs.

    Step times come from the seed's record, and are left out where there is none.
    """
    if not arm.curves:
        return None
    seed = min(curve.seed for curve in arm.curves)
    own = sorted((curve for curve in arm.curves if curve.seed == seed), key=_position)
    record = _record(arm, records, seed)
    total = min(len(curve.values) for curve in own)
    return seed, "\n".join(_line(own, epoch, total=total, record=record) for epoch in range(total))


def _position(curve: Curve) -> int:
    """Puts the usual metrics first, and in the usual order."""
    return _USUAL.index(curve.metric) if curve.metric in _USUAL else len(_USUAL)


def _record(arm: ArmFinding, records: Sequence[RunRecord], seed: int) -> RunRecord | None:
    own = [r for r in records if r.completed and r.arm == arm.arm and r.seed == seed]
    return max(own, key=lambda record: record.started_at, default=None)


def _line(own: Sequence[Curve], epoch: int, *, total: int, record: RunRecord | None) -> str:
    steps = record.steps[epoch] if record and epoch < len(record.steps) else ()
    return epoch_line(
        epoch + 1,
        total,
        steps=len(steps),
        # The mean over all steps, the first ones with their compilation included, as Keras has it.
        step_seconds=float(sum(steps) / len(steps)) if len(steps) else None,
        metrics={curve.metric: curve.values[epoch] for curve in own},
    )
