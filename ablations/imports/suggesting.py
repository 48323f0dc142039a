"""Proposes a study file for the runs of another tool, from what varies among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any

from ablations.core.study import ImportedMetric
from ablations.errors import StudyError, meant
from ablations.imports import toml
from ablations.imports.factors import Variation, variation
from ablations.imports.metric_names import proposed_epochs, proposed_metrics
from ablations.imports.values import plain, same, shown
from ablations.records.tools import reader_of
from ablations.records.tools.run import SourceRun
from ablations.text.formatting import counted, few, listing

_SAMPLE = 3
"""How many runs show which metrics have curves."""

_LONGEST = 200
"""Characters of a fixed setting that are worth a line; longer ones are texts or tables."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A study file as text, and what its reader should know."""

    text: str
    notes: tuple[str, ...]


def suggestion(source: str, where: Sequence[str] = (), *, kind: str | None = None) -> Suggestion:
    """Returns a study file for the runs of a source.

    Args:
        source: A path or an address.
        where: ``key=value`` that the runs must have.
        kind: Whose runs to read.

    Raises:
        StudyError: if nothing varies, or no metric is recorded in half of the runs.
    """
    reader = reader_of(source, kind)
    every = tuple(reader.read(source, None))
    given = dict(map(_pair, where))
    runs = _matching(every, given)
    ended = [run for run in runs if run.state == "finished"] or runs
    metrics = proposed_metrics(ended)
    _require_metrics(metrics, ended)
    # A run without the result, such as the parent of a sweep, says nothing of factors.
    ended = [run for run in ended if metrics[0].of in run.series]
    found = variation(ended, {*given, *(metric.of for metric in metrics)})
    _require_factors(found, ended)
    head = (
        f"Proposed from {counted(len(runs), 'run')} of {reader.title}; {len(ended)} finished.",
        "Read it and change it until it says what you mean: it decides which run is which trial.",
        "The first level of each factor is its baseline; another one goes under [design].",
    )
    sample = islice(reader.read(source, {metric.of for metric in metrics}), _SAMPLE)
    epochs = proposed_epochs(tuple(sample), metrics)
    lines = (*_file(ended, given, found, metrics), *_epochs(epochs))
    text = "\n".join((*(f"# {line}" for line in head), *lines, ""))
    return Suggestion(text, _notes(runs, found, given))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key.strip() and equals):
        raise StudyError(
            "--where needs key=value", received=text, cure="Write for example --where epochs=20"
        )
    return key.strip(), value.strip()


def _matching(runs: Sequence[SourceRun], given: Mapping[str, str]) -> list[SourceRun]:
    values = [(run, {**run.labels, **run.params}) for run in runs]
    found = [
        run
        for run, own in values
        if all(key in own and same(own[key]) == same(value) for key, value in given.items())
    ]
    if found:
        return found
    known = {key: None for _, own in values for key in own}
    unknown = next((key for key in given if key not in known), "")
    raise StudyError(
        "there are no such runs",
        received=listing([f"{key}={value}" for key, value in given.items()]) or "no run at all",
        cure=f"{meant(unknown, known) if unknown else ''}Runs have {few(sorted(known), 20)}"
        if known
        else "Name a source with runs",
    )


def _require_metrics(metrics: Sequence[ImportedMetric], runs: Sequence[SourceRun]) -> None:
    if not metrics:
        names = sorted({name for run in runs for name in run.series})
        raise StudyError(
            "no metric that could be a result is recorded in half of the runs",
            received=few(names, 10) or "no metric at all",
            cure="Choose runs that have one in common with --where KEY=VALUE",
        )


def _require_factors(found: Variation, runs: Sequence[SourceRun]) -> None:
    if not found.factors:
        varying = [f"{key} ({why})" for key, why in found.ignored.items()]
        seed = [f"{found.seed} (the seed)"] if found.seed else []
        raise StudyError(
            f"nothing divides these {counted(len(runs), 'run')} into groups as a factor would",
            received=few([*seed, *varying], 10) or "runs that differ in nothing",
            cure="Log what differs between the runs as a parameter, or have it in the names of "
            "their folders, as in augment=on/seed=3",
        )


