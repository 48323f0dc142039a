"""The study file's form, as pydantic models; the JSON schema for editors comes from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)
from pydantic_core import PydanticKnownError

from ablations.core.metrics import TEST_ACCURACY, Better, Unit
from ablations.plan.designs import KINDS
from ablations.plan.designs.kind import INTERACTIONS

Name = Annotated[str, Field(min_length=1, pattern=r"\S")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class TrialTable(_Strict):
    """What each trial runs."""

    run: Annotated[str, Field(description="Training function as 'module:function'")]
    settings: Annotated[dict[str, Any], Field(description="Settings shared by all arms")] = {}
    threads: Annotated[
        PositiveInt,
        Field(le=1024, description="Threads of each trial; they are part of what it computes"),
    ] = 1
    timeout_seconds: Annotated[
        Annotated[PositiveFloat, Field(le=1e7)] | None,
        Field(description="A trial that takes longer is stopped and fails"),
    ] = None
    memory_gib: Annotated[
        Annotated[PositiveFloat, Field(le=1e6)] | None,
        Field(description="A trial whose worker holds more memory is stopped and fails"),
    ] = None


class AdaptiveSeeds(_Strict):
    """Seeds that are added one by one until every effect has a verdict."""

    at_least: Annotated[
        int, Field(ge=2, le=200, description="Seeds before the first look at the verdicts")
    ] = 3
    at_most: Annotated[int, Field(ge=2, le=200, description="Seeds at which it ends in any case")]
    until: Annotated[
        Literal["decided"], Field(description="What ends it: every effect has a verdict")
    ] = "decided"


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        *most, last = (f"'{known}'" for known in KINDS)
        expected = f"{', '.join(most)} or {last}"
        raise PydanticKnownError("literal_error", {"expected": expected})
    return kind


class DesignTable(_Strict):
    """Which arms there are and how often each is trained."""

    kind: Annotated[
        str,
        AfterValidator(_known_kind),
        Field(
            description="How the arms follow from the factors",
            json_schema_extra=lambda own: own.update(enum=[*KINDS]),
        ),
    ] = "full-factorial"
    baseline: Annotated[
        dict[Name, str], Field(description="Baseline level per factor; the first one if left out")
    ] = {}
    seeds: Annotated[
        Annotated[PositiveInt, Field(le=10_000)]
        | list[Annotated[NonNegativeInt, Field(lt=2**63)]]
        | AdaptiveSeeds,
        Field(description="How many seeds, which ones, or as many as decide every effect"),
    ] = 5
    applies: Annotated[
        dict[Name, Annotated[dict[Name, str], Field(min_length=1, max_length=1)]] | None,
        Field(description="For a full factorial: factor = the level of another that it exists at"),
    ] = None
    generators: Annotated[
        dict[Name, list[Name]] | None,
        Field(description="For kind = 'fractional': factor = the factors whose product it follows"),
    ] = None
    halvings: Annotated[
        PositiveInt | None,
        Field(description="For kind = 'fractional': halve all arms so often, as well as can be"),
    ] = None
    fold_over: Annotated[
        list[Name] | None,
        Field(description="Add the mirror image of the arms in these factors"),
    ] = None
    arms: Annotated[
        list[dict[Name, str]] | None, Field(description="The arms themselves, for kind = 'arms'")
    ] = None


class AnalysisTable(_Strict):
    """What the effects are measured in."""

    metric: Annotated[Name, Field(description="Metric that the effects are on")] = TEST_ACCURACY
    smallest_effect_that_matters: Annotated[
        Finite, Field(ge=0, description="Margin of the verdicts, in the metric's own unit")
    ] = 0.0
    smallest_ratio_that_matters: Annotated[
        Finite, Field(ge=1, description="Margin of speeds against the past, as a quotient")
    ] = 1.05
    interactions: Annotated[
        PositiveInt,
        Field(description="How many changes are judged together at most, in a full factorial"),
    ] = INTERACTIONS
    target_accuracy: Annotated[
        Finite | None,
        Field(ge=0, le=1, description="Time training until validation reaches it"),
    ] = None


class GateTable(_Strict):
    """A rule on a metric of the arms that ``where`` matches."""

    metric: Annotated[Name, Field(description="Metric that is judged")]
    where: Annotated[dict[Name, str], Field(description="Levels that select the arms")] = {}
    at_least: Annotated[
        Finite | None, Field(description="Bar for the metric, in its own unit; one of the two")
    ] = None
    at_most: Annotated[
        Finite | None, Field(description="Bar for the metric, in its own unit; one of the two")
    ] = None
    judge: Annotated[
        Literal["lower", "mean", "every-seed"],
        Field(description="What must clear the bar: the near bound of the interval, the mean, all"),
    ] = "lower"


class ChapterTable(_Strict):
    """A part of the report on the arms that ``where`` matches, one after the other."""

    title: Annotated[Name, Field(description="Heading of the part")]
    where: Annotated[dict[Name, str], Field(description="Levels that select the arms")] = {}


class ResourcesTable(_Strict):
    """What a cluster keeps free for a trial; it changes nothing of what the trial computes."""

    cpus: Annotated[
        Annotated[PositiveFloat, Field(le=1024)] | None,
        Field(description="Cores, at least as many as threads; as many as those if left out"),
    ] = None
    gpus: Annotated[
        Annotated[Finite, Field(ge=0, le=64)] | None,
        Field(description="GPUs, or the part of one; a trial without sees none"),
    ] = None
    memory_gib: Annotated[
        Annotated[PositiveFloat, Field(le=1e6)] | None,
        Field(description="Memory; trial.memory_gib if left out"),
    ] = None
    accelerator: Annotated[
        Name | None, Field(description="Kind of GPU, by the cluster's name for it, such as 'A100'")
    ] = None


class ArmResourcesTable(ResourcesTable):
    """What the trials of the arms that ``where`` matches are given instead."""

    where: Annotated[dict[Name, str], Field(description="Levels that select the arms")]


class StudyResourcesTable(ResourcesTable):
    """What a cluster keeps free for each trial, and other amounts for some arms."""

    arms: Annotated[
        list[ArmResourcesTable],
        Field(description="Other amounts for some arms; of several that match, the last one"),
    ] = []


class ImportedMetricTable(_Strict):
    """Which of a run's recorded values is a metric of its trial."""

    of: Annotated[Name, Field(description="What the other tool calls the metric")]
    unit: Annotated[Unit, Field(description="Unit of the values")] = "number"
    better: Annotated[Better, Field(description="The direction that is better")] = "neither"
    take: Annotated[
        Literal["last", "max", "min"],
        Field(description="Which value counts, of a run that recorded several"),
    ] = "last"
    percent: Annotated[
        bool, Field(description="The values are percentages, which become fractions")
    ] = False


