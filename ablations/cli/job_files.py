"""Job files that train a study in shards, from the templates of each scheduler."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from ablations.cli.terminal.signals import REQUEUE
from ablations.report.formats.templates import environment_of
from ablations.text.formatting import counted

if TYPE_CHECKING:
    from ablations.session import Session

TEMPLATES = {
    "slurm": "slurm.sh.j2",
    "kubernetes": "kubernetes.yaml.j2",
    "skypilot": "skypilot.yaml.j2",
}
"""The template of each scheduler."""

_LONGEST_NAME = 40
"""Characters of a job's name; Kubernetes adds some to those of its pods, and takes 63."""

_MEMORY_GIB = 4
"""Memory that a job asks for where the study sets no ``memory_gib``."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """What a template shows.

    ``name`` is safe as a name everywhere, ``title`` and ``trials`` are for a comment. ``study``,
    ``slug`` and ``runs`` are quoted for a shell; ``options`` are those that name the study's
    settings. ``data`` is the option with the folder of the data, or nothing.
    """

    name: str
    slug: str
    title: str
    trials: str
    shards: int
    study: str
    options: str
    data: str
    runs: str
    threads: int
    memory_gib: int
    requeue: int = REQUEUE


def job_file(session: Session, scheduler: str, shards: int) -> str:
    """Returns the text of a job file.

    Args:
        session: The study, with the options that its shards are to have.
        scheduler: A key of `TEMPLATES`.
        shards: How many there are.
    """
    environment = environment_of(_as_it_is)
    template = environment.get_template(TEMPLATES[scheduler])
    text = template.render(job=_job(session, shards))
    return f"{text.strip()}\n"


def _as_it_is(value: object) -> Markup:
    return Markup(str(value))  # noqa: S704 - quoted by `_job`; a job file is no HTML


def _job(session: Session, shards: int) -> JobFile:
    study = session.study
    words = shlex.split(study.source)[1:]
    name = study.slug if study.file is None else os.path.relpath(study.file)
    data = ["--data-dir", str(session.data_dir)] if session.data_dir is not None else []
    memory = _MEMORY_GIB if study.memory_gib is None else study.memory_gib
    return JobFile(
        name=_plain_name(study.slug),
        slug=shlex.quote(study.slug),
        title=json.dumps(study.title),
        trials=counted(len(session.possible_trials), "trial"),
        shards=shards,
        study=shlex.quote(name),
        options="".join(f" {word}" for word in map(shlex.quote, words)),
        data="".join(f" {word}" for word in map(shlex.quote, data)),
        runs=shlex.quote(str(session.runs_dir)),
        threads=study.threads,
        memory_gib=max(1, -(-int(memory * 100) // 100)),
    )


def _plain_name(slug: str) -> str:
    """Returns a name of lower-case letters, digits and hyphens, as Kubernetes wants it.

    Example:
        >>> _plain_name("My_study 2")
        'my-study-2'
    """
    name = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    return name or "study"
