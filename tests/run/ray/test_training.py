"""Trials on a real Ray cluster of two raylets on this machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ablations.calls import run_study
from ablations.errors import StudyError
from ablations.plan import load_study
from ablations.records.running import has_ended, machine_name, read_running
from ablations.run.executors.local import LocalExecutor
from ablations.run.executors.ray import RayExecutor
from ablations.run.executors.ray.cluster import connected
from ablations.run.executors.ray.executor import _Driver
from ablations.run.observer import Observer
from ablations.session import Session

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'ablations[ray]'")

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

NODE = "ABLATIONS_TEST_NODE"
OWNER = "ABLATIONS_TEST_OWNER"


class Seen(Observer):
    """Notes all events."""

    def __init__(self):
        self.events = []

    def added(self, trials):
        self.events += [("added", trial.key) for trial in trials]

    def started(self, trial):
        self.events.append(("started", trial.key))

    def epoch(self, trial, number, metrics):
        self.events.append(("epoch", trial.key, number))

    def finished(self, trial, record):
        self.events.append(("finished", trial.key))


def by_key(records):
    return {record.key: record for record in records}


def results(record):
    """All that a training computes, to the last bit."""
    measured = ("peak_memory_bytes", "energy_joules")
    return (
        record.status, record.reason, record.arm, record.seed, record.settings, record.data,
        [m for m in record.metrics if m.name not in measured], record.epochs,
        [s.tolist() for s in record.steps],
        [(p.split, p.labels.tolist(), p.probabilities.tobytes()) for p in record.predictions],
    )  # fmt: skip


def test_the_records_are_those_of_local_workers_and_each_seed_has_one_machine(
    joined, noting_nodes, tmp_path
):
    study = load_study(noting_nodes)
    seen = Seen()
    there = run_study(study, executor=RayExecutor(), runs_dir=tmp_path / "ray", observer=seen)
    here = by_key(run_study(study, executor=LocalExecutor(2), runs_dir=tmp_path / "local"))
    assert len(there) == len(here) == 12
    for record in there:
        assert results(record) == results(here[record.key])
        assert record.environment["omp"] == record.environment["threads"] == "1"
        assert len(record.environment["node"]) == 8
        assert record.environment["gpus"] == "''"  # none may be seen
    places = {seed: {r.environment["place"] for r in there if r.seed == seed} for seed in range(3)}
    assert all(len(own) == 1 for own in places.values())
    assert set.union(*places.values()) == {"a", "b"}
    for record in there:
        of_trial = [event for event in seen.events if event[1] == record.key]
        assert [event[0] for event in of_trial] == ["started", "epoch", "epoch", "finished"]
    (log,) = (tmp_path / "ray").rglob("node-*.log")
    assert log.read_text().count("--- a=") == 12


def test_with_spread_the_arms_of_a_seed_go_to_both_machines(joined, noting_nodes):
    records = run_study(load_study(noting_nodes, seeds=1), executor=RayExecutor(spread=True))
    assert {record.environment["place"] for record in records} == {"a", "b"}


TOGETHER = """

def joins_seeds(settings, gpus):
    return True


def train_together(trials, logs):
    for trial, log in zip(trials, logs):
        train(trial, log)
        log.environment(together=" ".join(str(own.seed) for own in trials))
    return [None for _ in trials]