class ImportTable(_Strict):
    """Which runs of another tool are the trials; 'ablations import --suggest' proposes it."""

    seed: Annotated[Name | None, Field(description="Parameter that holds the seed")] = None
    number_runs: Annotated[
        bool,
        Field(description="The runs have no seed: number those of each arm by their start"),
    ] = False
    metrics: Annotated[
        dict[Name, ImportedMetricTable],
        Field(min_length=1, description="Metrics of the trials, by the names they get here"),
    ]
    epochs: Annotated[
        dict[Name, Name],
        Field(description="Metrics of each epoch, for curves: name here = name there"),
    ] = {}
    names: Annotated[
        str, Field(description="Regular expression; its named groups are found in a run's name")
    ] = ""
    ignore: Annotated[
        list[Name], Field(description="Parameters that vary and are no part of the question")
    ] = []
    exclude: Annotated[list[Name], Field(description="Runs that are left out, by their names")] = []


class StudyFile(_Strict):
    """A study: factors, seeds and gates that answer one question."""

    title: Annotated[Name, Field(description="Heading of the report")]
    question: Annotated[str, Field(description="What the study asks, shown below the title")] = ""
    trial: TrialTable
    factors: Annotated[
        dict[Name, dict[Name, dict[str, Any]]],
        Field(description="Per factor its levels, per level its settings; none for one arm alone"),
    ] = {}
    design: DesignTable = DesignTable()
    analysis: AnalysisTable = AnalysisTable()
    resources: StudyResourcesTable = StudyResourcesTable()
    gates: Annotated[
        list[GateTable], Field(description="Rules that decide the exit code of 'ablations gate'")
    ] = []
    chapters: Annotated[
        list[ChapterTable], Field(description="Write the report arm by arm, in these parts")
    ] = []
    import_: Annotated[
        ImportTable | None,
        Field(alias="import", description="The trials were recorded by another tool"),
    ] = None
    published: Annotated[
        str | None,
        Field(description="JSON file beside this one with published numbers to hold against ours"),
    ] = None


def study_schema() -> dict[str, Any]:
    """Returns the JSON schema of study files."""
    return StudyFile.model_json_schema()
