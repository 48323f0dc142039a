"""What git is asked, in repositories with branches, merges, hooks and shallow clones."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from ablations.core.past import Commit
from ablations.errors import StoreError, StudyError
from ablations.records.git import (
    changed_files,
    code_names,
    find_commit,
    is_committed,
    is_tracked,
    merge_base,
    path_between,
    present_commit,
    repository_of,
    worktrees,
)


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, name: str) -> Commit:
    (folder / name).write_text(name)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", f"add {name}")
    return find_commit("HEAD", folder)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits on main, in a folder with a space."""
    folder = tmp_path / "a repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "one")
    commit(folder, "two")
    return folder


def names(path) -> list[str]:
    return [own.subject.removeprefix("add ") for own in path]


def test_a_path_follows_the_first_parents(repository: Path):
    good = find_commit("HEAD", repository)
    git(repository, "checkout", "-qb", "side")
    commit(repository, "side1")
    commit(repository, "side2")
    git(repository, "checkout", "-q", "main")
    commit(repository, "three")
    git(repository, "merge", "-q", "--no-ff", "-m", "merge", "side")
    bad = commit(repository, "four")
    path = path_between(good, bad, repository)
    assert names(path) == ["two", "three", "merge", "four"]
    assert [own.commit for own in path][:1] == [good]
    assert path[1].parents == (good.name,)
    merged = path[2]
    assert merged.parents == (path[1].commit.name, git(repository, "rev-parse", "side"))
    assert merge_base(*merged.parents, repository) == good.name


def test_a_path_from_within_a_branch_goes_by_the_parent_that_leads_back(repository: Path):
    git(repository, "checkout", "-qb", "side")
    good = commit(repository, "side1")
    commit(repository, "side2")
    git(repository, "checkout", "-q", "main")
    commit(repository, "three")
    git(repository, "merge", "-q", "--no-ff", "-m", "merge", "side")
    path = path_between(good, find_commit("HEAD", repository), repository)
    assert names(path) == ["side1", "side2", "merge"]


def test_ends_in_the_wrong_order_or_on_two_branches_are_refused_with_their_cure(repository: Path):
    one, two = (find_commit(revision, repository) for revision in ("HEAD~1", "HEAD"))
    with pytest.raises(StudyError, match=r"^GOOD comes after BAD\. Received: .* Name the earlier"):
        path_between(two, one, repository)
    with pytest.raises(StudyError, match="GOOD and BAD are the same commit"):
        path_between(two, two, repository)
    git(repository, "checkout", "-qb", "side", one.name)
    side = commit(repository, "side1")
    with pytest.raises(StudyError, match=f"such as {one.name[:12]}, which both come from"):
        path_between(two, side, repository)
    assert names(path_between(one, side, repository)) == ["one", "side1"]  # the cure


def test_a_shallow_clone_is_told_to_fetch_what_it_lacks(repository: Path, tmp_path: Path):
    for name in ("three", "four"):
        commit(repository, name)
    first = git(repository, "rev-parse", "HEAD~3")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "clone")
    with pytest.raises(StoreError, match="git fetch --unshallow"):
        find_commit(first, tmp_path / "clone")
    git(tmp_path / "clone", "fetch", "-q", "--depth=1", "origin", first)
    good, bad = (find_commit(name, tmp_path / "clone") for name in (first, "HEAD"))
    with pytest.raises(StudyError, match=r"This clone is shallow.*git fetch --unshallow"):
        path_between(good, bad, tmp_path / "clone")
    git(tmp_path / "clone", "fetch", "-q", "--unshallow", "origin")  # the cure
    assert names(path_between(good, bad, tmp_path / "clone")) == ["one", "two", "three", "four"]


def test_checkouts_leave_the_working_tree_alone_run_no_hook_and_are_gone(repository: Path):
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch '{repository}/hooked'\n")
    hook.chmod(0o755)
    (repository / "two").write_text("changed")
    (repository / "new").write_text("staged")
    git(repository, "add", "new")
    before = git(repository, "status", "--porcelain")
    with worktrees(repository) as trees:
        first = trees.at(find_commit("HEAD~1", repository))
        assert trees.at(find_commit("HEAD~1", repository)) == first
        second = trees.at(find_commit("HEAD", repository))
        assert sorted(path.name for path in first.iterdir()) == [".git", "one"]
        assert (second / "two").read_text() == "two"
        (second / "left").write_text("by a training")
    assert not first.exists()
    assert not second.exists()
    assert git(repository, "worktree", "list").count("\n") == 0
    assert git(repository, "status", "--porcelain") == before
    assert not (repository / "hooked").exists()


def test_checkouts_are_gone_also_where_one_was_spoilt_or_the_command_was_stopped(repository: Path):
    def stopped() -> None:
        with worktrees(repository) as trees:
            (trees.at(find_commit("HEAD", repository)) / ".git").unlink()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert git(repository, "worktree", "list").count("\n") == 0


