from __future__ import annotations

import shutil
from pkgutil import iter_modules

import pytest

import ablations.vision
from ablations.analyze.compare.reruns import compare_rerun
from ablations.core.design import Arm
from ablations.core.study import Trial
from ablations.entry import Entry, find_entry
from ablations.plan import load_study
from ablations.run.execute import execute
from ablations.session import Session
from ablations.vision import fingerprint_data, identity, train
from ablations.vision.recipe.settings import read

BASE = ["conv:4", "pool"]


def same(one, other):
    return identity(one) == identity(other)


def test_no_module_of_the_package_hides_a_hook_of_the_same_name(digits):
    before = find_entry("ablations.vision:train")
    identity(digits), fingerprint_data(digits, None)
    after = find_entry("ablations.vision:train")
    assert after.identity(digits | {"weights": "imagenet"}) == before.identity(digits)
    modules = {name for _, name, _ in iter_modules(ablations.vision.__path__)}
    assert not modules & set(ablations.vision.__all__)


def test_what_a_base_alone_uses_counts_only_with_a_base(digits):
    for setting in (
        {"weights": "imagenet"}, {"weights": "/no/such/file.h5"}, {"freeze": True}, {"unfreeze": 1},
    ):  # fmt: skip
        assert same(digits, digits | setting)
        based = digits | {"base": BASE}
        assert not same(based, based | setting)


def test_the_rate_of_fine_tuning_counts_only_where_layers_are_unfrozen(digits):
    frozen = digits | {"base": BASE, "freeze": True}
    rate = {"fine_tune_rate": 1e-4}
    assert same(frozen, frozen | rate)
    assert same(digits, digits | rate | {"unfreeze": 1})
    assert not same(frozen | {"unfreeze": 1}, frozen | {"unfreeze": 1} | rate)


def test_a_file_of_weights_counts_by_its_content(digits, tmp_path):
    based = digits | {"base": BASE}
    for name, content in (("a.h5", b"1"), ("b.h5", b"1"), ("c.h5", b"2")):
        (tmp_path / name).write_bytes(content)
    first, copy, other = (based | {"weights": str(tmp_path / n)} for n in ("a.h5", "b.h5", "c.h5"))

    def named(settings):
        return Trial(
            "s",
            "m:train",
            Arm(()),
            0,
            settings,
            fingerprint_data(settings, None),
            identity=identity(settings),
        ).key

    assert named(first) == named(copy)
    assert named(first) != named(other)
    assert not same(first, based | {"weights": "none"})
    assert not same(first, based | {"weights": "imagenet"})
    assert not same(first, based | {"weights": "pretrain:digits:0-4"})


def test_a_folder_of_images_counts_by_its_content(shapes, tmp_path):
    layers = ["flatten", "dense:2"]
    here = {"dataset": f"directory:{shapes}", "image_size": 8, "layers": layers}
    shutil.copytree(shapes, tmp_path / "moved")
    there = here | {"dataset": f"directory:{tmp_path / 'moved'}"}
    assert same(here, there)
    assert fingerprint_data(here, None) == fingerprint_data(there, None)
    assert not same(here, here | {"skip_broken": True})
    assert not same(here, {"dataset": "digits", "image_size": 8, "layers": layers})


def test_a_function_that_builds_the_model_may_read_every_setting(digits):
    built = {k: v for k, v in digits.items() if k != "layers"} | {"build": "tests:model"}
    assert not same(built, built | {"weights": "imagenet"})


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("epochs", (1, 2)), ("batch_size", (20, 30)), ("split_seed", (1, 2)), ("scale", ("none", "0..1")),
        ("test_size", (10, 20)), ("classes", ("5-9", "5-8")), ("augment", ([], ["flip"])),
        ("backend", ("tensorflow", "jax")), ("image_size", (8, 9)), ("train_size", (60, 61)),
        ("optimizer", ("adam", "sgd")), ("precision", ("mixed_bfloat16", "mixed_float16")), ("learning_rate", (0.1, 0.2)), ("split", ("disjoint", "as-published")),
        ("loss", ("sparse_categorical_crossentropy", "binary_crossentropy")), ("validation_size", (1, 2)),
    ],
)  # fmt: skip
def test_every_other_setting_counts(digits, setting, values):
    one, other = (digits | {setting: value} for value in values)
    assert not same(one, other)


OFFLINE = """
title = "Scratch or transfer?"

[trial]
run = "ablations.vision:train"

[trial.settings]
dataset = "directory:shapes"
image_size = 32
epochs = 1
weights = "imagenet"
freeze = true

[factors.initialization.scratch]
layers = ["flatten", "dense:2"]

[factors.initialization.transfer]
base = "MobileNetV2"
layers = ["globalpool:max", "dense:2"]

[design]
seeds = 2
"""


@pytest.mark.slow
def test_the_cure_for_weights_that_cannot_be_downloaded_trains_no_arm_without_a_base_again(
    shapes, mobilenet_weights, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # offline
    (tmp_path / "study.toml").write_text(OFFLINE)
    session = Session(load_study("study.toml"))
    session.run(session.trials, jobs=1)
    scratch = {r.seed: r.seconds for r in session.records() if r.completed}
    assert set(scratch) == {0, 1}
    assert {r.arm.level("initialization") for r in session.failures()} == {"transfer"}
    assert all("--set weights=PATH" in r.message for r in session.failures())
    cured = Session(load_study("study.toml", overrides=[f"weights={mobilenet_weights}"]))
    to_do = cured.progress().to_do
    assert {trial.arm.level("initialization") for trial in to_do} == {"transfer"}
    cured.run(to_do, jobs=1)
    records = cured.records()
    assert [record.completed for record in records] == [True] * 4
    kept = {r.seed: r.seconds for r in records if r.arm.level("initialization") == "scratch"}
    assert kept == scratch


@pytest.mark.slow
@pytest.mark.parametrize(
    "left_out", [{"weights": "imagenet", "freeze": True}, {"skip_broken": True}]
)
def test_what_is_left_out_changes_no_bit(digits, left_out):
    def trained(settings):
        read(settings)
        trial = Trial("s", "m:train", Arm(()), 0, settings)
        return execute((trial,), Entry(train), lambda *_: None)[0]

    before, after = trained(digits), trained(digits | left_out)
    assert before.completed
    assert compare_rerun(before, after).equal
