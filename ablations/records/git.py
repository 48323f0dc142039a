"""Asks git which commits there are, what lies between two, and checks them out beside the tree.

Names of revisions and paths come from users: they are passed behind ``--end-of-options`` or ``--``,
and no shell reads them. The working tree, the index and the branches stay as they are.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from ablations.core.past import Commit
from ablations.core.record import moment_of
from ablations.errors import StoreError, StudyError
from ablations.records.written import without_results

_SECONDS = 60
_CHECKOUT_SECONDS = 600

_CODE = (".py", ".toml")
"""How the names of files end that may be part of a study, though git does not track them yet."""

_NOBODY = {
    f"GIT_{who}_{what}": "ablations"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
"""Who commits the present files: equal files are the same commit, whoever works here."""

_OWN = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_PREFIX", "GIT_NAMESPACE",
)  # fmt: skip
"""What a hook of git hands on, and would have all commands work on its own files."""


def without_hooks_variables() -> dict[str, str]:
    """Returns the environment without what git sets for its hooks."""
    return {name: value for name, value in os.environ.items() if name not in _OWN}


def find_commit(revision: str, folder: Path) -> Commit:
    """Looks up a commit in the git repository of a folder.

    Raises:
        StoreError: if there is none.
    """
    words = ["show", "-s", "--format=%H %cI", "--end-of-options", f"{revision}^{{commit}}"]
    try:
        name, date = _git(folder, words).split()
    except (OSError, subprocess.SubprocessError) as error:
        _require_usable(error, StoreError)
        raise StoreError(
            "git does not know this commit",
            received=f"{revision or 'an empty name'} in {folder.resolve()}",
            cure="Run it in the git repository of the study, in a clone that has the commit "
            f"({_fetching(revision, folder)}), or name another commit",
        ) from error
    return _commit(name, date)


def _fetching(revision: str, folder: Path) -> str:
    """Returns what fetches a commit: the branch of a remote, which a clone of one branch lacks."""
    remote, slash, branch = revision.partition("/")
    if slash and remote in _asked(folder, ["remote"]).splitlines():
        return f"git fetch {remote} '+refs/heads/{branch}:refs/remotes/{remote}/{branch}'"
    return "git fetch --unshallow"


def changed_files(folder: Path, *, untracked: bool = True) -> tuple[str, ...]:
    """Returns the files of a repository by which its code differs from its present commit.

    Reports and histories that we wrote there are results and do not count. Of files that git
    neither tracks nor ignores, those that may be part of a study count: code and study files.

    Raises:
        StoreError: if there is no repository.
    """
    found = _differing(folder, untracked=untracked)
    return without_results(found, repository_of(folder)) if found else ()


def _differing(folder: Path, *, untracked: bool = True) -> tuple[str, ...]:
    """Returns the files by which a repository differs from its commit, by their paths in it."""
    others = "normal" if untracked else "no"
    words = ["-c", "core.quotePath=false", "status", "--porcelain", f"--untracked-files={others}"]
    try:
        lines = _git(folder, words).splitlines()
    except (OSError, subprocess.SubprocessError) as error:
        raise _no_repository(folder) from error
    found = [(line[:2], line[3:].strip('"')) for line in lines]
    return tuple(path for state, path in found if state != "??" or path.endswith(_CODE))


def present_commit(top: Path) -> Commit:
    """Returns a commit of the present files of a repository, which is on no branch.

    It is HEAD where nothing has changed since; equal files are always the same commit. Of files
    that git neither tracks nor ignores, it has code and study files. The index stays as it is.

    Raises:
        StoreError: if there is no commit yet, or git cannot make one.
    """
    head = find_commit("HEAD", top)
    who = {"GIT_COMMITTER_DATE": head.date, "GIT_AUTHOR_DATE": head.date, **_NOBODY}
    words = ["commit-tree", "--no-gpg-sign", "-p", "HEAD", "-m", "Uncommitted changes"]
    try:
        tree = _present_tree(top)
        if tree == _git(top, ["rev-parse", "HEAD^{tree}"]).strip():
            return head
        return Commit(_git(top, [*words, tree], own=who).strip(), head.date)
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreError(
            "git cannot read the present files",
            received=_last_line(error),
            cure="Commit them, or see what 'git stash create' says",
        ) from error


def _present_tree(top: Path) -> str:
    """Returns git's name for the present files, with an index of its own beside the real one."""
    others = _git(top, ["ls-files", "--others", "--exclude-standard", "-z"]).split("\0")
    code = [path for path in others if path.endswith(_CODE)]
    index = top / _git(top, ["rev-parse", "--git-path", "index"]).removesuffix("\n")
    with tempfile.TemporaryDirectory() as folder:
        own = {"GIT_INDEX_FILE": str(Path(folder) / "index"), "GIT_LITERAL_PATHSPECS": "1"}
        if index.is_file():
            # With its time: by that git knows which files may have changed within its second.
            shutil.copy2(index, own["GIT_INDEX_FILE"])
        _git(top, ["add", "-u"], own=own, seconds=_CHECKOUT_SECONDS)
        if code:
            _git(top, ["add", "--", *code], own=own)
        return _git(top, ["write-tree"], own=own).strip()


