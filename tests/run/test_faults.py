"""What one trial does to its worker ends with it: the next trials run as if it had not been."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import pytest

from ablations.core.design import Arm
from ablations.core.study import Trial
from ablations.errors import StudyError
from ablations.plan import load_study
from ablations.run.executors import Work
from ablations.run.executors.local import LocalExecutor
from ablations.run.executors.process import how_it_ended
from ablations.run.logs import TrialOutput
from ablations.run.machine import memory
from ablations.run.observer import Observer

MODULE = """
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection


def train(trial, log):
    globals()[trial.settings["how"]](log)
    log.environment(pid=os.getpid(), folder=os.getcwd())
    log.environment(seconds=resource.getrlimit(resource.RLIMIT_CPU)[0])
    print("after", trial.settings["how"])
    log.metric("m", 1.0)


def well(log):
    log.metric("m", 1.0)


def real_time_signal(log):
    os.kill(os.getpid(), 40)


def kill(log):
    os.kill(os.getpid(), signal.SIGKILL)


def close_output(log):
    os.close(1)
    os.close(2)


def close_file(log):
    sys.stdout.close()
    sys.stdout = sys.__stdout__ = None
    sys.stderr = 5


def change_folder(log):
    os.chdir("/")


def set_limit(log):
    resource.setrlimit(resource.RLIMIT_CPU, (1, resource.RLIM_INFINITY))


def set_alarm(log):
    signal.alarm(1)


def fork(log):
    if os.fork() == 0:
        time.sleep(60)


def orphan(log):
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    subprocess.run([sys.executable, "-c", code], start_new_session=True)


def orphan_and_die(log):
    orphan(log)
    os._exit(3)


def pipe():
    found = []
    for number in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            if "socket" in os.readlink(f"/proc/self/fd/{number}"):
                found.append(number)
        except OSError:  # the descriptor by which the folder was listed
            pass
    return found[0]


def announce(log):
    "Announces a long message that never comes."
    os.write(pipe(), b"\\x00\\x10\\x00\\x00")
    time.sleep(60)


def garbage(log):
    for _ in range(3):
        os.write(pipe(), b"\\x00\\x00\\x00\\x08" + b"notapick")
    time.sleep(60)


def foreign(log):
    Connection(os.dup(pipe())).send({"a": 1})
    time.sleep(60)


def forge(log):
    from ablations.run.executors.worker import EndMessage, EpochMessage
    Connection(os.dup(pipe())).send(EpochMessage(7, 1, {}))
    Connection(os.dup(pipe())).send(EndMessage((1, 2), 0))
    time.sleep(60)


def flood(log):
    while True:
        log.epoch(loss=1.0)
        log._epochs.clear()


def steal(log):
    "Leaves a thread behind that takes the next message of the driver."
    number = os.dup(pipe())
    threading.Thread(target=lambda: os.read(number, 5000), daemon=True).start()


def crash_at_next(log):
    "Leaves a thread behind that ends the process when the driver's next message comes."
    number = os.dup(pipe())
    threading.Thread(target=lambda: (os.read(number, 5000), os._exit(5)), daemon=True).start()


def crash_when_idle(log):
    threading.Thread(target=lambda: (time.sleep(0.02), os._exit(5)), daemon=True).start()


def report_later(log):
    "Leaves a thread behind that goes on to report."
    def go_on():
        while True:
            log.epoch(loss=9.0)
            log._epochs.clear()
    threading.Thread(target=go_on, daemon=True).start()


def chatter(log):
    print("first line")
    for _ in range(150):
        print("x" * 999_999)
    print("last line")


def eat(log):
    train.ballast = bytearray(400_000_000)
    time.sleep(60)


def feed_children(log):
    for _ in range(2):
        subprocess.Popen([sys.executable, "-c", "import time; a = bytearray(150_000_000); time.sleep(60)"])
    time.sleep(60)
