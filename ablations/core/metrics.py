"""The registry of metrics: what follows from the name of a number.

To add a metric, add its entry here and log it: ``log.known(metrics.NAME, value)``. Each entry is
bound to a constant that holds its name: code anywhere else, `vision` included, asks for a metric by
that constant, never by a string of its own. The order of the entries is that of a table's columns.

A study's own metrics need no entry. They bring unit and direction through ``log.metric``; what else
there is to know of them follows from their names, by the rules at the end of this module. What a
metric is called in words follows from its name too (`ablations.text.formatting.metric_name`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

Unit = Literal["fraction", "seconds", "bytes", "count", "per second", "number"]
Better = Literal["higher", "lower", "neither"]
Part = Literal[
    "accuracy", "gap", "loss", "data", "size", "operations", "time", "speed", "memory", "energy"
]
"""What a metric is about: ``gap`` a difference of two shares, which may be negative, ``data`` the
split, ``operations`` what training computes."""

TableName = Literal["arm", "costs", "score", "published"]
"""Tables of the report whose metrics are chosen here."""

LEARNED: frozenset[Part] = frozenset({"accuracy", "gap", "loss"})
"""Parts of what a network has learned: another number where it did not train."""


@dataclass(frozen=True, slots=True)
class KnownMetric:
    """One entry of the registry.

    Args:
        name: As records hold it.
        unit: Of its value.
        better: The direction that is better.
        part: What it is about.
        tables: The tables that show it, each with the column's heading.
        symbol: What large numbers of it are counted in, with a prefix such as G; none for most.
    """

    name: str
    unit: Unit
    better: Better
    part: Part
    tables: Mapping[TableName, str]
    symbol: str


@dataclass(frozen=True, slots=True)
class Step:
    """The smallest step between two values of a metric, such as one test image of accuracy.

    ``known`` says whether it follows from the number of test images. Else it is only what all
    values have in common, which by chance may be coarser than the metric is.
    """

    size: float
    known: bool

    def times(self, weight: float) -> Step:
        """Returns the step of a weighted value."""
        return replace(self, size=self.size * weight)


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """Name, unit and better direction of a metric that the records hold.

    ``step`` is given for the study's own metric, where it is known.
    """

    name: str
    unit: Unit
    better: Better
    step: Step | None = None

    @property
    def depends_on_training(self) -> bool:
        """Whether it is another number where a network did not train."""
        return depends_on_training(self.name, self.unit)


METRICS: dict[str, KnownMetric] = {}
"""The entries by name. They are added here while this module is imported, and nowhere else."""


def _known(
    name: str,
    unit: Unit,
    better: Better,
    *,
    part: Part,
    tables: Mapping[TableName, str] = MappingProxyType({}),
    symbol: str = "",
) -> str:
    """Adds an entry and returns its name."""
    METRICS[name] = KnownMetric(name, unit, better, part, tables, symbol)
    return name


# Of each epoch, and of the last one where a trial reports it as a metric.
ACCURACY = _known("accuracy", "fraction", "higher", part="accuracy")
LOSS = _known("loss", "number", "lower", part="loss")
VAL_LOSS = _known("val_loss", "number", "lower", part="loss")
TRAIN_ACCURACY = _known("train_accuracy", "fraction", "higher", part="accuracy")
BEST_VAL_ACCURACY = _known(
    "best_val_accuracy",
    "fraction",
    "higher",
    part="accuracy",
    tables={"published": "best validation accuracy"},
)
VAL_ACCURACY = _known(
    "val_accuracy",
    "fraction",
    "higher",
    part="accuracy",
    tables={"published": "last validation accuracy"},
)
OVERFIT_GAP = _known("overfit_gap", "fraction", "lower", part="gap")

# On data that training has not seen.
TEST_ACCURACY = _known(
    "test_accuracy", "fraction", "higher", part="accuracy", tables={"published": "test accuracy"}
)
TEST_LOSS = _known("test_loss", "number", "lower", part="loss")
MAJORITY_ACCURACY = _known("majority_accuracy", "fraction", "neither", part="data")
TEST_IN_LAST_VALIDATION = _known("test_in_last_validation", "fraction", "neither", part="data")
TEST_IN_ANY_VALIDATION = _known(
    "test_in_any_validation",
    "fraction",
    "neither",
    part="data",
    tables={"score": "test images that were validation images in some epoch"},
)
HELD_OUT_ACCURACY = _known(
    "held_out_accuracy",
    "fraction",
    "higher",
    part="accuracy",
    tables={"score": "accuracy on all images held out from training"},
)

# What a network is, and what training it takes.
PARAMETERS = _known("parameters", "count", "neither", part="size")
TRAINABLE_PARAMETERS = _known("trainable_parameters", "count", "neither", part="size")
TRAINING_FLOPS = _known(
    "training_flops",
    "count",
    "lower",
    part="operations",
    tables={"costs": "operations per image"},
    symbol="FLOP",
)
IMAGES_PER_SECOND = _known(
    "images_per_second",
    "per second",
    "higher",
    part="speed",
    tables={"arm": "images/s", "costs": "images/s"},
)
FLOPS_PER_SECOND = _known(
    "flops_per_second",
    "per second",
    "higher",
    part="speed",
    tables={"costs": "operations per second"},
    symbol="FLOP/s",
)
PEAK_FLOPS_SHARE = _known(
    "peak_flops_share",
    "fraction",
    "higher",
    part="speed",
    tables={"costs": "of the machine’s peak"},
)
FIT_SECONDS = _known(
    "fit_seconds", "seconds", "lower", part="time", tables={"arm": "fit time", "costs": "fit time"}
)
FULL_FIT_SECONDS = _known(
    "full_fit_seconds",
    "seconds",
    "lower",
    part="time",
    tables={"costs": "fit time, nothing shared"},
)
SHARED_SECONDS = _known("shared_seconds", "seconds", "neither", part="time")
FROZEN_SECONDS = _known("frozen_seconds", "seconds", "neither", part="time")
FROZEN_AUGMENTED_SECONDS = _known("frozen_augmented_seconds", "seconds", "neither", part="time")
MEDIAN_STEP_SECONDS = _known("median_step_seconds", "seconds", "lower", part="time")
P95_STEP_SECONDS = _known("p95_step_seconds", "seconds", "lower", part="time")
TARGET_SECONDS = _known("target_seconds", "seconds", "lower", part="time")
TRIAL_SECONDS = _known("trial_seconds", "seconds", "lower", part="time")
PEAK_MEMORY_BYTES = _known(
    "peak_memory_bytes", "bytes", "lower", part="memory", tables={"arm": "worker’s peak memory"}
)
DEVICE_MEMORY_BYTES = _known("device_memory_bytes", "bytes", "lower", part="memory")
ENERGY_JOULES = _known(
    "energy_joules", "number", "lower", part="energy", tables={"costs": "energy, J"}
)

CURVES = ((ACCURACY, VAL_ACCURACY), (LOSS, VAL_LOSS))
"""Metrics of epochs in training and in validation, in the order in which one is preferred."""

LAST_EPOCHS = 10
"""How many of the last epochs of a training are taken for its end."""

ACCURACIES = frozenset(CURVES[0])
"""Metrics of epochs that reports compare and draw as fractions, as Keras reports them."""

SPEEDS = (MEDIAN_STEP_SECONDS, IMAGES_PER_SECOND, TRIAL_SECONDS)
"""The speed that is compared with the past: the first of these that both sides have.