def test_a_commit_without_its_objects_cannot_be_checked_out(repository: Path):
    tree = git(repository, "rev-parse", "HEAD:two")
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    commit_ = find_commit("HEAD", repository)
    with (
        worktrees(repository) as trees,
        pytest.raises(StoreError, match=r"git cannot check out commit .*git worktree add"),
    ):
        trees.at(commit_)
    assert git(repository, "worktree", "list").count("\n") == 0


def test_what_a_hook_hands_on_does_not_lead_to_its_repository(repository: Path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", os.fspath(repository / "nowhere"))
    assert repository_of(repository) == repository
    assert is_committed("two", find_commit("HEAD", repository), repository)
    assert not is_committed("two", find_commit("HEAD~1", repository), repository)


def test_names_that_look_like_options_are_revisions_that_there_are_not(repository: Path):
    for name in ("--all", "-1", "HEAD --", "HEAD; touch hit"):
        with pytest.raises(StoreError, match="git does not know this commit"):
            find_commit(name, repository)


def test_git_that_is_missing_or_refuses_is_named_with_its_cure(
    repository: Path, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests
    for kind, ask in (
        (StoreError, lambda: find_commit("HEAD", repository)),
        (StudyError, lambda: repository_of(repository)),
    ):
        with pytest.raises(kind, match="belongs to another user") as refused:
            ask()
        cure = str(refused.value).partition("If you trust it: ")[2].removesuffix(".")
        assert cure.startswith("git config --global --add safe.directory ")
    subprocess.run(shlex.split(cure), check=True)
    assert find_commit("HEAD", repository)
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(StoreError, match=r"git is not installed.*Install it"):
        find_commit("HEAD", repository)


def test_changed_and_tracked_files(repository: Path, tmp_path: Path):
    (repository / "two").write_text("changed")
    (repository / "untracked").write_text("x")
    assert changed_files(repository) == ("two",)
    (repository / "mine.py").write_text("x")
    assert changed_files(repository) == ("two", "mine.py")
    assert changed_files(repository, untracked=False) == ("two",)
    (repository / ".ablations-manifest").write_text(f"{'0' * 64}  two\n")
    assert changed_files(repository) == ("mine.py",)  # a result that we wrote is no code
    assert is_tracked(repository / "two", repository)
    assert is_tracked(repository, repository)
    assert not is_tracked(repository / "untracked", repository)
    with pytest.raises(StoreError, match=r"there is no git repository here.*git init"):
        changed_files(tmp_path)
    with pytest.raises(StoreError, match="there is no git repository here"):
        repository_of(tmp_path)


def test_the_present_files_are_a_commit_that_nothing_refers_to(repository: Path):
    head = find_commit("HEAD", repository)
    assert present_commit(repository) == head
    (repository / "sub").mkdir()
    written = ("two", "sub/new.py", "sub/[odd] é.toml", "photo.png", "added.txt")
    for name in written:
        (repository / name).write_text("changed")
    git(repository, "add", "added.txt")
    before = git(repository, "status", "--porcelain")
    found = present_commit(repository)
    assert found == present_commit(repository) != head
    words = ("-c", "core.quotePath=off", "diff", "--name-only", head.name, found.name)
    assert set(git(repository, *words).split("\n")) == set(written) - {"photo.png"}
    assert git(repository, "status", "--porcelain") == before
    assert git(repository, "rev-parse", "HEAD") == head.name
    (repository / "two").unlink()
    assert present_commit(repository) not in (found, head)


def test_a_change_of_equal_size_within_the_second_of_a_commit_is_seen(repository: Path):
    commit(repository, "same")
    (repository / "same").write_text("emas")
    time.sleep(1.1)
    assert present_commit(repository) != find_commit("HEAD", repository)


def test_a_branch_that_a_clone_lacks_is_fetched_as_the_cure_says(repository: Path):
    git(repository, "branch", "topic")
    clone = repository.parent / "clone of one branch"
    address = f"file://{repository}"
    git(repository, "clone", "-q", "--depth=1", "--branch=topic", address, str(clone))
    with pytest.raises(StoreError) as caught:
        find_commit("origin/main", clone)
    [cure] = re.findall(r"\(git (fetch [^)]*)\)", str(caught.value))
    git(clone, *shlex.split(cure))
    assert find_commit("origin/main", clone) == find_commit("main", repository)


def test_names_of_code_are_those_by_which_it_is_imported(tmp_path: Path):
    for name in ("src/clf/__init__.py", "src/clf/nets.py", "src/clf/sub/__init__.py", "alone.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    git(tmp_path, "init", "-q")
    assert code_names(tmp_path) == frozenset()
    git(tmp_path, "add", "-A")
    assert code_names(tmp_path) == {"clf", "alone"}


def test_a_repository_without_commits_has_no_present_commit(tmp_path: Path):
    git(tmp_path, "init", "-q")
    with pytest.raises(StoreError, match="git does not know this commit"):
        present_commit(tmp_path)
