"""The commands of docs/clusters.md, in a shell: with stand-ins for schedulers, and tiny trainings."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablations.cli.job_files import job_file
from ablations.plan import load_study
from ablations.session import Session

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")

SBATCH = """#!/bin/bash
# Runs the tasks of an array one after another, as SLURM would beside each other.
[ "$1" = --test-only ] && exec bash -n "$2"
last=$(sed -n 's/^#SBATCH --array=1-//p' "$1")
for SLURM_ARRAY_TASK_ID in $(seq "$last"); do
    export SLURM_ARRAY_TASK_ID SLURM_ARRAY_JOB_ID=7
    bash "$1" || exit
done
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that are found before all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    return folder


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def block(first: str) -> str:
    """Returns the block of shell that begins so."""
    (found,) = [
        text
        for text in re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
        if text.startswith(first)
    ]
    return found


def bash(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.mark.slow
def test_the_commands_for_slurm_train_all_and_report(study_path, programs):
    study_path.rename("study.toml")
    write(
        programs / "ablations", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ablations "$@"\n'
    )
    write(programs / "sbatch", SBATCH)
    written = block("ablations shard study.toml --slurm --shards 16")
    done = bash(written.replace("--shards 16", "--shards 2"))  # there are three seeds
    assert done.returncode == 0, done.stderr
    assert "runs/study/records.sqlite: 12 records added from 2 files, 12 records now" in done.stdout
    assert done.stderr.count("trials to train") == 2  # of the shards alone
    assert Path("reports/study/index.html").is_file()


def test_a_script_starts_a_shard_again_as_long_as_its_code_asks_for_it(programs, tmp_path):
    write(
        programs / "ablations",
        '#!/bin/sh\necho "$*" >> calls\n[ "$(wc -l < calls)" -lt 3 ] && exit 75\nexit 4\n',
    )
    write(programs / "sleep", "#!/bin/sh\n")
    done = subprocess.run(["bash", "-c", block("until ")], cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == 0
    assert (tmp_path / "calls").read_text() == 3 * "run study.toml --shard 1/2\n"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl here")
def test_the_job_of_kubernetes_begins_with_the_patch_that_is_written(study_path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    study = load_study(study_path.rename("study.toml"))
    *_, job = yaml.safe_load_all(job_file(Session(study), "kubernetes", 2))
    assert (job["metadata"]["name"], job["spec"]["suspend"]) == ("study", True)
    Path("job.json").write_text(json.dumps(job))
    (command,) = re.findall(r"^kubectl patch job study (.*)$", PAGE, flags=re.MULTILINE)
    done = bash(f"kubectl patch --local --filename job.json --output json {command}")
    assert done.returncode == 0, done.stderr
    begun = json.loads(done.stdout)
    assert begun["spec"].pop("suspend") is False
    assert begun["spec"] == {name: own for name, own in job["spec"].items() if name != "suspend"}
