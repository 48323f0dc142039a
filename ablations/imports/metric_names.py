"""Guesses from the names and values of recorded metrics what they are; a study file decides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ablations.core import metrics
from ablations.core.metrics import METRICS, Better, Unit
from ablations.core.study import ImportedMetric
from ablations.records.tools.run import SourceRun

_SHARES = re.compile(
    r"accuracy|f1|auc|auroc|precision|recall|iou|dice|map|ap|top1|top5|sensitivity|specificity"
    r"|kappa|score|r2"
)
_LOWER = re.compile(r"loss|error|err|perplexity|ppl|mse|mae|rmse|nll|ece|brier|wer|cer|fid")
_TIMES = re.compile(r"seconds|time|duration|runtime")
_OTHER_WORDS = {
    "acc": metrics.ACCURACY, "validation": "val", "valid": "val", "eval": "val", "dev": "val",
    "training": "train", "testing": "test",
}  # fmt: skip
_DROPPED = frozenset(["categorical", "sparse", "binary", "multiclass", "epoch"])
_NO_RESULTS = re.compile(
    r"^(epoch|step|steps|global_step|iteration|total_flos|timestamp|runtime|(\w*_)?lr(_\w+)?"
    r"|learning_rate\w*|system_\w+|grad_norm|\w*_per_second|seed)$"
)
_PARTS = frozenset(["train", "val", "test"])
MOST = 20
"""The most metrics that are proposed."""

MOST_CURVES = 8


def name_of(recorded: str) -> str:
    """Returns what this project would call a metric.

    Example:
        >>> name_of("test/acc"), name_of("Validation Loss"), name_of("accuracy/test")
        ('test_accuracy', 'val_loss', 'test_accuracy')
    """
    words = [word for word in re.split(r"[^0-9A-Za-z]+", recorded.lower()) if word]
    own = [_OTHER_WORDS.get(word, word) for word in words if word not in _DROPPED]
    own.sort(key=lambda word: word not in _PARTS)
    return "_".join(own) or recorded


def proposed_metrics(runs: Sequence[SourceRun]) -> tuple[ImportedMetric, ...]:
    """Returns the metrics that at least half of the runs have, the likeliest result first."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, points in run.series.items():
            if points and not _NO_RESULTS.match(name_of(name)):
                found.setdefault(name, []).append(points[-1][1])
    better = {name: own for run in runs for name, own in run.better.items()}
    common = [
        guessed
        for name, own in found.items()
        if 2 * len(own) >= len(runs)
        and (
            (guessed := _guessed(name, own, better.get(name))).better != "neither"
            or not _is_set(name, own, runs)
        )
    ]
    ranked = sorted(common, key=_rank)[:MOST]
    taken: Counter[str] = Counter(metric.name for metric in ranked)
    return tuple(replace(m, name=m.of) if taken[m.name] > 1 else m for m in ranked)


def _is_set(name: str, values: Sequence[float], runs: Sequence[SourceRun]) -> bool:
    """Whether a column of numbers, which may be either, divides runs into groups as settings do."""
    return any(name in run.params for run in runs) and 2 * len({*values}) <= len(values)


def _guessed(recorded: str, values: Iterable[float], known: Better | None) -> ImportedMetric:
    name = name_of(recorded)
    name = metrics.LOSS if name == "train_loss" else name
    largest = max((abs(value) for value in values if value == value), default=0.0)  # noqa: PLR0124
    unit, likely = _kind(name)
    better = known or likely
    percent = unit == "fraction" and largest > 2
    if percent and largest > 100:
        return ImportedMetric(name, recorded, "number", better)
    return ImportedMetric(name, recorded, unit, better, percent=percent)


def _kind(name: str) -> tuple[Unit, Better]:
    if name in METRICS:
        return METRICS[name].unit, METRICS[name].better
    words = name.split("_")
    if any(map(_LOWER.fullmatch, words)):
        return "number", "lower"
    if any(map(_SHARES.fullmatch, words)):
        return "fraction", "higher"
    return ("seconds", "lower") if any(map(_TIMES.fullmatch, words)) else ("number", "neither")


def _rank(metric: ImportedMetric) -> tuple[bool, ...]:
    """Orders by likeliness of being what the study is about: results on test data come first."""
    words = set(metric.name.split("_"))
    return (
        metric.unit == "seconds" or metric.better == "neither",
        "train" in words,
        "test" not in words,
        metric.unit != "fraction",
        "val" not in words,
    )


def proposed_epochs(
    sample: Sequence[SourceRun], known: Sequence[ImportedMetric]
) -> Mapping[str, str]:
    """Returns the metrics that were recorded at several steps, and at the same ones.

    Args:
        sample: Some runs with every point of these metrics.
        known: The metrics.
    """
    steps: dict[tuple[tuple[float, ...], ...], list[str]] = {}
    for metric in known:
        every = [tuple(s for s, _ in run.series.get(metric.of, ())) for run in sample]
        if metric.unit != "seconds" and max(map(len, every), default=0) > 1:
            steps.setdefault(tuple(every), []).append(metric.of)
    if not steps:
        return {}
    most = max(steps.values(), key=lambda names: (len(names), "val" in " ".join(names)))
    names = {of: name_of(of) for of in most[:MOST_CURVES]}
    short = {of: _of_epochs(name) for of, name in names.items()}
    once = Counter(short.values())
    return {(short[of] if once[short[of]] == 1 else of): of for of in names}


def _of_epochs(name: str) -> str:
    """Returns what a metric is called among those of epochs, as Keras calls them.

    Example:
        >>> _of_epochs("train_loss"), _of_epochs("accuracy_val"), _of_epochs("val_loss")
        ('loss', 'val_accuracy', 'val_loss')
    """
    words = name.split("_")
    parts = [word for word in words if word in _PARTS]
    rest = "_".join(word for word in words if word not in _PARTS)
    return (
        f"{metrics.VALIDATION}{rest}" if parts == ["val"] else rest if parts == ["train"] else name
    )
