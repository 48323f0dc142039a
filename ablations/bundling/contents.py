"""Collects what a bundle holds: a study's report, records, code and environment, and the words."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import distributions, packages_distributions, version
from pathlib import Path

from ablations.bundling.citing import Citation, citation_files, dumped, listed
from ablations.bundling.crate import METADATA, Training, crate
from ablations.core.findings import Findings
from ablations.core.record import RunRecord, moment_of
from ablations.core.study import Study
from ablations.entry import code_files, imported_modules
from ablations.errors import StudyError
from ablations.records.description import record_text
from ablations.records.git import GitState, git_state
from ablations.records.sqlite.checksums import sealed
from ablations.report.words.answer import answer
from ablations.report.words.checklist import checklist
from ablations.report.words.imported import recorded_by
from ablations.report.writing import render_report
from ablations.reporting import n_of_other_code
from ablations.text.formatting import few
from ablations.text.sentences import other_code_sentence

RECORDS, ABOUT, STUDY = "records.jsonl", "bundle.json", "study"


@dataclass(frozen=True, slots=True)
class Credits:
    """Who made a study, and under which license others may use it, as an SPDX name."""

    authors: Sequence[str] = ()
    license: str | None = None


def bundle_files(
    findings: Findings, records: Sequence[RunRecord], named: Credits, *, samples: bool = True
) -> dict[str, bytes]:
    """Returns the files of a bundle by their paths in it; equal ones for equal arguments.

    Args:
        findings: What the study found.
        records: The records behind it.
        named: Authors and license; without authors, whom git names as the user.
        samples: Whether the report shows examples of the data.

    Raises:
        StudyError: if no trial has completed, the study has no file, or no author is known.
    """
    study = findings.study
    require_bundled(findings)
    folder = Path(study.folder or ".")
    state = git_state(folder) if study.file else None
    cited = _cited(findings, named, state)
    files = {
        **_report(findings, records, samples=samples),
        **{f"{STUDY}/{name}": content for name, content in _study_files(study).items()},
        **_state_files(state, records),
        **citation_files(cited),
        RECORDS: "".join(f"{sealed(record_text(own))}\n" for own in records).encode(),
        "environment.txt": _packages().encode(),
        "neurips-checklist.md": checklist(findings).encode(),
        ABOUT: dumped(_about(study)).encode(),
    }
    return {**files, METADATA: crate(files, cited, _training(findings, records, files))}


def require_bundled(findings: Findings) -> None:
    """Makes sure that there is something to bundle.

    Raises:
        StudyError: if no trial has completed, or the study has no file.
    """
    study = findings.study
    if study.in_python:
        raise StudyError(
            "a bundle holds a study file, and this study was made in Python",
            received=study.title,
            cure="Write its factors and settings into a study file: ablations init",
        )
    if not findings.n_completed:
        raise StudyError(
            f"there is nothing to bundle of {study.slug}",
            received="no completed trial of this study with these settings",
            cure="Train it first: ablations run; or repeat --set and --seeds as for 'run'",
        )


def _report(findings: Findings, records: Sequence[RunRecord], *, samples: bool) -> dict[str, bytes]:
    """Renders the report as beside the bundle's study file, so that it names no other folder."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name).resolve()
        own = replace(findings.study, file=str(top / STUDY / _file_name(findings.study)))
        (top / STUDY).mkdir()
        render_report(
            replace(findings, study=own), top / "report", records=records, samples=samples
        )
        paths = sorted(path for path in (top / "report").rglob("*") if path.is_file())
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in paths}


def _file_name(study: Study) -> str:
    return Path(study.file).name if study.file else f"{study.slug}.toml"


def _study_files(study: Study) -> dict[str, bytes]:
    """Returns the study file, the published numbers that it names, and the code beside it."""
    path = Path(study.file) if study.file else Path(study.folder or ".") / _file_name(study)
    content = path.read_bytes()
    named = tomllib.loads(content.decode("utf-8-sig")).get("published")
    published = {named: (path.parent / named).read_bytes()} if named else {}
    code = {}
    if study.file:  # the code of a built-in study is installed
        code = code_files(study.entry.partition(":")[0], Path(study.folder or "."))
    return {**code, **published, path.name: content}