"""


def test_seeds_that_train_together_are_one_task(joined, study_path):
    (module,) = study_path.parent.glob("training_*.py")
    module.write_text(module.read_text() + TOGETHER)
    records = run_study(load_study(study_path), executor=RayExecutor())
    assert len(records) == 12
    assert {record.environment["together"] for record in records} == {"0 1 2"}
    for arm in {record.arm for record in records}:
        assert len({record.environment["pid"] for record in records if record.arm == arm}) == 1


def test_seeds_are_added_as_long_as_effects_are_undecided(joined, edit):
    bounds = '{ at_least = 2, at_most = 4, until = "decided" }'
    study = load_study(edit("seeds = 3", f"seeds = {bounds}"))
    there, here = (
        by_key(run_study(study, executor=executor, runs_dir=folder))
        for executor, folder in ((RayExecutor(), "ray"), (LocalExecutor(1), "local"))
    )
    assert there.keys() == here.keys()
    assert 8 < len(there) <= 16
    assert all(results(record) == results(here[key]) for key, record in there.items())


@pytest.mark.parametrize("fault", [
    "raise_at = 0", "nan_at = 0", "die_at = 0",
    pytest.param("sleep_at = 0\nsleep = 9", marks=pytest.mark.slow),
])  # fmt: skip
def test_what_goes_wrong_in_a_training_is_the_record_that_local_workers_give(joined, edit, fault):
    path = edit("[trial.settings]", f"timeout_seconds = 1\n[trial.settings]\n{fault}")
    study = load_study(path, seeds=1)
    there, here = (
        by_key(run_study(study, executor=executor, runs_dir=folder))
        for executor, folder in ((RayExecutor(), "ray"), (LocalExecutor(1), "local"))
    )
    assert len(there) == 4
    assert {record.status for record in there.values()} == {"failed"}
    for key, record in there.items():
        assert (record.reason, record.message) == (here[key].reason, here[key].message)


def test_a_trial_that_holds_more_memory_than_it_may_is_ended_on_its_machine(joined, edit):
    path = edit("[trial.settings]", "memory_gib = 0.15\n[trial.settings]")
    (module,) = path.parent.glob("training_*.py")
    body = "import time\n\ndef train(trial, log):\n    held = bytearray(200_000_000)\n    time.sleep(60)\n"
    module.write_text(body)
    (record, *_) = run_study(load_study(path, seeds=1), executor=RayExecutor())
    assert record.reason == "died"
    assert "held more than memory_gib = 0.15" in record.message


def once(folder: Path, what: str) -> str:
    """Returns code that does something the first time that any process reaches it."""
    return (
        f"    marker = {str(folder / 'done')!r}\n"
        "    if seed == 0 and not os.path.exists(marker):\n"
        "        open(marker, 'w').close()\n"
        f"        {what}\n        time.sleep(30)\n"
    )


@pytest.mark.parametrize(("victim", "message"), [
    ("os.getppid()", "Ray's process that watched it was ended (node "),
    ("os.getpid()", "the worker process was ended by signal SIGKILL"),
])  # fmt: skip
def test_a_process_that_is_killed_is_recorded_and_its_trial_tried_again(
    joined, study_path, tmp_path, victim, message
):
    (module,) = study_path.parent.glob("training_*.py")
    kill = once(tmp_path, f"time.sleep(1); os.kill({victim}, 9)")
    head = "    settings, seed = trial.settings, trial.seed\n"
    module.write_text(module.read_text().replace(head, head + kill))
    seen = Seen()
    records = run_study(load_study(study_path, seeds=2), executor=RayExecutor(), observer=seen)
    failed = [record for record in records if not record.completed]
    assert len(records) == 9
    assert len({record.key for record in records if record.completed}) == 8
    (lost,) = failed
    assert (lost.reason, lost.message.startswith(message)) == ("died", True), lost.message
    assert ("added", lost.key) in seen.events


@pytest.mark.slow
def test_a_machine_that_is_lost_loses_no_trial_and_repeats_none(joined, noting_nodes, tmp_path):
    began = tmp_path / "began"
    (module,) = noting_nodes.parent.glob("training_*.py")
    line = "    settings, seed = trial.settings, trial.seed\n"
    wait = f"    if os.environ.get({NODE!r}) == 'b':\n        open({str(began)!r}, 'w').close()\n"
    module.write_text(module.read_text().replace(line, f"{line}{wait}        time.sleep(60)\n"))
    study = load_study(noting_nodes, seeds=4)
    session = Session(study, executor=RayExecutor())

    def remove_when_it_trains():
        while not began.exists():
            time.sleep(0.1)
        time.sleep(2)  # the driver hears of it
        joined.remove_node(joined.second, allow_graceful=False)

    thread = threading.Thread(target=remove_when_it_trains)
    thread.start()
    session.run(session.progress().to_do)
    thread.join()
    joined.second = joined.add_machine("b")
    records = session.records()
    completed = [record for record in records if record.completed]
    assert len({r.key for r in completed}) == len(completed) == 16
    (lost,) = [record for record in records if not record.completed]
    assert (lost.reason, lost.message[:20]) == ("died", "its machine was lost")
    here = by_key(run_study(study, executor=LocalExecutor(2), runs_dir=tmp_path / "local"))
    assert all(results(record) == results(here[record.key]) for record in completed)


def test_what_no_machine_has_is_one_line(joined, edit):
    path = edit("[design]", "[resources]\ncpus = 3\n[design]")
    with pytest.raises(StudyError) as found:
        run_study(load_study(path), executor=RayExecutor())
    assert str(found.value) == (
        "no machine of the cluster has what the arms of a seed need, which train on one machine. "
        "Received: cpus 3, gpus 0 needed; cpus 1, gpus 0 there. "
        "Lower [resources], add a machine, or let arms train on different ones with --spread."
    )


def test_closing_the_records_stops_all_tasks_and_the_connection(cluster, edit):
    ray.shutdown()
    session = Session(load_study(edit("epochs = 2", "epochs = 2\nsleep_at = 1")))
    run = RayExecutor(f"ray://{cluster.address}").run(session._work(session.trials), Observer())
    assert next(run)[1].completed
    assert ray.is_initialized()
    run.close()
    assert not ray.is_initialized()
    _require_no_training()


def _require_no_training():
    """All workers end with their driver, however it ends: within 10 s."""
    began = time.monotonic()
    while _training_processes():
        assert time.monotonic() - began < 10
        time.sleep(0.1)


def _training_processes():
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        with suppress(psutil.Error):
            ours = process.environ().get(OWNER) == str(os.getpid())
            if command[-2:] == ["-m", "ablations.run"] and ours:
                found.append(process.pid)
    return found


def test_where_the_folder_holds_other_code_the_code_that_was_sent_trains(cluster, study_path):
    ray.shutdown()
    (study_path.parent / "secret.txt").write_text("key")
    (module,) = study_path.parent.glob("training_*.py")
    end = "    log.environment(sent=repr(sorted(os.listdir(os.path.dirname(__file__)))))\n"
    body, describe = module.read_text().split("def describe")
    module.write_text(f"{body.rstrip()}\n{end}\n\ndef describe{describe}")
    study = load_study(study_path, seeds=1)
    work = Session(study)._work(Session(study).trials)
    with connected(cluster.address, study.folder) as code:
        module.write_text("def train(trial, log):\n    raise AssertionError\n")
        driver = _Driver(work, Observer(), code, jobs=None, spread=False)
        records = [record for _, record in driver.run()]
    assert [record.message for record in records] == [""] * 4
    assert {record.environment["sent"].replace("'__pycache__', ", "") for record in records} == {
        repr([module.name])
    }


PREPARE = """