The median step comes first because it does not depend on who computed the frozen layers.
"""

FROM_CONTENTS = frozenset({MEDIAN_STEP_SECONDS, P95_STEP_SECONDS, OVERFIT_GAP, TARGET_SECONDS})
"""Metrics that follow from the epochs and steps of a record."""

COSTS = (FULL_FIT_SECONDS, FIT_SECONDS, TRIAL_SECONDS)
"""What stands for the cost of an arm, in the order in which one is preferred."""

VALIDATION = "val_"
"""How the names of metrics of epochs begin in validation, as in Keras."""

_TAKEN_NAME = re.compile(r"(^|_)(seconds?|time|ms|bytes|joules|per_second|flops_share)$")


def shown_in(table: TableName) -> tuple[KnownMetric, ...]:
    """Returns the metrics that a table shows, in the order of its columns."""
    return tuple(entry for entry in METRICS.values() if table in entry.tables)


def heading(table: TableName, name: str) -> str | None:
    """Returns how a table heads a metric; ``None`` where its entry does not name the table."""
    return METRICS[name].tables.get(table) if name in METRICS else None


def unit_of(name: str) -> Unit:
    """Returns the unit of a metric that is given without one, as those of epochs are.

    Example:
        >>> unit_of("val_loss"), unit_of("fit_seconds"), unit_of("top5_accuracy")
        ('number', 'seconds', 'fraction')
    """
    if name in METRICS:
        return METRICS[name].unit
    return "fraction" if name.endswith(ACCURACY) else "number"


def is_result(name: str, unit: Unit = "number") -> bool:
    """Whether a metric is what a training came to, and not what it took.

    What it took, such as time or energy, is another number each time and on each machine.

    Example:
        >>> is_result("test_loss"), is_result("fit_seconds", "seconds"), is_result("train_time")
        (True, False, False)
    """
    return unit in ("fraction", "number", "count") and not _TAKEN_NAME.search(name)


def depends_on_training(name: str, unit: Unit) -> bool:
    """Whether a metric is another number where a network did not train.

    Its time, energy and size are not: a network that learns nothing computes as much.

    Example:
        >>> depends_on_training("test_loss", "number"), depends_on_training("joules", "number")
        (True, False)
    """
    if name in METRICS:
        return METRICS[name].part in LEARNED
    return unit in ("fraction", "number") and is_result(name, unit)


def is_difference(name: str) -> bool:
    """Whether a metric is a difference of two shares, so that it may be negative."""
    return name in METRICS and METRICS[name].part == "gap"
