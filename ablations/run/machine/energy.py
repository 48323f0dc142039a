"""The energy that the machine's processors and GPUs use, where the hardware counts it.

Linux counts a processor's energy in ``/sys/class/powercap`` (RAPL), NVIDIA's library a GPU's since
its driver was loaded. Both count for all processes, so a trial's energy is only known where no
other trial ran at the same time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ablations.run.machine.hardware import gpu_joules

LARGEST_WATTS = 500.0
"""More than one processor takes."""

POWERCAP = Path("/sys/class/powercap")


def counters() -> dict[str, tuple[float, float]]:
    """Returns each counter's value, and the one after which it restarts, in joules, by its name.

    Empty where nothing can be read, or where other workers run beside this one.
    """
    if os.environ.get("ABLATIONS_JOBS", "1") != "1":
        return {}
    found = {f"gpu {name}": (joules, float("inf")) for name, joules in gpu_joules().items()}
    for zone in POWERCAP.glob("intel-rapl:[0-9]*"):
        if zone.name.count(":") == 1:  # a whole package; its parts are counted in it
            with suppress(OSError, ValueError):  # most systems let only root read it
                if not (zone / "name").read_text(encoding="ascii").startswith("package"):
                    continue  # the counter of a whole machine includes the packages
                wraps = _joules(zone / "max_energy_range_uj")
                found[zone.name] = (_joules(zone / "energy_uj"), wraps)
    return found


def _joules(file: Path) -> float:
    return int(file.read_text(encoding="ascii")) / 1e6


def spent(before: Mapping[str, tuple[float, float]], seconds: float) -> float | None:
    """Returns the joules since the counters were ``before``, so many seconds ago.

    ``None`` where nothing counts them, or where a counter may have restarted more than once.
    """
    after = counters()
    if not before or set(before) != set(after):
        return None
    if seconds * LARGEST_WATTS > min(wraps for _, wraps in before.values()):
        return None
    total = 0.0
    for name, (start, wraps) in before.items():
        used = after[name][0] - start
        total += used if used >= 0 else used + wraps
    return total
