"""The quickstart on two machines of a cluster, which one computer stands for, and on one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablations.analyze.compare.reruns import compare_rerun
from ablations.calls import run_study
from ablations.core.record import RunRecord
from ablations.plan import load_study
from ablations.run.executors import Executor
from ablations.run.executors.local import LocalExecutor
from ablations.run.executors.ray import RayExecutor

pytest.importorskip("ray", reason="Ray is not installed: pip install 'ablations[ray]'")
pytest.importorskip("tensorflow", reason="the quickstart trains with TensorFlow")


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("joined")
def test_the_quickstart_gives_the_same_records_as_local_workers(tmp_path: Path) -> None:
    study = load_study("quickstart")

    def trained(executor: Executor, name: str) -> dict[str, RunRecord]:
        records = run_study(study, executor=executor, runs_dir=tmp_path / name)
        assert len(records) == 24
        return {record.key: record for record in records}

    there, here = trained(RayExecutor(), "ray"), trained(LocalExecutor(2), "local")
    assert there.keys() == here.keys()
    assert len({record.environment["node"] for record in there.values()}) == 1
    for key, record in there.items():
        found = compare_rerun(here[key], record)
        assert found.equal, found.mismatches
        assert (found.metrics > 5, found.epochs, found.predictions) == (True, 10, 550)
        others = {name for name, *_ in found.environment}
        assert others - {"commit"} == {"node"}  # a file may be edited between the two runs
