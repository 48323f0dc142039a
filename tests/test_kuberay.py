"""The job of KubeRay in docs/clusters.md: by the types of the operator and Kubernetes' schemas."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from ablations.cli.app import app

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

PAGE = Path(__file__).parents[1] / "docs" / "clusters.md"

# Fields as kuberay's ray-operator/apis/ray/v1 has them, those of v1.1 and later that are used here.
FIELDS = {
    "spec": {"entrypoint": str, "shutdownAfterJobFinishes": bool, "backoffLimit": int,
             "rayClusterSpec": dict},
    "rayClusterSpec": {"headGroupSpec": dict, "workerGroupSpecs": list},
    "headGroupSpec": {"rayStartParams": dict, "template": dict},
    "workerGroupSpecs": {"groupName": str, "replicas": int, "minReplicas": int, "maxReplicas": int,
                         "rayStartParams": dict, "template": dict},
}  # fmt: skip


@pytest.fixture
def job() -> dict[str, Any]:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    return yaml.safe_load(shown)


def test_its_fields_are_those_of_the_operator(job):
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    parts = {"spec": job["spec"], "rayClusterSpec": cluster,
             "headGroupSpec": cluster["headGroupSpec"],
             "workerGroupSpecs": cluster["workerGroupSpecs"][0]}  # fmt: skip
    for name, part in parts.items():
        assert {field: type(value) for field, value in part.items()} == FIELDS[name]
        parameters = part.get("rayStartParams", {})
        assert all(isinstance(value, str) for value in parameters.values())


def test_its_pods_are_valid_by_the_schemas_of_kubernetes(job):
    schemas = pytest.importorskip("kubernetes_validate", reason="no schemas of Kubernetes")
    cluster = job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, **group["template"]}
        for version in ("1.30", schemas.latest_version()):
            schemas.validate(pod, version, strict=True)


def test_its_command_is_one_of_ours_and_writes_to_the_volume(job):
    head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    (container,), (volume,) = head["containers"], head["volumes"]
    (mount,) = container["volumeMounts"]
    assert mount["name"] == volume["name"]
    program, command, study, *options = shlex.split(job["spec"]["entrypoint"])
    assert (program, command) == ("ablations", "run")
    known = {
        name for own in typer.main.get_command(app).commands[command].params for name in own.opts
    }
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert given.keys() <= known
    assert given.pop("--on") == "ray"
    assert all(path.startswith(f"{mount['mountPath']}/") for path in (study, *given.values()))
