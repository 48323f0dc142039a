"""Writes arms and effects as Parquet, with the types of their columns."""

from __future__ import annotations

from ablations.core.findings import Decision
from ablations.records.exports import parquet_bytes
from ablations.report.data_files import main_frames


def parquet(decision: Decision) -> dict[str, str | bytes]:
    """Returns a file for each table; one of no rows is left out.

    Raises:
        StudyError: without pyarrow.
    """
    frames = main_frames(decision.findings)
    return {f"{name}.parquet": parquet_bytes(frame) for name, frame in frames.items()}
