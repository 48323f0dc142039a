from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from ablations.run.machine import environment
from ablations.run.machine import hardware as machine
from ablations.run.machine.hardware import Gpu, best_jobs, gpus, worker_environment

GIB = 1 << 30


@pytest.fixture
def cpu(monkeypatch):
    """A machine of 8 cores and 64 GiB."""

    def set_up(cores=8, memory=64 * GIB, there=()):
        monkeypatch.setattr(machine, "available_cores", lambda: cores)
        monkeypatch.setattr(machine, "gpus", lambda: there)
        memory = SimpleNamespace(available=memory, total=memory)
        monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: memory)

    return set_up


def test_one_worker_a_core_as_far_as_memory_goes(cpu):
    cpu()
    assert best_jobs() == 8
    cpu(memory=7 * GIB)
    assert best_jobs() == 3
    cpu(memory=GIB)
    assert best_jobs() == 1


def test_one_worker_a_gpu_or_as_many_as_their_trials_leave_room_for(cpu):
    cpu(there=(Gpu("0", 80 * GIB), Gpu("1", 80 * GIB)))
    assert best_jobs() == 2
    assert best_jobs(20 * GIB) == 6
    assert best_jobs(100 * GIB) == 2
    assert best_jobs(GIB) == 16  # more than two a core would wait for their data


@pytest.mark.parametrize("jobs", [1, 2, 3, 20])
def test_a_workers_threads_do_not_depend_on_how_many_there_are(cpu, jobs):
    cpu(cores=8)
    for threads in (1, 3):
        given = worker_environment(0, jobs, threads=threads)
        assert given.pop("ABLATIONS_JOBS") == str(jobs)
        assert {"OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "NPROC"} <= set(given)
        assert set(given.values()) == {str(threads)}


def test_workers_fill_the_cores_with_their_threads(cpu):
    cpu(cores=8)
    assert [best_jobs(threads=number) for number in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]


def test_workers_divide_gpus_and_their_memory(cpu):
    cpu(there=(Gpu("2", 80 * GIB), Gpu("5", 80 * GIB)))
    single = [worker_environment(slot, 2) for slot in range(2)]
    assert [e["CUDA_VISIBLE_DEVICES"] for e in single] == ["2", "5"]
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in single[0]
    shared = [worker_environment(slot, 4) for slot in range(4)]
    assert [e["CUDA_VISIBLE_DEVICES"] for e in shared] == ["2", "5", "2", "5"]
    assert shared[0]["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.45"
    assert shared[0]["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


class FakeNvml:
    class NVMLError(Exception):
        pass

    def __init__(self, memories):
        self.memories = memories

    def nvmlInit(self):  # noqa: N802 - NVIDIA's name
        if self.memories is None:
            raise self.NVMLError

    def nvmlDeviceGetCount(self):  # noqa: N802
        return len(self.memories)

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        if index >= len(self.memories):
            raise self.NVMLError
        return index

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return SimpleNamespace(total=self.memories[handle])


@pytest.mark.parametrize(
    ("memories", "visible", "names"),
    [
        (None, None, []),
        ([GIB, GIB], None, ["0", "1"]),
        ([GIB, GIB], "1", ["1"]),
        ([GIB, GIB], "", []),
        ([GIB], "0,7", ["0"]),
    ],
)
def test_gpus_are_those_that_this_process_may_use(memories, visible, names, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(memories))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.name for gpu in gpus()] == names


def test_without_nvidias_library_there_are_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpus() == ()


def test_the_driver_names_the_kinds_of_gpus(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "DRIVER", tmp_path)
    assert machine.gpu_models() == ()
    kinds = ("NVIDIA H100 80GB HBM3", "Tesla T4", "Tesla T4")
    for number, kind in enumerate(kinds):
        file = tmp_path / "gpus" / f"0000:0{number}:00.0" / "information"
        file.parent.mkdir(parents=True)
        file.write_text(f"Model: \t\t {kind}\nIRQ:   \t\t 33\nGPU UUID: \t GPU-x\n")
    (tmp_path / "gpus" / "broken").mkdir()
    (tmp_path / "gpus" / "broken" / "information").write_bytes(b"\xff")
    assert machine.gpu_models() == ("NVIDIA H100 80GB HBM3", "Tesla T4")
    facts = environment._machine_facts.__wrapped__()
    assert facts["gpu"] == "NVIDIA H100 80GB HBM3, Tesla T4"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert machine.gpu_models() == ()
