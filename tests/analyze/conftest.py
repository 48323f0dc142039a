"""Studies and records made up in memory; nothing here trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import pytest

from ablations.core.design import Arm, Contrast, Design, Factor, Level
from ablations.core.findings import Findings
from ablations.core.record import Metric, RunRecord
from ablations.core.study import Gate, Study, Trial
from ablations.plan.designs import Wanted, lay_out

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
        baseline: Mapping[str, str] | None = None,
        interactions: int | None = None,
    ) -> Study:
        """The first level of each factor is its baseline; listed arms are all there are."""
        names = factors or {"a": ("off", "on"), "b": ("off", "on")}
        made = tuple(
            Factor(name, tuple(Level(level, {name: level}) for level in levels))
            for name, levels in names.items()
        )
        cells = [dict(zip(names, levels, strict=True)) for levels in product(*names.values())]
        asked = Wanted(
            design,
            made,
            baseline or {},
            arms=cells if design == "arms" else None,
            interactions=interactions,
        )
        return Study(
            slug="made",
            title="Made up",
            question="What helps?",
            entry="made:up",
            settings={"epochs": 2},
            factors=made,
            design=_in_order(lay_out(asked), cells),
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
        from ablations.analyze.analysis import analyze

        return analyze(study, self.records(study, response), planned=self.planned(study))


def _in_order(design: Design, cells: Sequence[Mapping[str, str]]) -> Design:
    """Puts arms, and what is compared with the reference, into the order of all combinations."""
    place = {Arm(tuple(cell.items())): place for place, cell in enumerate(cells)}

    def compared(contrast: Contrast) -> int:
        return max(place[arm] for arm, _ in contrast.weights if arm != design.reference)

    arms = tuple(sorted(design.arms, key=lambda arm: place[arm]))
    one_by_one = design.kind.startswith("one-factor")
    ordered = sorted(design.contrasts, key=compared) if one_by_one else design.contrasts
    return replace(design, arms=arms, contrasts=tuple(ordered))


@pytest.fixture(scope="session")
def make() -> Maker:
    return Maker()
