"""How long a command takes before it does anything."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.benchmark(group="start-up of a command")
@pytest.mark.parametrize("arguments", [["--help"], ["plan", "quickstart"]], ids=" ".join)
def test_command(benchmark, arguments):
    command = [sys.executable, "-m", "ablations", *arguments]
    done = benchmark.pedantic(
        subprocess.run,
        args=(command,),
        kwargs={"capture_output": True, "check": True},
        rounds=10,
        warmup_rounds=1,
    )
    assert done.stdout
