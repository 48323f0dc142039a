"""Job files that train a study in shards, from the templates of each scheduler."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from ablations.cli.terminal.signals import REQUEUE
from ablations.core.design import Resources
from ablations.report.formats.templates import environment_of
from ablations.text.formatting import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

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
"""Memory that a job asks for where no arm sets ``memory_gib``."""

_DRIVER_GIB = 0.5
"""Memory that a job asks for beside that of its trial."""

_KIND = re.compile(r"[\w.-]+")
"""A kind of GPU as all schedulers may write it, without quotes."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a job asks for; ``accelerator`` is empty where arms name none, or several."""

    cpus: int
    gpus: int
    memory_gib: int
    accelerator: str


@dataclass(frozen=True, slots=True)
class JobFile:
    """What a template shows.

    ``name`` is safe as a name everywhere, ``title`` and ``trials`` are for a comment. ``study``,
    ``slug`` and ``runs`` are quoted for a shell; ``options`` are those that name the study's
    settings. ``data`` is the option with the folder of the data, or nothing. ``needs`` is the most
    that an arm needs, in whole numbers; ``in_file`` says whether the study has a file.
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
    in_file: bool
    needs: Needs
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
        in_file=study.file is not None,
        needs=_needs([study.arm_resources(arm) for arm in study.design.arms]),
    )


def _needs(arms: Sequence[Resources]) -> Needs:
    """Returns what suffices for a trial of each arm, as all of a shard train in one place.

    Example:
        >>> _needs([Resources(2), Resources(1, gpus=0.5, memory_gib=7.5, accelerator="A100")])
        Needs(cpus=2, gpus=1, memory_gib=8, accelerator='A100')
    """
    memory = [own.memory_gib + _DRIVER_GIB for own in arms if own.memory_gib is not None]
    kinds = {own.accelerator for own in arms if own.accelerator is not None}
    (kind,) = kinds if len(kinds) == 1 else ("",)
    return Needs(
        cpus=math.ceil(max(own.cpus for own in arms)),
        gpus=math.ceil(max(own.gpus for own in arms)),
        memory_gib=math.ceil(max(memory, default=_MEMORY_GIB)),
        accelerator=kind if _KIND.fullmatch(kind) else "",
    )


def _plain_name(slug: str) -> str:
    """Returns a name of lower-case letters, digits and hyphens, as Kubernetes wants it.

    Example:
        >>> _plain_name("My_study 2")
        'my-study-2'
    """
    name = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    return name or "study"
