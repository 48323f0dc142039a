"""Studies and records made up in memory; nothing here trains."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import pytest

from ablations.core.findings import Findings
from ablations.core.record import Metric, RunRecord
from ablations.core.study import Arm, Factor, Gate, Level, Study, Trial

Response = Callable[[Arm, int], float]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes studies, their planned trials and records."""

    def study(
        self,
        design: str = "full-factorial",
        *,
        factors: Mapping[str, Sequence[str]] | None = None,
        seeds: int = 3,
        margin: float = 0.0,
        gates: Sequence[Gate] = (),
    ) -> Study:
        """The first level of each factor is its baseline."""
        names = factors or {"a": ("off", "on"), "b": ("off", "on")}
        made = tuple(
            Factor(name, tuple(Level(level, {name: level}) for level in levels))
            for name, levels in names.items()
        )
        cells = tuple(
            Arm(tuple(zip(names, levels, strict=True))) for levels in product(*names.values())
        )
        arms, reference = cells, cells[0]
        if design == "one-factor-in":
            arms = tuple(arm for arm in cells if _distance(arm, cells[0]) <= 1)
        if design == "one-factor-out":
            arms, reference = tuple(a for a in cells if _distance(a, cells[-1]) <= 1), cells[-1]
        return Study(
            slug="made",
            title="Made up",
            question="What helps?",
            entry="made:up",
            settings={"epochs": 2},
            factors=made,
            design=design,  # type: ignore[arg-type]  # tests pass plain text
            arms=arms,
            baseline=cells[0],
            reference=reference,
            seeds=tuple(range(seeds)),
            gates=tuple(gates),
            metric="accuracy",
            smallest_effect_that_matters=margin,
        )

    def planned(self, study: Study) -> list[Trial]:
        return [
            Trial(study.slug, study.entry, arm, seed, study.arm_settings(arm), "data-1")
            for seed in study.seeds
            for arm in study.arms
        ]

    def record(self, trial: Trial, *metrics: Metric, hour: int = 0) -> RunRecord:
        return RunRecord(
            key=trial.key,
            study=trial.study,
            entry=trial.entry,
            arm=trial.arm,
            seed=trial.seed,
            settings=trial.settings,
            data=trial.data,
            status="completed",
            started_at=f"2025-03-01T{hour:02d}:00:00+00:00",
            seconds=60.0,
            metrics=metrics,
        )

    def failed(self, trial: Trial, *, hour: int = 0) -> RunRecord:
        record = self.record(trial, hour=hour)
        return replace(record, status="failed", reason="diverged", message="loss is nan")

    def accuracy(self, value: float) -> Metric:
        return Metric("accuracy", value, "fraction", "higher")

    def records(self, study: Study, response: Response) -> list[RunRecord]:
        return [
            self.record(trial, self.accuracy(response(trial.arm, trial.seed)))
            for trial in self.planned(study)
        ]

    def findings(self, study: Study, response: Response) -> Findings:
        # Imported late, so that collecting other tests does not wait for pandas and SciPy.
        from ablations.analyze import analyze

        return analyze(study, self.records(study, response), planned=self.planned(study))


def _distance(one: Arm, other: Arm) -> int:
    return sum(a != b for a, b in zip(one.levels, other.levels, strict=True))


@pytest.fixture(scope="session")
def make() -> Maker:
    return Maker()


@pytest.fixture(scope="session", autouse=True)
def _quick_collections() -> Iterator[None]:
    # statsmodels' multipletests collects garbage at each call, which costs 50 ms in a process with
    # as many objects as a test session has; what is frozen is not looked at.
    gc.freeze()
    yield
    gc.unfreeze()
