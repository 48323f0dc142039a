"""Shards from the command line: trained, stopped, shown, merged, and their job files."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from ablations.analyze.compare.reruns import compare_rerun
from ablations.cli.app import app
from ablations.plan import load_study
from ablations.records.sqlite.store import Store

PATIENCE = 180
"""Seconds after which a wait has failed: a hundred times what Python and its imports take here."""


def ablations(*words: str):
    return CliRunner().invoke(app, list(map(str, words)))


def run_shard(path: Path, shard: str, *words: str) -> None:
    done = ablations("run", path, "--jobs", "1", "--shard", shard, *words)
    assert done.exit_code == 0, done.output


def test_shards_train_and_merge_to_the_store_of_one_run(study_path):
    for number in (1, 2):
        run_shard(study_path, f"{number}/2")
    folder = Path("runs/small")
    assert [own.seed for own in Store(folder / "shard-2-of-2/records.sqlite").records()] == [1] * 4
    assert not Path("reports").exists()
    shown = ablations("status", study_path).stdout
    assert "shard 1/2: 8 of 8 trials done; 8 of its records are not in the store\n" in shown
    command = shown.splitlines()[-1].partition(": ")[2]
    assert command == "ablations merge runs/small/shard-*/records.sqlite"
    sources = sorted(map(str, folder.glob("shard-*/records.sqlite")))
    merged = ablations("merge", *sources)
    assert (
        merged.stdout
        == "runs/small/records.sqlite: 12 records added from 2 files, 12 records now\n"
    )
    assert "the store" not in ablations("status", study_path).stdout
    assert ablations("run", study_path, "--runs-dir", "whole", "--jobs", "1").exit_code == 0
    whole = Store(Path("whole/small/records.sqlite"))
    found = {own.key: own for own in Store(folder / "records.sqlite").records()}
    assert len(found) == 12
    assert all(compare_rerun(found.pop(own.key), own).equal for own in whole.records())
    assert Store(folder / "records.sqlite").descriptions() == whole.descriptions()
    assert ablations("run", study_path).stderr.startswith("12 of 12 trials done\nreport: ")
    assert ablations("gate", study_path).exit_code == 0


def test_what_shards_have_completed_is_merged_and_not_trained_again(study_path):
    run_shard(study_path, "1/2")
    refused = ablations("run", study_path, "--no-report")
    assert str(refused.exception) == (
        "small: shards have completed what this would train again. Received: 8 trials in shard "
        "1/2. Put their records into the store with 'ablations merge "
        "runs/small/shard-*/records.sqlite', or move the folders of these shards away."
    )
    assert not Path("runs/small/records.sqlite").exists()
    said = (
        "shards have completed 8 trials that the store lacks: ablations merge "
        "runs/small/shard-*/records.sqlite\n"
    )
    assert said in ablations("gate", study_path).stderr
    assert said in ablations("export", study_path, "--to", "x.jsonl").stderr
    shard = "runs/small/shard-1-of-2/records.sqlite"
    assert said not in ablations("gate", study_path, "--records", shard).stderr
    assert ablations("merge", shard).exit_code == 0
    assert said not in ablations("gate", study_path).stderr
    assert "4 trials to train\n" in ablations("run", study_path, "--no-report").stderr
    assert ablations("run", study_path, "--no-report").exit_code == 0
    # A setting that no shard has was never trained; and the other cure works as well.
    assert ablations("run", study_path, "--no-report", "--set", "epochs=1").exit_code == 0
    Path("runs/small/records.sqlite").unlink()
    Path("runs/small/shard-1-of-2").rename("kept")
    assert "12 trials to train\n" in ablations("run", study_path, "--no-report").stderr


def test_a_shard_resumes_and_status_counts_what_it_has(edit):
    path = edit("epochs = 2", "epochs = 2\nraise_at = 2")
    done = ablations("run", path, "--jobs", "1", "--shard", "1/2")
    assert done.exit_code == 4
    assert "the output of what failed is in runs/small/shard-1-of-2/logs" in done.stderr
    (state,) = json.loads(ablations("status", path, "--json").stdout)["shards"]
    assert state == {
        "shard": "1/2", "planned": 8, "completed": 4, "failed": 4, "unmerged": 8, "running": False,
    }  # fmt: skip
    again = ablations("run", path, "--jobs", "1", "--shard", "1/2")
    assert "4 trials to train\n" in again.stderr
    assert ablations("merge", "runs/small/shard-1-of-2").exit_code == 0
    found = Store(Path("runs/small/records.sqlite")).records()
    assert [own.status for own in found].count("failed") == 8


def test_a_shard_that_has_no_seed_ends_well_and_says_why(study_path):
    done = ablations("run", study_path, "--shard", "4/4")
    assert (done.exit_code, done.stderr) == (
        0,
        "shard 4/4 has nothing to train: of 3 seeds, each goes to one shard\n",
    )
    assert not Path("runs").exists()


def test_one_shard_of_one_is_the_whole_study(study_path):
    run_shard(study_path, "1/1")
    assert len(Store(Path("runs/small/shard-1-of-1/records.sqlite")).records()) == 12


def test_adaptive_seeds_are_refused_with_a_cure_that_works(edit):
    path = edit("seeds = 3", 'seeds = { at_least = 2, at_most = 3, until = "decided" }')
    done = ablations("run", path, "--shard", "1/2")
    with pytest.raises(type(done.exception)) as caught:
        raise done.exception
    assert str(caught.value) == (
        "small: whether adaptive seeds go on depends on the records of all shards, which none of "
        "them has. Received: --shard 1/2, design.seeds with at_least = 2, at_most = 3. Write a "
        "fixed number into the file, such as seeds = 3, or leave out --shard."
    )
    assert ablations("shard", path, "--slurm").exception is not None
    edit('seeds = { at_least = 2, at_most = 3, until = "decided" }', "seeds = 3")
    run_shard(path, "1/2")


def test_a_report_of_a_shard_is_refused(study_path):
    done = ablations("run", study_path, "--shard", "1/2", "--report")
    assert done.exit_code == 2
    assert "--shard excludes --report, which shows a whole study" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize("everyone", [False, True])
def test_a_stopped_shard_ends_with_75_within_10_seconds_and_resumes(edit, number, everyone):
    path = edit("epochs = 2", 'epochs = 2\nsleep_at = "all"\nsleep = 0.3')
    command = [*_command(path), "--shard", "1/2", "--jobs", "2"]
    store = Store(Path("runs/small/shard-1-of-2/records.sqlite"))
    started = time.monotonic()
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as driver:
        _wait_for(lambda: store.path.exists() and len(store.outcomes()) >= 2)
        slower = max(
            1.0, (time.monotonic() - started) / 3
        )  # as this takes 2 s where nothing else runs
        workers = psutil.Process(driver.pid).children(recursive=True)
        began = time.monotonic()
        os.killpg(driver.pid, number) if everyone else driver.send_signal(number)
        output = driver.communicate(timeout=PATIENCE)[1]
    assert driver.returncode == 75
    assert time.monotonic() - began < 10 * slower
    assert "stopped; what has ended is recorded, and the same command resumes" in output
    assert "Traceback" not in output
    _wait_for(lambda: not any(worker.is_running() for worker in workers))
    before = store.records()
    assert len(before) < 8
    assert all(own.completed for own in before)
    assert ablations("run", path, "--no-report", "--shard", "1/2", "--jobs", "2").exit_code == 0
    keys = [own.key for own in store.outcomes()]
    assert len(keys) == len(set(keys)) == 8


def test_a_shard_that_is_stopped_before_it_begins_ends_with_75_too(study_path):
    (module,) = study_path.parent.glob("training_*.py")
    module.write_text(
        "from pathlib import Path\nimport time\nPath('begun').touch()\ntime.sleep(60)\n"
    )
    with subprocess.Popen([*_command(study_path), "--shard=1/2"]) as driver:
        _wait_for(Path("begun").exists)
        driver.send_signal(signal.SIGUSR1)
        assert driver.wait(PATIENCE) == 75


def test_a_whole_run_ends_with_the_code_of_the_signal(edit):
    path = edit("epochs = 2", 'epochs = 2\nsleep_at = "all"\nsleep = 0.3')
    with subprocess.Popen([*_command(path), "--jobs", "2"]) as driver:
        _wait_for(Path("runs/small/records.sqlite").exists)
        driver.send_signal(signal.SIGUSR1)
        assert driver.wait(PATIENCE) == 128 + signal.SIGUSR1


def test_status_names_a_shard_that_is_being_run(edit):
    path = edit("epochs = 2", 'epochs = 2\nsleep_at = "all"\nsleep = 0.5')
    command = [*_command(path), "--shard", "1/2", "--jobs", "1"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as driver:
        _wait_for(Path("runs/small/shard-1-of-2/records.sqlite").exists)
        shown = ablations("status", path).stdout
        driver.terminate()
    assert f"it is being run now, by process {driver.pid}" in shown


def test_the_job_of_slurm_is_a_script_that_names_all_options(study_path):
    text = _job(study_path, "--slurm", "--shards", "2", "--seeds", "4", "--set", "epochs=3")
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    for option in ("--array=1-2", "--requeue", "--signal=B:USR1@60", "--open-mode=append"):
        assert f"\n#SBATCH {option}\n" in text
    assert (
        "\nablations run small.toml --set epochs=3 --seeds 4 --runs-dir runs "
        '--shard "$SLURM_ARRAY_TASK_ID/2" --jobs 1 &\n'
    ) in text


SHIM = """#!/bin/sh
exec {python} -m ablations "$@"
"""


@pytest.mark.parametrize(
    ("number", "requeued"), [(signal.SIGUSR1, "7_1"), (signal.SIGTERM, ""), (None, "")]
)
def test_the_script_of_slurm_is_queued_again_after_usr1_alone(edit, tmp_path, number, requeued):
    edit("epochs = 2", 'epochs = 2\nsleep_at = "all"\nsleep = 0.3')
    (tmp_path / "bin").mkdir()
    for name, text in {
        "ablations": SHIM.format(python=shlex.quote(sys.executable)),
        "scontrol": '#!/bin/sh\necho "$2" > requeued\n',
    }.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    Path("job.sh").write_text(_job(Path("small.toml"), "--slurm", "--shards", "3"))
    environment = {
        **os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "1",
    }  # fmt: skip
    with subprocess.Popen(["bash", "job.sh"], env=environment, stderr=subprocess.DEVNULL) as job:
        _wait_for(Path("runs/small/shard-1-of-3/records.sqlite").exists)
        if number is not None:
            job.send_signal(number)
        assert job.wait(PATIENCE) == (0 if number is None else 75)
    found = Path("requeued").read_text().strip() if Path("requeued").exists() else ""
    assert found == requeued


def test_the_job_of_kubernetes_is_an_indexed_job_that_is_tried_again_as_it_should(study_path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    text = _job(study_path, "--kubernetes", "--shards", "3")
    claim, files, job = yaml.safe_load_all(text)
    assert (claim["kind"], files["kind"], job["kind"]) == ("PersistentVolumeClaim", "Pod", "Job")
    assert files["spec"]["volumes"] == job["spec"]["template"]["spec"]["volumes"]
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    # backoffLimitPerIndex needs an indexed job whose pods are not started again by themselves.
    assert pod["restartPolicy"] == "Never"
    rules = {
        tuple(rule["onExitCodes"]["values"]): rule["action"]
        for rule in spec["podFailurePolicy"]["rules"]
        if "onExitCodes" in rule
    }
    assert rules == {(75,): "Ignore", (2, 70): "FailIndex"}
    (container,) = pod["containers"]
    assert container["command"] == ["sh", "-c"]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    shown = subprocess.run(
        ["sh", "-c", container["args"][0].replace("exec ablations", "echo")],
        env={"JOB_COMPLETION_INDEX": "2"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert shown == "run small.toml --runs-dir runs --shard 3/3 --jobs 1\n"


@pytest.mark.parametrize("options", [(), ("--set", "epochs=3", "--threads", "4", "--shards", "1")])
def test_the_job_of_kubernetes_is_valid_by_its_schemas(study_path, options):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    schemas = pytest.importorskip("kubernetes_validate", reason="no schemas of Kubernetes")
    documents = list(yaml.safe_load_all(_job(study_path, "--kubernetes", *options)))
    job = documents[-1]
    for document in documents:
        for version in ("1.30", schemas.latest_version()):
            schemas.validate(document, version, strict=True)
    del job["spec"]["template"]["spec"]["containers"][0]["name"]
    with pytest.raises(schemas.ValidationError, match="'name' is a required property"):
        schemas.validate(job, "1.30", strict=True)


def test_the_jobs_of_skypilot_recover_from_the_code_of_a_stopped_shard(study_path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    task = yaml.safe_load(_job(study_path, "--skypilot", "--threads", "2"))
    assert task["resources"]["job_recovery"]["recover_on_exit_codes"] == [75]
    assert task["resources"]["cpus"] == "2+"
    assert task["run"].strip() == (
        'exec ablations run small.toml --threads 2 --runs-dir /records --shard "$SHARD/3" --jobs 1'
    )


RESOURCES = """
[resources]
cpus = 3.5
memory_gib = 7.75

