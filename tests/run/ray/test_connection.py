"""Whom the Ray executor connects to, and the one line that says why it cannot."""

from __future__ import annotations

import socket
import sys
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from types import ModuleType

import pytest

from ablations import run_study
from ablations.errors import StudyError
from ablations.run.executors.ray import RayExecutor, cluster
from ablations.run.executors.ray.cluster import code_beside


def refusal(study, address=None) -> str:
    began = time.monotonic()
    with pytest.raises(StudyError) as found:
        run_study(study, executor=RayExecutor(address))
    assert time.monotonic() - began < 60  # also where the import of Ray takes half of it
    return str(found.value)


def test_without_ray_the_cure_is_its_installation(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert refusal(study) == (
        "--on ray needs the package ray, which is not installed. Received: ModuleNotFoundError: "
        "import of ray halted; None in sys.modules. pip install 'ablations[ray]'."
    )


@pytest.mark.parametrize("version", ["2.54.1", "1.13.0", "2.9.3"])
def test_an_old_ray_is_refused(study, monkeypatch, version):
    old = ModuleType("ray")
    old.__version__ = version
    monkeypatch.setitem(sys.modules, "ray", old)
    assert refusal(study) == (
        f"--on ray needs Ray 2.55 or later. Received: Ray {version}. "
        "pip install --upgrade 'ablations[ray]', here and on the machines of the cluster."
    )


@pytest.fixture
def some_ray(monkeypatch):
    """Stands for Ray as far as it is needed before there is a cluster."""
    some = ModuleType("ray")
    some.__version__, some.is_initialized = "2.55.0", lambda: False
    monkeypatch.setitem(sys.modules, "ray", some)


@pytest.mark.usefixtures("some_ray")
def test_a_ray_that_cannot_be_started_here_is_one_line(study, monkeypatch):
    def begin(*_args, **_options):
        message = "The current node timed out during startup.\nIt is busy..."
        raise Exception(message)  # noqa: TRY002 - Ray raises a bare one

    monkeypatch.setattr(sys.modules["ray"], "init", begin, raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert refusal(study) == (
        "Ray could not be started on this machine. Received: The current node timed out during "
        "startup. It is busy. Try again when the machine is less busy, or leave out --on ray."
    )
    assert run_study(study)  # the cure


@pytest.mark.usefixtures("some_ray")
@pytest.mark.parametrize("address", ["somewhere", "host:", "ray://host:x", ":1"])
def test_what_is_no_address_is_refused(study, address):
    assert refusal(study, address).startswith(
        "the address of a Ray cluster has the form HOST:PORT. Received: "
    )


@pytest.mark.usefixtures("some_ray")
def test_an_address_at_which_nothing_listens_is_refused(study, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    expected = (
        f"no Ray cluster can be used at {address}. Received: [Errno 111] Connection refused. "
        "Start it with 'ray start --head', and name the address that it prints (its port is 6379; "
        "10001 is that of Ray Client, for which submit the command as a job instead)."
    )
    assert refusal(study, f"ray://{address}") == expected
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert refusal(study) == expected


@pytest.mark.usefixtures("some_ray")
@pytest.mark.parametrize(("answer", "received"), [
    (None, "timed out"), (b"HTTP/1.1 400 Bad Request\r\n", "what answers there is no Ray"),
    (b"", "what answers there is no Ray"),
])  # fmt: skip
def test_an_address_at_which_something_else_listens_is_refused(study, answer, received):
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines = []

        def serve():
            line, _ = server.accept()
            lines.append(line)
            if answer is not None:
                line.recv(100)
                line.sendall(answer)
                line.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        message = refusal(study, f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
        for line in lines:
            line.close()
    assert f"Received: {received}. " in message


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray, which checks it, is not installed")
@pytest.mark.usefixtures("some_ray")
def test_an_address_that_begins_to_answer_and_then_hangs_is_refused(study, monkeypatch):
    monkeypatch.setattr(cluster, "_HEALTH_SECONDS", 0.5)
    lines = []

    def serve():
        with suppress(OSError):  # of the server's end
            while True:
                lines.append(server.accept()[0])
                lines[-1].sendall(bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))

    # On all addresses, as Ray's check asks another one of this machine.
    with socket.create_server(("", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        message = refusal(study, address)
        server.shutdown(socket.SHUT_RDWR)
    for line in lines:
        line.close()
    assert message.startswith(
        f"no Ray cluster can be used at {address}. Received: no answer within 0.5 s. Start it with "
    )


def test_all_waits_for_an_address_together_are_shorter_than_ten_seconds():
    assert 2 * cluster._CONNECT_SECONDS + cluster._HEALTH_SECONDS < 10


@pytest.mark.parametrize("stops", ["", ".", "...", ". "])
def test_what_was_received_ends_in_one_stop(stops):
    message = str(cluster._unreachable("auto", f"Set it as environment variable{stops}"))
    assert "Received: Set it as environment variable. Start it with" in message


def test_only_modules_and_packages_beside_the_study_are_sent(tmp_path):
    for name in (
        "study.toml", "train.py", ".env", ".git/hook.py", "data/image.py", "helpers/__init__.py",
        "helpers/deep/more.py", "helpers/table.csv", "venv/lib/site.py", "server.pem", "id_rsa",
        "credentials.json", ".aws/credentials", ".tool/__init__.py", "helpers/.env.py",
        "helpers/.git/hook.py", ".settings.py", "helpers/key.pem", "folder.py/data.bin",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    assert code_beside(tmp_path) == ["train.py", "helpers/__init__.py", "helpers/deep/more.py"]
