"""What a trial is given of a machine of a cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resources:
    """What a cluster keeps free for a trial, which changes nothing of what the trial computes.

    Args:
        cpus: Cores; at least as many as the trial has threads.
        gpus: GPUs, or the part of one; a trial with none sees none.
        memory_gib: Memory in GiB; ``None`` where the trial is placed without regard to memory.
        accelerator: The kind of GPU by the cluster's name for it, such as ``A100``.
    """

    cpus: float = 1
    gpus: float = 0
    memory_gib: float | None = None
    accelerator: str | None = None