[[resources.arms]]
where = { a = "on" }
gpus = 0.5
accelerator = "KIND"
"""


def test_a_job_asks_for_what_the_arms_need(study_path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    study_path.write_text(study_path.read_text() + RESOURCES.replace("KIND", "A100"))
    slurm = _job(study_path, "--slurm")
    for option in ("--cpus-per-task=4", "--mem=9G", "--gpus=A100:1"):
        assert f"\n#SBATCH {option}\n" in slurm
    (*_, job) = yaml.safe_load_all(_job(study_path, "--kubernetes"))
    assert job["spec"]["template"]["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "4", "memory": "9Gi"},
        "limits": {"memory": "9Gi", "nvidia.com/gpu": "1"},
    }
    own = yaml.safe_load(_job(study_path, "--skypilot"))["resources"]
    assert (own["cpus"], own["memory"], own["accelerators"]) == ("4+", "9+", "A100:1")


@pytest.mark.parametrize("kind", ["A100\\n#SBATCH --exclusive", "80 GB"])
def test_a_kind_of_gpu_that_would_need_quotes_is_left_to_the_user(study_path, kind):
    study_path.write_text(study_path.read_text() + RESOURCES.replace("KIND", kind))
    slurm = _job(study_path, "--slurm")
    assert "\n#SBATCH --gpus=1\n" in slurm
    assert "exclusive" not in slurm


def test_pods_write_to_the_volume_wherever_the_records_are_here(study_path):
    text = _job(study_path, "--kubernetes", "--runs-dir", "/scratch/runs")
    assert "exec ablations run small.toml --runs-dir runs\n" in text
    assert "merge --runs-dir /scratch/runs runs-of-pods/small/shard-*/records.sqlite\n" in text


@pytest.mark.parametrize("scheduler", ["--slurm", "--kubernetes", "--skypilot"])
def test_names_that_a_shell_or_yaml_would_read_otherwise_are_quoted(study_path, scheduler):
    path = study_path.rename(study_path.with_name("1e5 $(touch x).toml"))
    edited = path.read_text().replace('title = "Does', 'title = "{{ 1 }} \\n # Does')
    path.write_text(edited)
    text = _job(path, scheduler)
    assert "'1e5 $(touch x).toml'" in text
    assert "{{ 1 }} \\n # Does" in text
    if scheduler == "--slurm":
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)
        assert "#SBATCH --job-name=1e5-touch-x\n" in text
    else:
        yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
        (*_, job) = yaml.safe_load_all(text)
        assert (job.get("metadata") or job)["name"] == "1e5-touch-x"


def test_one_scheduler_is_to_be_named(study_path):
    for words in ([], ["--slurm", "--skypilot"]):
        done = ablations("shard", study_path, *words)
        assert done.exit_code == 2
        assert "name one of --slurm, --kubernetes and --skypilot" in done.stderr


def test_shards_without_a_seed_are_pointed_out(study_path):
    done = ablations("shard", study_path, "--slurm", "--shards", "5")
    assert done.stderr == ("2 of the 5 shards have nothing to train: the study has 3 seeds\n")
    assert "#SBATCH --array=1-5" in done.stdout


def test_a_study_that_ships_with_the_program_is_named_by_its_name():
    study = load_study("quickstart")
    assert study.file is None
    assert re.search(
        r"\nablations run quickstart --runs-dir runs --shard", _job("quickstart", "--slurm")
    )


def _job(path: Path | str, *words: str) -> str:
    done = ablations("shard", path, *words)
    assert done.exit_code == 0, (done.stderr, done.exception)
    return done.stdout


def _command(path: Path) -> list[str]:
    return [sys.executable, "-m", "ablations", "run", str(path), "--no-report"]


def _wait_for(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
