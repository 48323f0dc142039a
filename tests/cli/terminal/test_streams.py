from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ablations.cli.terminal.printing import print_json

SAMPLE = Path(__file__).parents[3] / "reports" / "sample" / "records.jsonl"
FIRST = ("gate", "quickstart", "--records", str(SAMPLE))


def start(*arguments: object, env: dict[str, str] | None = None, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "ablations", *map(str, arguments)],
        env={**os.environ, **(env or {})},
        **options,
    )


def with_closed_pipe(*arguments: object) -> tuple[int, str]:
    """Runs a command whose standard output nobody reads; returns its code and its complaints."""
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*arguments, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def shell(command: str, **env: str) -> subprocess.CompletedProcess:
    line = f"{shlex.quote(sys.executable)} -m ablations {command}"
    return subprocess.run(
        line,
        shell=True,
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, **env},
    )


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        FIRST,
        (*FIRST, "--json"),
        ("power", *FIRST[1:]),
        ("report", *FIRST[1:]),
        ("list",),
        ("list", "--json"),
        ("schema",),
        ("init",),
        ("--help",),
        ("--version",),
    ],
    ids=" ".join,
)
def test_a_pipe_that_closes_early_changes_no_exit_code(command):
    code, said = with_closed_pipe(*command)
    assert code == 0, said
    assert "Traceback" not in said
    assert "Broken" not in said


def test_a_failing_gate_fails_whoever_listens(edit):
    path = edit("at_least = 0.6", "at_least = 0.95")
    assert start("run", path, "--no-report", stderr=subprocess.DEVNULL).wait() == 0
    for command in ("plan", "status", "export"):
        options = ("--to", "r.csv") if command == "export" else ()
        assert with_closed_pipe(command, path, *options)[0] == 0
    assert with_closed_pipe("gate", path)[0] == 1
    assert with_closed_pipe("gate", path, "--json")[0] == 1


def test_a_run_goes_on_when_nobody_listens(study_path):
    reading, writing = os.pipe()
    os.close(reading)
    process = start("run", study_path, "--no-report", "--json", stdout=writing, stderr=writing)
    os.close(writing)
    assert process.wait(timeout=120) == 0
    done = shell(f"status {study_path}")
    assert b"12 of 12 trials done" in done.stdout


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_fault(study_path, closing):
    done = shell(f"run {study_path} --no-report --json {closing}")
    assert (done.returncode, done.stdout if closing == ">&-" else b"") == (0, b"")
    assert b"Traceback" not in done.stderr
    told = shell(f"gate {study_path} {closing}")
    assert (told.returncode, b"Traceback" in told.stderr) == (0, False)
    assert shell(f"status {study_path}").stdout.count(b"12 of 12 trials done") == 1


def test_output_that_is_lost_is_told_and_is_no_success_but_a_verdict_stays():
    lost = shell("list > /dev/full")
    assert lost.returncode == 2
    assert lost.stderr.decode() == (
        "ablations: standard output is lost. Received: [Errno 28] No space left on device. "
        "Write it to another place.\n"
    )
    told = shell(f"{shlex.join(FIRST)} > /dev/full")
    assert told.returncode == 0
    assert told.stderr.endswith(lost.stderr)
    cure = shell("list > list.txt")
    assert (cure.returncode, "quickstart" in Path("list.txt").read_text()) == (0, True)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_of_few_characters_shows_what_it_can(edit, encoding):
    path = edit("on = { a = 0.1 }", '"größer 猫" = { a = 0.1 }')
    text = path.read_text().replace('a = "on"', 'a = "größer 猫"')
    path.write_text(text.replace("Does a pay", "Does α ≥ − pay"), encoding="utf-8")
    narrow = {"PYTHONIOENCODING": encoding}
    for command in ("plan", "run", "status", "gate", "power"):
        done = shell(f"{command} {path}", **narrow)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
        done.stdout.decode(encoding)
    shown = shell(f"plan {path}", **narrow).stdout.decode(encoding)
    assert "\\u732b" in shown
    assert ">= - pay" in shown
    document = shell(f"gate {path} --json", **narrow).stdout
    assert document.isascii()
    assert b"\\u732b" in document
    assert "猫".encode() in shell(f"gate {path} --json", PYTHONUTF8="1").stdout
    log = next(Path("runs/small/logs").iterdir()).read_text(encoding="utf-8")
    assert "größer 猫" in log


def test_numbers_keep_their_signs_in_every_alphabet():
    told = shell(shlex.join(("power", *FIRST[1:])), PYTHONIOENCODING="ascii")
    assert "?" not in told.stdout.decode("ascii")
    assert told.returncode == 0


def test_the_version_is_told(study_path):
    done = shell("--version")
    assert (done.stdout, done.returncode) == (b"ablations 0.1.0\n", 0)


def test_json_holds_no_character_that_a_terminal_obeys(capsys):
    print_json({"a\x9b2J": "\x7f\x1b ü"})
    shown = capsys.readouterr().out
    assert not set("\x1b\x7f\x9b") & set(shown)
    assert json.loads(shown) == {"a\x9b2J": "\x7f\x1b ü"}


def test_no_text_of_a_record_reaches_the_terminal_as_a_command(study_path):
    module = study_path.read_text().split('run = "')[1].split(":")[0]
    Path(f"{module}.py").write_text(
        "def train(trial, log):\n    raise ValueError('\\x1b]0;owned\\x07 \\x1b[2J gone')\n"
    )
    for command in ("run", "status"):
        done = shell(f"{command} {study_path}" + (" --no-report" if command == "run" else ""))
        assert b"gone" in done.stdout + done.stderr
        assert b"\x1b" not in done.stdout + done.stderr
        assert b"\x07" not in done.stdout + done.stderr