@dataclass(frozen=True, slots=True)
class GitState:
    """The commit of a working tree, and what differs from it: names of files, and the ``diff``.

    Files that git does not track are named and are in no diff. ``remote`` is the address of
    ``origin`` without a password, and ``user`` the name that git has for who works here; both may
    be empty.
    """

    commit: str
    remote: str
    user: str
    changed: tuple[str, ...]
    diff: bytes


def git_state(folder: Path) -> GitState | None:
    """Returns the state of the repository that a folder is in; ``None`` without one."""
    try:
        commit = _git(folder, ["rev-parse", "HEAD"]).strip()
        words = ["git", "-C", str(folder), "diff", "--no-ext-diff", "--no-color", "HEAD"]
        diff = subprocess.run(  # noqa: S603 - git itself; bytes, as files have any encoding
            words, capture_output=True, check=True, timeout=_SECONDS, env=without_hooks_variables()
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    remote = re.sub("//[^/@]*@", "//", _asked(folder, ["remote", "get-url", "origin"]))
    user = _asked(folder, ["config", "user.name"])
    return GitState(commit, remote, user, _differing(folder), diff)


def _asked(folder: Path, words: Sequence[str]) -> str:
    """Returns what git says in one line; nothing where it does not know."""
    try:
        return _git(folder, words).strip()
    except (OSError, subprocess.SubprocessError):
        return ""


@dataclass(frozen=True, slots=True)
class PathCommit:
    """A commit of a path, with the first line of its message and the names of its parents."""

    commit: Commit
    subject: str
    parents: tuple[str, ...]


def repository_of(folder: Path) -> Path:
    """Returns the top folder of the repository that a folder is in.

    Raises:
        StoreError: if it is in none.
        StudyError: if git is not installed, or refuses the repository of another user.
    """
    try:
        return Path(_git(folder, ["rev-parse", "--show-toplevel"]).removesuffix("\n"))
    except (OSError, subprocess.SubprocessError) as error:
        _require_usable(error, StudyError)
        raise _no_repository(folder) from error


def path_commit(commit: Commit, top: Path) -> PathCommit:
    """Returns a commit with its message and its parents."""
    return _logged(top, ["--no-walk", commit.name])[commit.name]


def path_between(good: Commit, bad: Commit, top: Path) -> tuple[PathCommit, ...]:
    """Returns a path of parents from one commit to a later one, both included.

    It follows the first parent; where that does not lead back to ``good``, the next one that does.

    Raises:
        StudyError: if ``good`` is no ancestor of ``bad``.
    """
    _require_ancestor(good, bad, top)
    first = path_commit(good, top)
    found = _logged(top, ["--ancestry-path", f"{good.name}..{bad.name}"])
    path, step = [], bad.name
    while step != good.name:
        path.append(found[step])
        step = next(own for own in found[step].parents if own in found or own == good.name)
    return (first, *reversed(path))


def _logged(top: Path, words: Sequence[str]) -> dict[str, PathCommit]:
    """Returns the commits of a log by their names."""
    found = {}
    for line in _git(top, ["log", "--format=%H%x00%cI%x00%P%x00%s", *words]).split("\n"):
        if line:
            name, date, parents, subject = line.split("\0", 3)
            found[name] = PathCommit(_commit(name, date), subject, tuple(parents.split()))
    return found


def is_committed(path: str, commit: Commit, top: Path) -> bool:
    """Whether a commit has a file, named by its path from the top of the repository."""
    return _succeeds(top, ["cat-file", "-e", f"{commit.name}:{path}"])


def is_tracked(path: Path, top: Path) -> bool:
    """Whether git tracks a file, or any file below a folder."""
    try:
        return bool(_git(top, ["ls-files", "--", str(path)]))
    except (OSError, subprocess.SubprocessError):
        return False


def code_names(top: Path) -> frozenset[str]:
    """Returns the names by which the Python code that git tracks is imported: no inner modules."""
    paths = {Path(path) for path in _asked(top, ["ls-files", "--", "*.py"]).splitlines()}
    inits = {path.parent for path in paths if path.name == "__init__.py"}
    packages = {path.name for path in inits if path.parent not in inits}
    return frozenset(packages | {path.stem for path in paths if path.parent not in inits})


def merge_base(one: str, other: str, top: Path) -> str | None:
    """Returns the commit that two others have in common, if they have one."""
    try:
        return _git(top, ["merge-base", one, other]).strip()
    except (OSError, subprocess.SubprocessError):
        return None


class Worktrees:
    """Commits of a repository, each in a folder of its own below a temporary one."""

    def __init__(self, top: Path, folder: Path) -> None:
        self._top, self._folder = top, folder
        self._there: dict[str, Path] = {}

    def at(self, commit: Commit) -> Path:
        """Returns the folder of a commit's files; hooks of the repository do not run.

        Raises:
            StoreError: if git cannot check it out.
        """
        if commit.name not in self._there:
            path = self._folder / commit.name[:12]
            words = ["-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--detach", "--quiet"]
            self._there[commit.name] = path
            try:
                _git(self._top, [*words, str(path), commit.name], seconds=_CHECKOUT_SECONDS)
            except (OSError, subprocess.SubprocessError) as error:
                raise StoreError(
                    f"git cannot check out commit {commit.name[:12]}",
                    received=_last_line(error),
                    cure=f"See whether 'git worktree add --detach PATH {commit.name[:12]}' works",
                ) from error
        return self._there[commit.name]

    def remove(self) -> None:
        """Removes all of them, and what git noted of them."""
        for path in self._there.values():
            words = ["worktree", "remove", "--force", "--force", str(path)]
            if not _succeeds(self._top, words):  # as where its checkout was interrupted
                shutil.rmtree(path, ignore_errors=True)
                _succeeds(self._top, words)


@contextmanager
def worktrees(top: Path) -> Iterator[Worktrees]:
    """Yields checkouts of a repository that are gone at the end, however it ends."""
    with tempfile.TemporaryDirectory(
        prefix="ablations-commits-", ignore_cleanup_errors=True
    ) as name:
        found = Worktrees(top, Path(name).resolve())
        try:
            yield found
        finally:
            found.remove()


def _require_ancestor(good: Commit, bad: Commit, top: Path) -> None:
    names = f"GOOD {good.name[:12]}, BAD {bad.name[:12]}"
    if good.name == bad.name:
        raise StudyError(
            "GOOD and BAD are the same commit", received=names, cure="Name an earlier one as GOOD"
        )
    if _succeeds(top, ["merge-base", "--is-ancestor", good.name, bad.name]):
        return
    if _succeeds(top, ["merge-base", "--is-ancestor", bad.name, good.name]):
        raise StudyError(
            "GOOD comes after BAD",
            received=names,
            cure="Name the earlier commit first: ablations bisect STUDY GOOD BAD",
        )
    base = merge_base(good.name, bad.name, top)
    shallow = (_git(top, ["rev-parse", "--is-shallow-repository"])).strip() == "true"
    cure = "Name an ancestor of BAD as GOOD"
    if shallow:
        cure = "This clone is shallow: fetch the commits between first (git fetch --unshallow)"
    elif base:
        cure = f"Name an ancestor of BAD as GOOD, such as {base[:12]}, which both come from"
    raise StudyError("GOOD is no ancestor of BAD", received=names, cure=cure)


def _require_usable(error: Exception, kind: type[StoreError | StudyError]) -> None:
    """Raises another error where git is not there, or refuses the repository of another user."""
    if isinstance(error, FileNotFoundError):
        cure = "Install it (Debian: apt-get install git)"
        raise kind("git is not installed", received="no command git", cure=cure) from error
    if "safe.directory" in str(getattr(error, "stderr", "")):
        raise kind(
            "git refuses a repository that belongs to another user, as in containers of CI",
            received=str(error.stderr).strip().splitlines()[0],  # type: ignore[attr-defined]
            cure=f"If you trust it: {_last_line(error).strip()}",
        ) from error


def _commit(name: str, date: str) -> Commit:
    try:
        return Commit(name, moment_of(date).astimezone(UTC).isoformat())
    except (ValueError, OverflowError) as error:
        raise StoreError(
            f"the date of commit {name[:12]} cannot be read",
            received=date,
            cure="Commit again with the right date: git commit --amend --date=now",
        ) from error


def _no_repository(folder: Path) -> StoreError:
    return StoreError(
        "there is no git repository here",
        received=str(folder.resolve()),
        cure="Run it in the repository of the study, or begin one with 'git init'",
    )


def _git(
    folder: Path,
    words: Sequence[str],
    *,
    seconds: float = _SECONDS,
    own: Mapping[str, str] | None = None,
) -> str:
    """Returns what git prints; ``own`` are variables of this command alone."""
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(  # noqa: S603 - git itself, and names that it looks up
        command, capture_output=True, text=True, errors="replace", check=True, timeout=seconds,
        env={**without_hooks_variables(), **(own or {})}, start_new_session=True,
    )  # fmt: skip
    return done.stdout


def _succeeds(folder: Path, words: Sequence[str]) -> bool:
    try:
        _git(folder, words, seconds=_CHECKOUT_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _last_line(error: Exception) -> str:
    lines = str(getattr(error, "stderr", "") or error).strip().splitlines()
    return lines[-1] if lines else str(error)
