"""Writes arms and effects as CSV at full precision, as they also lie beside a report."""

from __future__ import annotations

from ablations.core.findings import Decision
from ablations.report.data_files import main_frames
from ablations.text.sheets import to_csv


def csv(decision: Decision) -> dict[str, str | bytes]:
    """Returns a file for each table; one of no rows is left out."""
    frames = main_frames(decision.findings)
    return {f"{name}.csv": to_csv(frame) for name, frame in frames.items()}
