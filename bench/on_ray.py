"""What Ray adds to a trial, and whether trials survive when processes and machines are killed.

    python bench/on_ray.py trials 1000      # milliseconds of a trial that does nothing
    python bench/on_ray.py storm            # 200 trials, 30 kills: how many are lost, or twice?

Needs ``pip install 'ablations[ray]'``. `docs/clusters.md` has the figures.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from ablations import load_study, run_study
from ablations.core.design import Arm
from ablations.core.record import RunRecord
from ablations.core.study import Trial
from ablations.run.executors import Executor, Work
from ablations.run.executors.local import LocalExecutor
from ablations.run.executors.ray import RayExecutor
from ablations.run.observer import Observer

TRAINING = """
import time


def train(trial, log):
    time.sleep(trial.settings["seconds"])
    log.metric("test_accuracy", trial.rng("order").random(), unit="fraction", better="higher")
"""

STUDY = """
title = "Trials in a storm"
[trial]
run = "short_training:train"
[trial.settings]
seconds = 0.4
[factors.a]
off = {}
on = { a = 1 }
[factors.b]
off = {}
on = { b = 1 }
[design]
seeds = 50
"""


def study_folder() -> Path:
    """Writes a training function and a study beside it."""
    folder = Path(tempfile.mkdtemp(prefix="ablations-bench-"))
    (folder / "short_training.py").write_text(TRAINING)
    (folder / "storm.toml").write_text(STUDY)
    return folder


def time_trials(number: int, executor: Executor, warm: int = 50) -> None:
    """Prints the time of a trial after the first ones, and the driver's memory on the way."""
    folder, settings = str(study_folder()), {"seconds": 0}
    arms = [Arm((("a", level),)) for level in ("off", "on")]
    trials = [
        Trial("s", "short_training:train", arm, seed, {**settings, **dict(arm.levels)},
              folder=folder)
        for seed in range(number // 2) for arm in arms
    ]  # fmt: skip
    ended = executor.run(Work(trials, log_dir=Path(folder) / "logs"), Observer())
    began = 0.0
    for place, (_, record) in enumerate(ended, 1):
        assert record.completed, record.message
        if place == warm:
            began = time.perf_counter()
        if place in (warm, number // 2, number):
            print(f"  after {place:6} trials: driver {_resident_mib():.0f} MiB", flush=True)
    spent = (time.perf_counter() - began) / (number - warm)
    print(f"{type(executor).__name__}: {1e3 * spent:.1f} ms a trial over {number}")


def _resident_mib() -> float:
    return psutil.Process().memory_info().rss / 2**20


class Storm(threading.Thread):
    """Kills a process or a machine of a cluster at random moments, so many times."""

    def __init__(self, cluster: object, kills: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.cluster, self.left, self.random = cluster, kills, random.Random(seed)
        self.killed: collections.Counter[str] = collections.Counter()

    def run(self) -> None:
        while self.left > 0:
            time.sleep(self.random.uniform(0.3, 2.5))
            kind = self.random.choices(("training", "watcher", "machine"), (5, 5, 2))[0]
            if getattr(self, f"kill_{kind}")():
                self.left -= 1
                self.killed[kind] += 1
                print(f"killed: {dict(self.killed)}", flush=True)

    def kill_training(self) -> bool:
        return self._kill(_trainings())

    def kill_watcher(self) -> bool:
        return self._kill([process.parent() for process in _trainings()])

    def kill_machine(self) -> bool:
        machine = self.random.choice(sorted(self.cluster.worker_nodes, key=id))
        self.cluster.remove_node(machine, allow_graceful=False)
        add_machine(self.cluster)
        return True

    def _kill(self, processes: Sequence[psutil.Process | None]) -> bool:
        found = [process for process in processes if process and process.pid != os.getpid()]
        if found:
            self.random.choice(found).kill()
        return bool(found)


def _trainings() -> list[psutil.Process]:
    def below() -> Iterator[psutil.Process]:
        for process in psutil.process_iter(["cmdline"]):
            if (process.info["cmdline"] or [])[-2:] == ["-m", "ablations.run"]:
                with_mark = {"ABLATIONS_BENCH"} <= set(process.environ())
                if with_mark:
                    yield process

    try:
        return list(below())
    except psutil.Error:  # one has ended meanwhile
        return []


def add_machine(cluster: object) -> None:
    """Adds a raylet with one core."""
    marked = {"ABLATIONS_BENCH": "1"}
    cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20, env_vars=marked)


def storm(kills: int, seed: int) -> int:
    """Trains 200 trials under fire; returns how many are lost or in the store twice."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ.update(RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0")
    quick = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500,
             "health_check_timeout_ms": 1000, "health_check_failure_threshold": 3}  # fmt: skip
    cluster = Cluster(
        initialize_head=True,
        shutdown_at_exit=False,  # else machines could not be added in another thread
        head_node_args={"num_cpus": 0, "_system_config": quick, "include_dashboard": False},
    )
    for _ in range(2):
        add_machine(cluster)
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    ray._private.worker._worker_logs_enabled = False
    folder = study_folder()
    fire = Storm(cluster, kills, seed)
    fire.start()
    study, runs = load_study(folder / "storm.toml"), folder / "runs"
    try:
        began = time.perf_counter()
        records = run_study(study, executor=RayExecutor(), runs_dir=runs)
        took, wrong = time.perf_counter() - began, _judge(records, fire)
        print(f"took {took:.0f} s")
    finally:
        fire.left = 0
        fire.join()
        ray.shutdown()
        cluster.shutdown()
    return wrong


def _judge(records: Sequence[RunRecord], fire: Storm) -> int:
    completed = collections.Counter(record.key for record in records if record.completed)
    failed = collections.Counter(r.message.partition(" (")[0] for r in records if not r.completed)
    lost, twice = 200 - len(completed), sum(number - 1 for number in completed.values())
    print(f"kills: {dict(fire.killed)}; failed records: {dict(failed)}")
    print(f"of 200 trials {lost} lost, {twice} twice")
    return lost + twice


def main() -> int:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("trials", "storm"))
    parser.add_argument("number", type=int, nargs="?", default=1000)
    parser.add_argument("--local", action="store_true", help="local workers in place of Ray")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.what == "storm":
        return storm(given.kills, given.seed)
    time_trials(given.number, LocalExecutor(2) if given.local else RayExecutor())
    return 0


if __name__ == "__main__":
    sys.exit(main())
