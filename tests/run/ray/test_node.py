"""What a machine of the cluster gives to the worker of a task, and what it leaves there."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from ablations.run.executors.ray.node import gpu_variables, remove_old_logs


@pytest.mark.parametrize(("gpus", "seen", "share"), [(0, "", False), (0.5, "3", True),
                                                     (1, "3", False)])  # fmt: skip
def test_a_worker_sees_the_gpus_of_its_task_alone(monkeypatch, gpus, seen, share):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    found = gpu_variables(gpus)
    assert found.pop("CUDA_VISIBLE_DEVICES") == seen
    assert bool(found) == share


def test_logs_of_processes_that_are_gone_are_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = {f"logs-{ended.pid}-a": False, f"logs-{os.getpid()}-b": True, "logs-new": True,
             "logs-old": False, "other-1": True}  # fmt: skip
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.txt").touch()
    day_ago = time.time() - 25 * 3600
    for name in ("logs-old", f"logs-{os.getpid()}-b", "other-1"):
        os.utime(tmp_path / name, (day_ago, day_ago))
    remove_old_logs(tmp_path)
    remove_old_logs(tmp_path / "none")
    assert {name: (tmp_path / name).exists() for name in names} == names