def prepare_data(settings, data_dir, report):
    if "{owner}" in os.environ:
        with open("calls.txt", "a", buffering=1) as file:
            file.write(f"begin {{os.getpid()}}\\n")
            if not os.path.exists("data.bin"):
                file.write("fetch\\n")
                time.sleep(0.5)
                open("data.bin", "w").close()
            file.write(f"end {{os.getpid()}}\\n")
"""


def test_the_processes_of_a_machine_prepare_data_one_after_another(joined, study_path):
    (module,) = study_path.parent.glob("training_*.py")
    module.write_text(module.read_text() + PREPARE.format(owner=OWNER))
    records = run_study(load_study(study_path, seeds=2), executor=RayExecutor())
    assert all(record.completed for record in records)
    calls = [call for call in Path("calls.txt").read_text().split("\n") if call]
    assert calls.count("fetch") == 1
    calls.remove("fetch")
    pairs = list(zip(calls[::2], calls[1::2], strict=True))
    assert all(one.removeprefix("begin ") == other.removeprefix("end ") for one, other in pairs)
    assert len({one for one, _ in pairs}) == 2  # the processes that train on the two machines


SHORT_OF_MEMORY = {"RAY_memory_usage_threshold": "0", "RAY_memory_monitor_refresh_ms": "10000"}
"""Has Ray find, every 10 s, that the memory of a machine is used up, whatever is used."""


@pytest.mark.slow
def test_a_trial_that_ray_ends_as_memory_is_short_trains_on_another_machine(joined, noting_nodes):
    (module,) = noting_nodes.parent.glob("training_*.py")
    line = "    settings, seed = trial.settings, trial.seed\n"
    wait = f"    if os.environ[{NODE!r}] == 'c':\n        time.sleep(60)\n"
    module.write_text(module.read_text().replace(line, line + wait))
    third = joined.add_machine("c", **SHORT_OF_MEMORY)
    try:
        records = run_study(load_study(noting_nodes), executor=RayExecutor())
    finally:
        joined.remove_node(third)
    completed = [record for record in records if record.completed]
    assert len({record.key for record in completed}) == len(completed) == 12
    assert {record.environment["place"] for record in completed} == {"a", "b"}
    failed = [record for record in records if not record.completed]
    assert failed
    assert {record.reason for record in failed} == {"died"}
    message = "Ray ended its process, because memory was short on its machine (node "
    assert all(record.message.startswith(message) for record in failed)
    assert max(Counter(record.key for record in failed).values()) == 1  # then it avoids the machine


@pytest.mark.slow
def test_a_killed_driver_loses_what_ran_and_repeats_nothing(cluster, edit):
    ray.shutdown()
    path = edit("epochs = 2", 'epochs = 2\nsleep_at = "all"\nsleep = 0.7')
    command = [sys.executable, "-m", "ablations", "run", str(path), "--no-report", "--on", "ray"]
    environment = {**os.environ, "RAY_ADDRESS": cluster.address}
    session = Session(load_study(path))
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as driver:
        began = time.monotonic()
        while not ((noted := read_running(session.store)) and sum(noted.done.values()) >= 3):
            assert time.monotonic() - began < 90
            time.sleep(0.1)
        assert _training_processes()
        driver.kill()
    _require_no_training()
    before = len(session.store.outcomes())
    assert noted.places == (f"{machine_name()} ({platform.node()})",)  # of two raylets
    assert noted.machines == noted.places
    assert len(noted.trials) <= 2
    assert has_ended(noted, session.store)
    assert 3 <= before < 12
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    keys = [outcome.key for outcome in session.store.outcomes()]
    assert len(keys) == len(set(keys)) == 12
    assert not done.stdout
    assert read_running(session.store) is None


@pytest.mark.slow
def test_without_an_address_a_ray_of_this_machine_is_started_and_stopped(study_path):
    own = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", OWNER: f"local-{os.getpid()}"}
    own.pop("RAY_ADDRESS", None)
    command = [sys.executable, "-m", "ablations", "run", str(study_path), "--seeds", "1"]
    done = subprocess.run(
        [*command, "--no-report", "--on", "ray"],
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "4 of 4 trials done" in done.stderr
    began = time.monotonic()
    while left := list(_processes_with(OWNER, own[OWNER])):
        assert time.monotonic() - began < 30, left
        time.sleep(0.1)


def _processes_with(variable, value):
    """Yields the commands of the processes that have inherited this variable."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(variable) == value:
                yield process.cmdline()


