"""Commands as processes: standard streams that close early, are lost, or know few characters."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from ablations.cli.terminal.printing import print_json

SAMPLE = Path(__file__).parents[3] / "reports" / "sample" / "records.jsonl"
FIRST = ("gate", "quickstart", "--records", str(SAMPLE))

FORKS = """
import json, os, sys
import ablations.analyze.analysis, ablations.cli.app, ablations.cli.gate, ablations.cli.running
import ablations.cli.screens, ablations.reporting, ablations.session, pandas
from ablations.__main__ import run

def become(folder, arguments, closed, encoding):
    os.chdir(folder)
    sys.argv = ["ablations", *arguments]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if name in closed:
            os.close(number)
            setattr(sys, name, None)  # as Python starts
            continue
        place = os.open(f"{name}.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        if name == "stdout" and "reader" in closed or closed == ["both readers"]:
            reading, place = os.pipe()
            os.close(reading)
        os.dup2(place, number)
        setattr(sys, name, open(number, "w", encoding=encoding, closefd=False))

for line in sys.stdin:
    if not (child := os.fork()):
        become(*json.loads(line))
        run()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Forks a process for each command, so that the packages are imported once and not for each."""


@dataclass(frozen=True)
class Done:
    code: int
    stdout: bytes
    stderr: bytes


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen]:
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def do(server, tmp_path):
    """Runs a command in a process of its own: ``do("list", closed=["stdout"])``."""

    def call(*words: object, closed: tuple[str, ...] = (), encoding: str = "utf-8") -> Done:
        order = (str(tmp_path), list(map(str, words)), closed, encoding)
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        written = [tmp_path / f"{name}.txt" for name in ("stdout", "stderr")]
        return Done(code, *(p.read_bytes() if p.exists() else b"" for p in written))

    return call


def shell(command: str) -> subprocess.CompletedProcess:
    """Runs a command as a user does, who waits for the imports."""
    line = f"{shlex.quote(sys.executable)} -m ablations {command}"
    return subprocess.run(line, shell=True, capture_output=True, check=False)


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
def test_a_pipe_that_closes_early_changes_no_exit_code(do, command):
    done = do(*command, closed=["reader"])
    assert done.code == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Broken" not in done.stderr


def test_what_python_itself_does_at_its_end_is_silent_too():
    done = shell("list | true")
    assert (done.returncode, done.stderr) == (0, b"")
    done = shell("schema <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_failing_gate_fails_whoever_listens(edit, do):
    path = edit("at_least = 0.6", "at_least = 0.95")
    assert do("run", path, "--no-report").code == 0
    for command in ("plan", "status", "export"):
        options = ("--to", "r.csv") if command == "export" else ()
        assert do(command, path, *options, closed=["reader"]).code == 0
    assert do("gate", path, closed=["reader"]).code == 1
    assert do("gate", path, "--json", closed=["reader"]).code == 1


def test_a_run_goes_on_when_nobody_listens(study_path, do):
    assert do("run", study_path, "--no-report", "--json", closed=["both readers"]).code == 0
    assert b"12 of 12 trials done" in do("status", study_path).stdout


@pytest.mark.parametrize("closed", [["stdout"], ["stderr"], ["stdout", "stderr"]], ids=" ".join)
def test_closed_streams_are_no_fault(study_path, do, closed):
    done = do("run", study_path, "--no-report", "--json", closed=closed)
    assert (done.code, done.stdout if "stdout" in closed else b"") == (0, b"")
    assert b"Traceback" not in done.stderr
    told = do("gate", study_path, closed=closed)
    assert (told.code, b"Traceback" in told.stderr) == (0, False)
    assert do("status", study_path).stdout.count(b"12 of 12 trials done") == 1


def test_a_run_without_any_stream_trains(study_path, do):
    done = shell(f"run {study_path} --no-report --json <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert do("status", study_path).stdout.count(b"12 of 12 trials done") == 1


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
def test_a_terminal_of_few_characters_shows_what_it_can(edit, do, encoding):
    path = edit("on = { a = 0.1 }", '"größer 猫" = { a = 0.1 }')
    text = path.read_text().replace('a = "on"', 'a = "größer 猫"')
    path.write_text(text.replace("Does a pay", "Does α ≥ − pay"), encoding="utf-8")
    shown = {}
    for command in ("plan", "run", "status", "gate", "power"):
        done = do(command, path, *(["--no-report"] if command == "run" else []), encoding=encoding)
        assert done.code == 0, done.stderr
        assert b"Traceback" not in done.stderr
        shown[command] = done.stdout.decode(encoding)
    assert "\\u732b" in shown["plan"]
    assert ">= - pay" in shown["plan"]
    document = do("gate", path, "--json", encoding=encoding).stdout
    assert document.isascii()
    assert b"\\u732b" in document
    assert "猫".encode() in do("gate", path, "--json").stdout
    log = next(Path("runs/small/logs").iterdir()).read_text(encoding="utf-8")
    assert "größer 猫" in log


def test_the_encoding_is_that_which_the_user_gives_to_python(edit, monkeypatch):
    path = edit("Does a pay", "Does α ≥ − pay")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert b">= - pay" in shell(f"plan {path}").stdout


def test_numbers_keep_their_signs_in_every_alphabet(do):
    told = do("power", *FIRST[1:], encoding="ascii")
    assert "?" not in told.stdout.decode("ascii")
    assert told.code == 0


def test_the_version_is_told(study_path):
    done = shell("--version")
    assert (done.stdout.decode(), done.returncode) == (f"ablations {version('ablations')}\n", 0)


def test_json_holds_no_character_that_a_terminal_obeys(capsys):
    print_json({"a\x9b2J": "\x7f\x1b ü"})
    shown = capsys.readouterr().out
    assert not set("\x1b\x7f\x9b") & set(shown)
    assert json.loads(shown) == {"a\x9b2J": "\x7f\x1b ü"}


def test_no_text_of_a_record_reaches_the_terminal_as_a_command(study_path, do):
    module = study_path.read_text().split('run = "')[1].split(":")[0]
    Path(f"{module}.py").write_text(
        "def train(trial, log):\n    raise ValueError('\\x1b]0;owned\\x07 \\x1b[2J gone')\n"
    )
    for command in ("run", "status"):
        done = do(command, study_path, *(["--no-report"] if command == "run" else []))
        assert b"gone" in done.stdout + done.stderr
        assert b"\x1b" not in done.stdout + done.stderr
        assert b"\x07" not in done.stdout + done.stderr