def _file(
    runs: Sequence[SourceRun],
    given: Mapping[str, str],
    found: Variation,
    metrics: Sequence[ImportedMetric],
) -> list[str]:
    """Returns the lines of the study file."""
    names = [factor.name for factor in found.factors]
    verb = "does" if len(names) == 1 else "do"
    fixed = {**{key: plain(value) for key, value in given.items()}, **found.fixed}
    lines = [f"title = {toml.text(f'What {verb} {listing(names)} change?')}", ""]
    lines += ["[trial]", 'run = "ablations.imports:train"', ""]
    if own := {key: value for key, value in fixed.items() if len(shown(value)) <= _LONGEST}:
        lines += ["[trial.settings]  # what all of these runs have in common", *_pairs(own), ""]
    for factor in found.factors:
        lines += [f"[factors.{toml.key(factor.name)}]", *_pairs(factor.levels), ""]
    lines += ["[design]", *_design(runs, found), ""]
    lines += ["[analysis]", f"metric = {toml.text(metrics[0].name)}", ""]
    return [*lines, *_import(found, metrics)]


def _pairs(own: Mapping[str, Any]) -> list[str]:
    return [f"{toml.key(key)} = {toml.value(value)}" for key, value in own.items()]


def _design(runs: Sequence[SourceRun], found: Variation) -> list[str]:
    """Returns the arms and seeds that there are."""
    arms = Counter(zip(*(factor.of_runs for factor in found.factors), strict=True))
    if found.seed:
        values = {plain({**run.labels, **run.params}.get(found.seed)) for run in runs}
        seeds: object = sorted(own for own in values if isinstance(own, int))
    else:
        seeds = max(arms.values())
    lines = [f"seeds = {toml.value(seeds)}"]
    if len(arms) == prod(len(factor.levels) for factor in found.factors):
        return ['kind = "full-factorial"', *lines]
    names = [factor.name for factor in found.factors]
    every = product(*(factor.levels for factor in found.factors))
    listed = [dict(zip(names, own, strict=True)) for own in every if own in arms]
    rows = [f"  {toml.value(own)}," for own in listed]
    first = [] if listed[0] == _first(found) else [f"baseline = {toml.value(listed[0])}"]
    return [
        'kind = "arms"  # not all combinations were run',
        *lines,
        *first,
        "arms = [",
        *rows,
        "]",
    ]


def _first(found: Variation) -> dict[str, str]:
    return {factor.name: next(iter(factor.levels)) for factor in found.factors}


def _import(found: Variation, metrics: Sequence[ImportedMetric]) -> list[str]:
    lines = ["[import]"]
    if found.seed:
        lines.append(f"seed = {toml.text(found.seed)}")
    else:
        lines.append("# No parameter that ends in 'seed' varies, so no run of an arm has a partner")
        lines.append("# in another arm. Name the parameter of the seed if there is one.")
        lines.append("number_runs = true")
    if found.ignored:
        rows = [f"  {toml.text(key)},  # {why}" for key, why in found.ignored.items()]
        lines += ["ignore = [", *rows, "]"]
    return [*lines, "", "[import.metrics]", *(_metric(own) for own in metrics)]


def _epochs(epochs: Mapping[str, str]) -> list[str]:
    return ["", "[import.epochs]  # curves", *_pairs(epochs)] if epochs else []


def _metric(own: ImportedMetric) -> str:
    found = {"of": own.of, "unit": own.unit, "better": own.better}
    more = {"percent": True} if own.percent else {}
    line = f"{toml.key(own.name)} = {toml.value({**found, **more})}"
    return line if own.better != "neither" else f"{line}  # higher, lower or neither?"


def _notes(
    runs: Sequence[SourceRun], found: Variation, given: Mapping[str, str]
) -> tuple[str, ...]:
    """Returns what is worth a second look before the file is used."""
    states = Counter(run.state for run in runs if run.state != "finished")
    experiments = sorted({shown(own) for run in runs if (own := run.labels.get("experiment"))})
    several = (
        f"there are several experiments ({few(experiments)}): --where experiment=NAME takes one"
        if len(experiments) > 1 and "experiment" not in given
        else ""
    )
    unpaired = (
        ""
        if found.seed
        else "no seed is recorded: the runs of an arm would be numbered by "
        "their start, and nothing pairs them across arms"
    )
    confounded = (
        f"no commit has runs of two levels of {listing(found.confounded)}: what a level does "
        "cannot be told from what the commits changed"
        if found.confounded
        else ""
    )
    by_state = (f"{counted(n, 'run')}: {state}" for state, n in states.items())
    return tuple(filter(None, (several, *by_state, unpaired, confounded)))
