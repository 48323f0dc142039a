"""The commands in the documents work as written, on a study that trains in no time."""

from __future__ import annotations

import json
import lzma
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ablations import load_study, read_records
from ablations.cli.app import app

pytestmark = pytest.mark.usefixtures("figures_drawn_once")

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/adr/*.md")])
MADE = {
    ROOT / "docs" / "reference" / name
    for name in ("commands.md", "settings.md", "study-file.md", "python.md")
}
"""Pages that docs/conf.py makes when the documentation is built."""
FIRST_WORDS = ("ablations", "git", "python3", "tox")

LONG = {
    "python3 -m pip install tox && python3 -m tox -e bench": "installs all packages, then trains",
    "python3 -m tox": "installs all packages, then runs these tests",
    "python3 -m pip install tox": "installs a package",
    "python3 -m pip install '.[tensorflow,fast]'": "installs all packages",
    "python3 -m tox -e adapters": "installs all frameworks, then trains with each",
    "python3 -m tox -e bench": "installs all packages, then trains",
    "python3 -m tox -e docs": "installs packages, then builds all pages",
    "python3 -m tox -e notebooks": "installs packages, then trains for a minute",
    "python3 -m tox -e sinks": "installs all tools, then sends trials to each",
    "python3 -m tox -e ray": "installs all packages, then trains on clusters for minutes",
    "python3 -m tox -e release": "installs all packages, then trains the quickstart",
    "python3 -m tox -e sample": "installs packages, then renders all committed reports",
    "python3 -m tox -e vs-posts": "trains on the photographs for half an hour",
}
"""Commands that take minutes, with the reason; the workflows and maintainers run them."""

QUICKER = {"ablations run quickstart": "ablations run quickstart --seeds 1"}
"""What is run in place of a command: each arm once shows as well that all of them train."""


def commands(document: Path) -> Iterator[str]:
    """Yields the commands of a document's indented blocks, without their comments."""
    text = re.sub(
        r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for line in text.splitlines():
        if line.startswith("    ") and line.split()[:1] and line.split()[0] in FIRST_WORDS:
            yield line.split(" #")[0].strip()


def inline_commands(document: Path) -> Iterator[str]:
    """Yields what is between backquotes within a sentence and begins with ``ablations``."""
    text = document.read_text(encoding="utf-8")
    yield from (found.replace("\n", " ") for found in re.findall(r"`(ablations [^`]+)`", text))


def fenced(document: Path, language: str) -> list[str]:
    text = document.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def study_toml(study_path, tmp_path):
    """A folder with a quick ``study.toml``, in a git repository with a blog beside it."""
    study_path.rename("study.toml")
    runs = (ROOT / "tests" / "imports" / "fixtures" / "mlflow-3.17.2.db.xz").read_bytes()
    Path("mlflow.db").write_bytes(lzma.decompress(runs))
    Path("blog/_posts").mkdir(parents=True)
    Path("reports/posts").mkdir(parents=True)
    Path("reports/posts/records").symlink_to(ROOT / "reports" / "posts" / "records")
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], check=True)
    for key, value in (("user.name", "a"), ("user.email", "a@b"), ("commit.gpgsign", "false")):
        subprocess.run(["git", "config", key, value], check=True)
    return tmp_path / "study.toml"


def do(command: str) -> None:
    """Runs a command as it is written; ``ablations`` in this process, which is quicker."""
    if not command.startswith("ablations "):
        done = subprocess.run(command, shell=True, capture_output=True, check=False)
        assert done.returncode == 0, (command, done.stderr.decode())
        return
    words = [file for word in shlex.split(command) for file in _expanded(word)]
    called = CliRunner().invoke(app, words[1:])
    assert called.exit_code == 0, (command, called.stderr, called.exception)


def _expanded(word: str) -> list[str]:
    """Returns the files that a shell would put in the place of a word with an asterisk."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def quick(document: Path) -> list[str]:
    return [command for command in commands(document) if command not in LONG]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            d, id=str(d.relative_to(ROOT)), marks=[pytest.mark.long] * ("quickstart" in text)
        )
        for d in DOCUMENTS
        if (text := " ".join(quick(d)))
    ],
)
def test_the_commands_of_a_document_work_in_their_order(document, study_toml):
    own = quick(document)
    if "ablations init" in own:
        quick_study = study_toml.read_text()
        study_toml.unlink()
        do("ablations init")
        study_toml.write_text(quick_study)
    else:
        do("ablations run study.toml --no-report")
        do("ablations export study.toml --to records.jsonl")
    for command in own:
        if command != "ablations init":
            do(QUICKER.get(command, command))


def test_the_long_commands_are_still_written_somewhere_and_name_what_there_is():
    written = {command for document in DOCUMENTS for command in commands(document)}
    assert {*LONG, *QUICKER} <= written
    environments = re.findall(
        r"^\[testenv:(.+)\]", (ROOT / "tox.ini").read_text(), flags=re.MULTILINE
    )
    for command in LONG:
        for name in re.findall(r"tox -e (\S+)", command):
            assert name in environments


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_commands_within_sentences_name_commands_and_options_that_there_are(document):
    known = typer.main.get_command(app).commands
    for text in inline_commands(document):
        words = text.split()[1:]
        if words[0].startswith("-"):
            continue
        assert words[0] in known, text
        command = known[words[0]]
        if (inner := getattr(command, "commands", None)) and len(words) > 1:
            assert words[1] in inner, text
            command = inner[words[1]]
        options = {name for option in command.params for name in option.opts}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= options | {"--help"}, text


def test_the_study_of_the_readme_loads(tmp_path):
    (shown,) = fenced(ROOT / "README.md", "toml")
    (tmp_path / "dropout.toml").write_text(shown)
    assert len(load_study(tmp_path / "dropout.toml").arms) == 2


def test_the_python_of_the_readme_runs(study_toml):
    (shown,) = fenced(ROOT / "README.md", "python")
    assert '"quickstart"' in shown  # which trains for a minute
    exec(shown.replace('"quickstart"', '"study.toml"'), {})
    assert Path("reports/study/index.html").is_file()


def test_the_python_of_notebooks_runs_in_its_order(study_toml, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, object] = {"__name__": "__main__"}
    for shown in fenced(ROOT / "docs" / "notebook.md", "python"):
        exec(shown, names)
    assert names["findings"].n_completed == 10


def test_the_executor_of_the_docs_trains_a_study(study_toml):
    (shown,) = [text for text in fenced(ROOT / "docs" / "extending.md", "python") if "work" in text]
    names: dict[str, object] = {}
    exec(shown, names)
    records = names["records"]
    assert len(records) == 12
    assert all(record.completed for record in records)
    assert [r.key for r in records] == [r.key for r in read_records(load_study("study.toml"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_what_a_document_points_to_is_there(document):
    text = document.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    beside = [document.parent / link for link in links if link and "://" not in link]
    named = re.findall(r"`((?:ablations|bench|docs|tests)/[\w/]+\.\w+)`", text)
    missing = [
        str(path)
        for path in {*beside, *(ROOT / name for name in named)} - MADE
        if not path.exists()
    ]
    assert not missing


@pytest.mark.parametrize("notebook", sorted(ROOT.glob("docs/*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_kept_with_their_output_and_lead_to_what_is_there(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [
        o for cell in code for o in cell["outputs"] if o["output_type"] in ("error", "stream")
    ]
    links = re.findall(r"OWNER/ablations/blob/main/([^)#]+)", notebook.read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (ROOT / link).is_file()]
