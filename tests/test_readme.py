"""The README's commands on reports, as written, in a repository that ignores what this one does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablations.cli.app import app

pytestmark = pytest.mark.usefixtures("figures_drawn_once")

ROOT = Path(__file__).parents[1]
COMMANDS = re.findall(
    r"^    (ablations (?:gate|site) .*?|git .*?)\s*(?:#.*)?$",
    (ROOT / "README.md").read_text(),
    re.MULTILINE,
)


def sh(command: str) -> int:
    """Runs a command: git by a shell, and ours here, to be quick."""
    if command.startswith("ablations "):
        return CliRunner().invoke(app, command.split()[1:]).exit_code
    return subprocess.run(command, shell=True, check=False, capture_output=True).returncode


@pytest.fixture
def repository(study_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository on main with a study called ``study.toml``, trained, and an empty blog."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
    folder = study_path.parent
    study_path.rename(folder / "study.toml")
    shutil.copy(ROOT / ".gitignore", folder)
    (folder / "blog" / "_posts").mkdir(parents=True)
    assert sh("git init -q -b main") == 0
    assert sh("ablations run study.toml --jobs 1") == 0
    return folder


def test_what_the_readme_says_of_reports_works_as_written(repository: Path) -> None:
    assert len(COMMANDS) == 6
    assert [(command, sh(command)) for command in COMMANDS] == [(c, 0) for c in COMMANDS]
    assert "study/index.html" in (repository / "site" / "index.html").read_text()
    assert len(list((repository / "blog" / "_posts").iterdir())) == 1


def test_git_keeps_the_numbers_of_a_report_and_nothing_that_can_be_made_again(
    repository: Path,
) -> None:
    shutil.copytree(repository / "reports" / "study", repository / "reports" / "quickstart")
    shutil.copytree(repository / "reports" / "study", repository / "reports" / "posts" / "post-x")
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "reports"],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert [name for name in listed if "posts" not in name] == ["reports/study/report.json"]
    assert "reports/posts/post-x/index.html" in listed


def test_what_was_found_is_what_the_committed_reports_say() -> None:
    """Main effects over the posts in the README, those of each post in docs/posts.md."""
    name = "-".join(["synthesis", *(f"post-{post}-clean" for post in "abcde")])
    folder = ROOT / "reports" / "posts" / name
    report = json.loads((folder / "report.json").read_text())
    readme, posts = ((ROOT / name).read_text() for name in ("README.md", "docs/posts.md"))
    mains = [effect for effect in report["effects"] if effect["kind"] == "main"]
    assert len(mains) == 3
    for effect in mains:
        mean, (low, high) = points(effect["pooled"]["estimate"]), ends(effect["pooled"]["interval"])
        assert f"gains {mean} pp (" in readme
        assert f"{low} to {high})" in readme
        row = [f"{mean} [{low}, {high}] pp"]
        for own in reversed(effect["studies"]):
            low, high = ends(own["interval"])
            row.insert(0, f"{points(own['estimate'])} [{low}, {high}]")
        assert f"| {effect['effect']} | {' | '.join(row)} |" in posts


def ends(interval: list[float]) -> tuple[str, str]:
    return points(interval[0]), points(interval[1])


def points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
