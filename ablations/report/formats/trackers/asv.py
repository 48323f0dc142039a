"""Writes the means as results of asv, so that ``asv publish`` shows them over commits.

Point ``results_dir`` of asv.conf.json at the folder ``asv-results``. asv calls only a rise a
regression, so an accuracy is written as its error, 1 minus it; other metrics of which more is
better have no such counterpart and are left out. Source: asv 0.6, ``results.py``, format 2.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from ablations.core.findings import Decision, Findings
from ablations.core.record import moment_of
from ablations.errors import StoreError, StudyError
from ablations.records.git import find_commit
from ablations.report.formats.trackers.series import (
    Series,
    commits,
    document,
    environment,
    series,
)
from ablations.text.escaping import one_line

FOLDER = "asv-results"
_HASH = re.compile(r"[0-9a-f]{40}")


def asv(decision: Decision) -> dict[str, str | bytes]:
    """Returns the list of benchmarks, the machine, and the results of one commit.

    Raises:
        StudyError: if the records do not belong to one commit of the repository in this folder.
    """
    findings = decision.findings
    found = [own for own in series(findings) if own.metric.better == "lower" or _is_share(own)]
    if not found:
        return {f"{FOLDER}/benchmarks.json": document({"version": 2})}
    commit, facts = _commit(findings), _machine(findings)
    machine = facts["machine"]
    return {
        f"{FOLDER}/benchmarks.json": document({**_benchmarks(findings, found), "version": 2}),
        f"{FOLDER}/{machine}/machine.json": document({**facts, "version": 1}),
        f"{FOLDER}/{machine}/{commit[:8]}-{findings.study.report_name}.json": document(
            _results(findings, found, commit=commit, facts=facts)
        ),
    }


def _is_share(own: Series) -> bool:
    return own.metric.unit == "fraction"


def _name(findings: Findings, own: Series) -> str:
    """Names a benchmark: ``track_`` tells asv that it is a number and no time that asv measured."""
    kind = "_error" if own.metric.better == "higher" else ""
    metric = re.sub(r"\W+", "_", own.metric.name, flags=re.ASCII)
    return f"{findings.study.slug.replace('-', '_')}.track_{metric}{kind}"


def _arms(findings: Findings) -> list[str]:
    return [one_line(arm.arm.name) for arm in findings.arms]


def _benchmarks(findings: Findings, found: list[Series]) -> dict[str, Any]:
    """Describes each metric as a benchmark whose parameter is the arm."""
    return {
        (name := _name(findings, own)): {
            "code": "",
            "name": name,
            "param_names": ["arm"],
            "params": [_arms(findings)],
            "timeout": 60,
            "type": "track",
            "unit": own.metric.unit,
            "version": _version(name, _arms(findings)),
        }
        for own in found
    }


def _version(name: str, arms: list[str]) -> str:
    """Returns what changes where results of other arms must not be read as those of these."""
    return hashlib.sha256("\n".join([name, *arms]).encode(errors="replace")).hexdigest()


def _results(
    findings: Findings, found: list[Series], *, commit: str, facts: dict[str, str]
) -> dict[str, Any]:
    arms = _arms(findings)
    values: dict[str, dict[str, float]] = {}
    for own in found:
        mean = 1 - own.mean if own.metric.better == "higher" else own.mean
        values.setdefault(_name(findings, own), {})[own.arm] = mean
    moment = moment_of(findings.finished_at or "1970-01-01")
    return {
        "commit_hash": commit,
        "env_name": findings.study.report_name,
        "date": round(moment.timestamp() * 1000),
        "params": facts,
        "python": environment(findings).get("python", ""),
        "requirements": {},
        "env_vars": {},
        "result_columns": ["result", "params", "version"],
        "results": {
            name: [[own.get(arm) for arm in arms], [arms], _version(name, arms)]
            for name, own in values.items()
        },
        "durations": {},
        "version": 2,
    }


def _machine(findings: Findings) -> dict[str, str]:
    facts = environment(findings)
    own = {key: one_line(facts.get(key, "")) for key in ("cpu", "system", "device")}
    digest = hashlib.sha256("\n".join(own.values()).encode(errors="replace")).hexdigest()[:8]
    return {
        "machine": f"machine-{digest}",
        "arch": own["system"].rpartition(" ")[2],
        "cpu": own["cpu"],
        "num_cpu": facts.get("cores", ""),
        "os": own["system"].partition(" ")[0],
        "ram": "",
    }


def _commit(findings: Findings) -> str:
    """Returns the full hash of the commit of all records, as asv needs it.

    Records have 12 digits of it, so git is asked; a commit with changes is none of its history.
    """
    found = commits(findings)
    if len(found) != 1 or " " in found[0]:
        raise StudyError(
            "asv shows results by commit, so all trials must be of one commit without changes",
            received=", ".join(found) or "no commit in the records",
            cure="Commit the changes and train again, or use another format",
        )
    try:
        full = find_commit(found[0], Path()).name
    except StoreError as error:
        raise _unknown(found[0]) from error
    if not _HASH.fullmatch(full):
        raise _unknown(found[0])
    return full


def _unknown(commit: str) -> StudyError:
    return StudyError(
        "asv needs the full hash of the commit, which git does not find in this folder",
        received=commit,
        cure="Write this format in the repository that the trials were trained in",
    )