CLUSTER = """
import sys
from ray.cluster_utils import Cluster
own = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False,
              "object_store_memory": 80 * 2**20})
print(own.address, flush=True)
sys.stdin.read()
own.shutdown()
"""


@pytest.mark.slow
def test_a_cluster_with_a_token_takes_drivers_that_have_it(study_path):
    own = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 40}
    command = [sys.executable, "-m", "ablations", "run", str(study_path), "--seeds", "1"]
    command += ["--no-report", "--on"]
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as cluster:  # fmt: skip
        address = f"ray://{cluster.stdout.readline().strip()}"
        for token in ({"RAY_AUTH_TOKEN": "b" * 40}, {"RAY_AUTH_MODE": "disabled"}):
            began = time.monotonic()
            refused = subprocess.run(
                [*command, address],
                env={**own, **token},
                capture_output=True,
                text=True,
                check=False,
            )
            assert refused.returncode == 2
            assert refused.stderr.startswith("ablations: no Ray cluster can be used at ")
            assert refused.stderr.count("\n") == 1
            assert time.monotonic() - began < 40  # Python starts twice, in seconds where it is busy
        done = subprocess.run(
            [*command, address], env=own, capture_output=True, text=True, check=False
        )
        cluster.stdin.close()
    assert done.returncode == 0, done.stderr
    assert "4 of 4 trials done" in done.stderr
