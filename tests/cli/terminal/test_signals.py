"""A signal ends a command with its own code, whatever a library makes of the interrupt."""

from __future__ import annotations

import signal
import sys

import pytest

from ablations.cli import app as command_line
from ablations.cli.terminal import signals


class _Library:
    """A command in whose library an interrupt, if it arrives, becomes another error."""

    def __init__(self, *, is_stopped: bool) -> None:
        self._is_stopped = is_stopped

    def __call__(self, **_options: object) -> int:
        try:
            if self._is_stopped:
                signal.raise_signal(signal.SIGUSR1)
        except KeyboardInterrupt as error:
            raise RuntimeError("a schema cannot be built") from error
        raise RuntimeError("a bug")


@pytest.fixture(autouse=True)
def _heeded(monkeypatch):
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    monkeypatch.setattr(signals, "_arrived", [])
    signals.heed_termination()
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("words", "code"), [(["run", "s.toml"], 128 + signal.SIGUSR1), (["run", "--shard=1/2"], 75)]
)
def test_an_interrupt_that_a_library_turned_into_an_error_is_one(words, code, monkeypatch, capsys):
    monkeypatch.setattr(command_line, "app", _Library(is_stopped=True))
    monkeypatch.setattr(sys, "argv", ["ablations", *words])
    assert command_line._run() == code
    assert capsys.readouterr().err == "stopped; the same command resumes\n"


def test_a_bug_is_no_interrupt(monkeypatch, capsys):
    monkeypatch.setattr(command_line, "app", _Library(is_stopped=False))
    assert command_line._run() == 70
    assert "RuntimeError: a bug" in capsys.readouterr().err