"""


class Epochs(Observer):
    def __init__(self):
        self.losses = []

    def epoch(self, trial, number, metrics):
        self.losses.append((trial.seed, metrics.get("loss")))


@pytest.fixture
def run(tmp_path):
    """Trains one trial after another in as few workers as can be; returns how each ended."""
    (tmp_path / "faulty.py").write_text(MODULE)

    def trained(*hows, observer=None, **options):
        trials = [
            Trial(
                "s", "faulty:train", Arm((("a", how),)), i, {"how": how}, "", folder=str(tmp_path)
            )
            for i, how in enumerate(hows)
        ]
        work = Work(trials, log_dir=tmp_path / "logs", **options)
        executed = LocalExecutor(jobs=1).run(work, observer or Observer())
        ended = {trial.seed: record for trial, record in executed}
        return [ended[i] for i in range(len(hows))]

    return trained


def outcomes(records):
    return [record.reason or "completed" for record in records]


def left_behind(mark):
    """Processes that carry a mark in their environment: those that a trial has started."""
    found = set()
    for process in psutil.process_iter(["environ"]):
        marked = (process.info["environ"] or {}).get("MARK_OF_TEST") == mark
        if marked and process.status() != psutil.STATUS_ZOMBIE:
            found.add(process.pid)
    return found


def test_a_signal_without_a_name_is_named_by_its_number(run):
    records = run("real_time_signal", "well")
    assert records[0].message == "the worker process was ended by signal 40"
    assert outcomes(records) == ["died", "completed"]
    assert how_it_ended(-signal.SIGSEGV, unreadable=False) == "was ended by signal SIGSEGV"


def test_the_next_trial_finds_its_worker_as_it_was(run, tmp_path):
    hows = (
        "close_output",
        "well",
        "close_file",
        "well",
        "change_folder",
        "well",
        "set_alarm",
        "set_limit",
        "well",
    )
    records = run(*hows)
    assert outcomes(records) == ["raised", *["completed"] * 8]  # of what was printed to nowhere
    assert len({record.environment["pid"] for record in records[1:]}) == 1
    assert records[5].environment["folder"] == str(Path.cwd())
    assert [r.environment["seconds"] for r in records[-3:]] == ["-1", "1", "-1"]
    text = (tmp_path / "logs" / "worker-1.log").read_text()
    assert text.count("after well") == 4


@pytest.mark.parametrize("how", ["fork", "orphan", "orphan_and_die"])
def test_what_a_trial_started_ends_with_it(run, how, tmp_path, monkeypatch):
    monkeypatch.setenv("MARK_OF_TEST", str(tmp_path))
    records = run(how, "well")
    assert outcomes(records)[1] == "completed"
    assert left_behind(str(tmp_path)) == set()


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("announce", "timeout"),
        ("flood", "timeout"),
        ("garbage", "died"),
        ("foreign", "died"),
        ("forge", "died"),
    ],
)
def test_a_worker_that_spoils_its_pipe_is_ended_and_no_other_suffers(run, how, outcome):
    began = time.monotonic()
    records = run(how, "well", timeout_seconds=4)
    assert outcomes(records) == [outcome, "completed"]
    assert time.monotonic() - began < 60
    if outcome == "died":
        assert records[0].message == "the worker process sent what is no message"


def test_what_a_trial_left_behind_does_not_end_the_next(run):
    records = run("crash_at_next", "well", "crash_when_idle", "well")
    assert outcomes(records)[:2] == ["completed"] * 2
    assert outcomes(records)[3] == "completed"  # whether its thread or the worker reads first


def test_a_thread_left_behind_reports_nothing_to_the_next_trial(run):
    noted = Epochs()
    records = run("report_later", "well", observer=noted)
    assert outcomes(records) == ["completed"] * 2
    assert {seed for seed, _ in noted.losses} <= {0}
    assert records[1].epochs == ()


def test_an_order_that_never_arrives_is_timed_out(run, monkeypatch):
    monkeypatch.setattr("ablations.run.executors.local._START_SECONDS", 2.0)
    records = run("steal", "well", "well", timeout_seconds=8)
    first, *later = outcomes(records)
    assert first == "completed"
    later.remove("completed")  # which of the two orders the thread takes is a race
    assert later[0] in ("timeout", "completed", "died")


def test_of_a_flood_of_output_the_log_keeps_both_ends(run, tmp_path):
    records = run("well", "chatter", "well")
    assert outcomes(records) == ["completed"] * 3
    log = tmp_path / "logs" / "worker-1.log"
    assert log.stat().st_size < 3_000_000
    lines = log.read_text().splitlines()
    assert [line for line in lines if not line.startswith("xxx")][:4] == [
        "--- a=well, seed 0 (" + records[0].key + ")",
        "after well",
        "--- a=chatter, seed 1 (" + records[1].key + ")",
        "first line",
    ]
    (note,) = [line for line in lines if line.startswith("[")]
    left_out = int(note.strip("[]").split()[0].replace(",", ""))
    assert left_out + log.stat().st_size == pytest.approx(150_000_000, rel=0.05)
    assert lines[-4:] == [
        "last line",
        "after chatter",
        f"--- a=well, seed 2 ({records[2].key})",
        "after well",
    ]


@pytest.mark.parametrize("how", ["eat", "feed_children"])
def test_a_trial_that_holds_more_than_its_memory_is_ended(run, how):
    records = run(how, "well", memory_bytes=300_000_000)
    assert outcomes(records) == ["died", "completed"]
    assert records[0].message.startswith("held more than memory_gib = 0.279397 (0.")
    assert records[0].message.endswith(" GiB), and was ended")


def test_memory_gib_is_a_line_of_the_study(edit):
    path = edit("[trial.settings]", "memory_gib = 4\n[trial.settings]")
    assert load_study(path).memory_gib == 4.0
    path.write_text(path.read_text().replace("memory_gib = 4", "memory_gib = -1"))
    with pytest.raises(StudyError, match=r"'trial.memory_gib' cannot be used.*Received: -1\."):
        load_study(path)


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """The kernel's counters of processes that it ended, as files."""
    files = {}
    for name, place in (("group", "sys/job/memory.events"), ("machine", "vmstat")):
        files[name] = tmp_path / place
        files[name].parent.mkdir(parents=True, exist_ok=True)
        files[name].write_text("oom 0\noom_kill 3\n")
    (tmp_path / "cgroup").write_text("1:cpu:/\n0::/job\n")
    monkeypatch.setattr(memory, "_VMSTAT", files["machine"])
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "sys")
    return files


