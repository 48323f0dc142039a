"""A real Ray cluster of two machines, for which two raylets on this one stand."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

NODE = "ABLATIONS_TEST_NODE"
"""Names the machine to all processes that train on it."""

OWNER = "ABLATIONS_TEST_OWNER"
"""Names the process that has started the cluster, as several may."""

QUICK = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500,
         "health_check_timeout_ms": 500, "health_check_failure_threshold": 2}  # fmt: skip
SMALL = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Two machines, "a" with the driver and "b", each with one core and a small object store.

    Its folder and its ports are its own, so that several may run at a time; at the end no process
    of it is left.
    """
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'ablations[ray]'")
    from ray._private.utils import get_ray_address_file
    from ray.cluster_utils import Cluster

    # The cluster notes its address there, and only `ray.init` makes the folder.
    Path(get_ray_address_file(None)).parent.mkdir(parents=True, exist_ok=True)
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled")
    own = {OWNER: str(os.getpid())}
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # paths of sockets must be short
    found = Cluster(
        initialize_head=True,
        head_node_args={**SMALL, "_system_config": QUICK, "env_vars": {**own, NODE: "a"},
                        "temp_dir": folder, "dashboard_agent_listen_port": 0},
    )  # fmt: skip
    found.add_machine = lambda name, **env: found.add_node(
        **SMALL, env_vars={**own, NODE: name, **env}
    )
    found.second = found.add_machine("b")
    yield found
    ray.shutdown()
    found.shutdown()
    began = time.monotonic()
    while left := [process.cmdline() for process in _processes_of(folder)]:
        assert time.monotonic() - began < 60, left
        time.sleep(0.1)
    shutil.rmtree(folder)


def _processes_of(folder: str) -> Iterator[psutil.Process]:
    """Yields the cluster's own processes, which name its folder, and those that it has started."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            ours = process.environ().get(OWNER) == str(os.getpid())
            if ours or folder in " ".join(process.cmdline()):
                yield process


@pytest.fixture
def joined(cluster: Any) -> Any:
    """The cluster, to which this process is connected."""
    import ray

    if not ray.is_initialized():
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    return cluster


@pytest.fixture
def noting_nodes(study_path: Path) -> Path:
    """Has the training function note the machine, and take a moment."""
    (module,) = study_path.parent.glob("training_*.py")
    line = f"    time.sleep(0.3)\n    log.environment(place=os.environ.get('{NODE}', 'none'))\n"
    line += "    log.environment(gpus=repr(os.environ.get('CUDA_VISIBLE_DEVICES')))\n"
    body, describe = module.read_text().split("def describe")
    module.write_text(f"{body.rstrip()}\n{line}\n\ndef describe{describe}")
    return study_path
