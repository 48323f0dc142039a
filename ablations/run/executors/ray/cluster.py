"""Connects this process to a Ray cluster, or starts one on this machine and stops it again."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ablations.errors import StudyError
from ablations.run.executors.ray.node import digests
from ablations.run.machine.environment import CHOICES
from ablations.run.machine.hardware import available_cores

OLDEST = (2, 55)
"""The first version of Ray that is known to work; earlier ones wait for a lost machine longer."""

ADDRESS = "RAY_ADDRESS"

_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""How a client of HTTP/2, which Ray speaks, begins (RFC 9113, section 3.4): its empty settings."""

_CONNECT_SECONDS = 2.0
"""How long it may take to connect, and as long again until a first answer."""

_HEALTH_SECONDS = 5
"""How long Ray's own check may take; its import, which is slow on a busy machine, comes before."""

_HEALTH_CHECK = "from ray.scripts.scripts import cli; print(flush=True); cli()"

_MOST_CODE_BYTES = 20_000_000
_PASSED_ON = (*CHOICES, "TF_CPP_MIN_LOG_LEVEL", "ABLATIONS_WITHOUT")
"""Variables of the driver that decide what trials compute or print."""


def load_ray() -> Any:
    """Imports Ray.

    Raises:
        StudyError: if it is not installed, or too old.
    """
    try:
        ray = import_module("ray")
    except ImportError as error:
        raise StudyError(
            "--on ray needs the package ray, which is not installed",
            received=f"{type(error).__name__}: {error}",
            cure="pip install 'ablations[ray]'",
        ) from error
    version = str(ray.__version__)
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        raise StudyError(
            f"--on ray needs Ray {'.'.join(map(str, OLDEST))} or later",
            received=f"Ray {version}",
            cure="pip install --upgrade 'ablations[ray]', here and on the machines of the cluster",
        )
    return ray


@contextmanager
def connected(address: str | None, folder: str | None) -> Iterator[dict[str, str]]:
    """Connects to a cluster within the block, and yields the digests of the code sent there.

    Where this process is connected already, it stays so, and no code is sent.

    Args:
        address: Of the cluster, as ``HOST:PORT`` or ``auto``; ``RAY_ADDRESS`` if ``None``, and if
            that is not set either, a cluster is started on this machine and stopped at the end.
        folder: Where the study file lies, with code that trials import.

    Raises:
        StudyError: if there is no Ray or no cluster.
    """
    ray = load_ray()
    code = digests(Path(folder), code_beside(Path(folder))) if folder else {}
    if ray.is_initialized():
        yield code
        return
    where = address or os.environ.get(ADDRESS) or "local"
    if where != "local":
        where = where.removeprefix("ray://")
        _require_answer(where)
    with _sent(Path(folder or "."), code if where != "local" else {}) as runtime:
        _begin(ray, where, runtime)
        try:
            yield code
        finally:
            ray.shutdown()


def _begin(ray: Any, where: str, runtime: Mapping[str, object]) -> None:
    """Begins Ray in this process, which keeps its own handling of SIGTERM."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    local = {"num_cpus": available_cores(), "include_dashboard": False} if where == "local" else {}
    try:
        ray.init(
            where,
            runtime_env=runtime,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **local,
        )
    # Ray raises a bare `Exception` where its start takes too long. No verdict depends on it.
    except Exception as error:
        received = " ".join(str(error).split()) or type(error).__name__
        raise _unreachable(where, received) from error
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)
    # Ray would print what happens to its processes on standard output, among our results.
    ray._private.worker._worker_logs_enabled = False


def _require_answer(where: str) -> None:
    """Raises `StudyError` if no cluster answers within 10 s, where Ray would try for a minute.

    Ray's own check follows where something answers, which may refuse us.
    """
    if where != "auto":
        _require_listener(where)
    command = [sys.executable, "-c", _HEALTH_CHECK, "health-check"]
    command += [] if where == "auto" else ["--address", where]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as check:
        check.stdout.readline()  # type: ignore[union-attr] # it has imported Ray
        try:
            _, printed = check.communicate(timeout=_HEALTH_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise _unreachable(where, f"no answer within {_HEALTH_SECONDS} s") from error
        finally:
            check.kill()
    if check.returncode:
        lines = [line for line in printed.splitlines() if line.strip()]
        raise _unreachable(where, lines[-1] if lines else "the cluster is not well")


def _require_listener(where: str) -> None:
    """Raises `StudyError` unless something there speaks HTTP/2."""
    host, _, port = where.rpartition(":")
    if not host or not port.isdecimal():
        raise StudyError(
            "the address of a Ray cluster has the form HOST:PORT",
            received=where,
            cure="Write for example --on ray://10.0.0.1:6379; 'ray status' prints it there",
        )
    try:
        with socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS) as line:
            line.sendall(_GREETING)
            answer = line.recv(9)
    except (OSError, OverflowError) as error:
        raise _unreachable(where, str(error)) from error
    if len(answer) < 4 or answer[3] != 4:  # the type of a frame of settings
        raise _unreachable(where, "what answers there is no Ray")


def _unreachable(where: str, received: str) -> StudyError:
    received = received.rstrip(". ")
    what = f"no Ray cluster can be used at {where}"
    if where == "local":
        what = "Ray could not be started on this machine"
    if "uthentication" in received or "token" in received:
        cure = "Set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH) to its token"
    elif where == "local":
        cure = "Try again when the machine is less busy, or leave out --on ray"
    else:
        cure = (
            "Start it with 'ray start --head', and name the address that it prints (its port is "
            "6379; 10001 is that of Ray Client, for which submit the command as a job instead)"
        )
    return StudyError(what, received=received, cure=cure)


def code_beside(folder: Path) -> list[str]:
    """Returns the modules beside a study file, and those of the packages there, by their paths.

    Nothing else may leave this machine: no data, no keys, and nothing hidden.
    """
    found = sorted(folder.glob("*.py"))
    for package in sorted(folder.glob("*/__init__.py")):
        found += sorted(package.parent.rglob("*.py"))
    names = (path.relative_to(folder) for path in found if path.is_file())
    return [name.as_posix() for name in names if not any(part[0] == "." for part in name.parts)]


@contextmanager
def _sent(folder: Path, code: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yields the runtime environment: variables, and a folder with nothing but that code."""
    variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    if not code:
        yield {"env_vars": variables}
        return
    size = sum((folder / name).stat().st_size for name in code)
    if size > _MOST_CODE_BYTES:
        raise StudyError(
            "there is too much code beside the study file to send to other machines",
            received=f"{len(code)} files, {size} bytes in {folder}",
            cure="Put the study file and its training function into a folder of their own",
        )
    with tempfile.TemporaryDirectory(prefix="ablations-code-") as kept:
        for name in code:
            (Path(kept) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, Path(kept) / name)
        yield {"env_vars": variables, "working_dir": kept}