def test_a_kill_is_the_kernels_only_where_its_counters_say_so(kernel):
    kills = memory.KernelKills()
    assert kills.explain() == ""
    kernel["machine"].write_text("oom_kill 4\n")
    assert kills.explain() == "; the kernel ended a process meanwhile, because memory was short"
    kernel["group"].write_text("oom_kill 4\n")
    assert kills.explain().startswith(": the kernel ended it, because memory was short")
    assert kills.explain() == ""


def test_a_kill_by_the_kernel_is_recorded_as_such(run, kernel, monkeypatch):
    records = run("kill", "well")
    assert records[0].message == "the worker process was ended by signal SIGKILL"
    monkeypatch.setattr(memory.KernelKills, "explain", lambda _self: ": the kernel ended it")
    records = run("kill", "well")
    assert (
        records[0].message == "the worker process was ended by signal SIGKILL: the kernel ended it"
    )


def test_the_kernel_is_to_end_a_worker_before_its_driver(monkeypatch, tmp_path):
    score = tmp_path / "oom_score_adj"
    monkeypatch.setattr(memory, "_OOM_SCORE", score)
    memory.raise_oom_score()
    assert score.read_text() == "500"
    assert Path("/proc/self/oom_score_adj").read_text() != "500"


def test_a_log_that_is_cut_again_says_once_how_much_is_left_out(tmp_path):
    log = tmp_path / "log"
    log.write_text("of an earlier trial\n")
    output = TrialOutput(log)
    lines = [f"{number:09}\n" for number in range(3_000_000)]
    for part in range(3):
        with log.open("a") as file:
            file.writelines(lines[part * 1_000_000 : (part + 1) * 1_000_000])
        output.cap()
    output.cap(ended=True)
    first, note, last = log.read_text().partition("[")
    assert first.splitlines()[:2] == ["of an earlier trial", "000000000"]
    assert note == "["
    assert last.count("[") == 0
    assert last.endswith("002999999\n")
    left_out = int(last.split()[0].replace(",", ""))
    note = f"\n[{left_out:,} bytes left out]\n"
    assert log.stat().st_size - len(note) + left_out == 20 + 30_000_000