def _about(study: Study) -> dict[str, object]:
    return {
        "study": f"{STUDY}/{_file_name(study)}",
        "options": shlex.split(study.source)[1:],
        "records": RECORDS,
        "ablations": version("ablations"),
    }


def _packages() -> str:
    """Lists the packages that are installed here, as pip reads them."""
    names = {dist.metadata["Name"]: dist.version for dist in distributions()}
    lines = [f"{name}=={version}\n" for name, version in names.items() if name]
    return "".join(sorted(lines, key=str.lower))


def _state_files(state: GitState | None, records: Sequence[RunRecord]) -> dict[str, bytes]:
    if state is None:
        return {}
    about = {
        "commit": state.commit,
        "remote": state.remote,
        "changed": list(state.changed),
        "commits_of_records": sorted({own.environment.get("commit", "") for own in records}),
    }
    changes = {"git/changes.diff": state.diff} if state.diff else {}
    return {"git/state.json": dumped(about).encode(), **changes}


def doubts(findings: Findings, files: Mapping[str, bytes]) -> Iterator[str]:
    """Yields what the maker of a bundle should know before it is published.

    Args:
        findings: What the study found.
        files: Of the bundle.
    """
    done, planned = findings.n_completed, findings.n_planned
    if done < planned:
        yield f"{done} of {planned} trials have completed"
    if "git/changes.diff" in files:
        yield "git/changes.diff holds changes that are not committed"
    if "git/state.json" in files and findings.study.imported is None:
        state = json.loads(files["git/state.json"])
        others = [
            c for c in state["commits_of_records"] if not c or not state["commit"].startswith(c)
        ]
        if others:
            yield (
                f"the code is that of commit {state['commit'][:12]}, and the records name "
                f"{few([name or 'none' for name in others])}: ablations rerun shows whether it "
                "trains the same"
            )
    if number := n_of_other_code(findings):
        yield f"the bundle has the code as it is now, and {other_code_sentence(number)}"
    code = {name: content for name, content in files.items() if name.endswith(".py")}
    if missing := _unbundled(code, STUDY):
        yield f"the code imports what is neither in the bundle nor installed: {few(missing)}"


def _cited(findings: Findings, named: Credits, state: GitState | None) -> Citation:
    """Says how to cite a study.

    Raises:
        StudyError: if no author is known.
    """
    authors = listed(named.authors) or listed([state.user] if state else [])
    if not authors:
        raise StudyError(
            "a bundle names its authors, and none is known",
            received="no --author, and no user.name of git for the study's folder",
            cure='Name one: --author "Family, Given"; it may be repeated',
        )
    day = moment_of(findings.finished_at or "").date().isoformat()
    abstract = " ".join((findings.study.question, *answer(findings).sentences))
    return Citation(findings.study.title, abstract, authors, day, named.license)


def _training(
    findings: Findings, records: Sequence[RunRecord], files: Mapping[str, bytes]
) -> Training:
    study = findings.study
    return Training(
        name=f"Training of {study.slug}",
        description=f"{findings.n_completed} of {findings.n_planned} trials completed"
        f"{' on the data ' if any(findings.data) else ''}{', '.join(filter(None, findings.data))}.",
        entry=study.entry,
        version=records[-1].environment.get("ablations", version("ablations")),
        inputs=tuple(name for name in files if name.startswith(f"{STUDY}/")),
        result=RECORDS,
        began=min(record.started_at for record in records),
        ended=findings.finished_at or "",
        completed=findings.n_completed == findings.n_planned,
        trainer=recorded_by(findings),
    )


def _unbundled(code: Mapping[str, bytes], folder: str) -> list[str]:
    """Returns what code imports that is neither part of it, nor of Python, nor installed.

    Args:
        code: Files by their paths.
        folder: That of the study in these paths.
    """
    own = {name.removeprefix(f"{folder}/").partition("/")[0].removesuffix(".py") for name in code}
    known = own | sys.stdlib_module_names | packages_distributions().keys()
    names = {
        name.partition(".")[0]
        for place, content in code.items()
        for name in imported_modules(content, ("",) * place.count("/"))
    }
    return sorted(names - known - {""})
