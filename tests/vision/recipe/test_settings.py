from __future__ import annotations

import tomllib
from importlib.resources import files
from itertools import product

import pytest

from ablations.errors import StudyError
from ablations.vision import check_settings
from ablations.vision.recipe.settings import OPTIMIZERS, read

SMALL = {"dataset": "digits", "layers": ["flatten", "dense:10"]}


def refusal(**changes):
    with pytest.raises(StudyError) as caught:
        check_settings(SMALL | changes)
    return str(caught.value)


def test_defaults():
    recipe = read(SMALL)
    assert (recipe.batch_size, recipe.epochs, recipe.optimizer) == (32, 10, "adam")
    assert (recipe.scale, recipe.weights, recipe.backend) == ("none", "none", "tensorflow")


def test_classes_and_sizes_in_all_their_forms():
    assert read(SMALL | {"classes": "5-7"}).classes == ("5", "6", "7")
    assert read(SMALL | {"classes": [3, 4]}).classes == ("3", "4")
    assert read(SMALL | {"image_size": 16}).image_size == (16, 16)
    assert read(SMALL | {"image_size": [16, 20]}).image_size == (16, 20)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, "unknown setting 'epoch'. Received: 3. Perhaps 'epochs' was meant."),
        (
            {"epochs": 0},
            "setting 'epochs' must be a whole number from 1. Received: 0. "
            "Write for example epochs = 20.",
        ),
        (
            {"epochs": True},
            "setting 'epochs' must be a whole number from 1. Received: True. "
            "Write for example epochs = 20.",
        ),
        (
            {"optimizer": "adm"},
            f"setting 'optimizer' must be one of {', '.join(OPTIMIZERS)}. Received: adm. "
            'Write for example optimizer = "adam".',
        ),
        (
            {"test_size": 1.5},
            "setting 'test_size' must be a number of images, or a fraction between 0 and 1. "
            "Received: 1.5. Write for example test_size = 0.2.",
        ),
        (
            {"base": "MobilenetV2"},
            "setting 'base' must be a model of keras.applications or a list. "
            'Received: MobilenetV2. Write for example base = "MobileNetV2".',
        ),
        (
            {"weights": "pretrain:cats:0-4"},
            "setting 'weights' must be pretrain:digits:CLASSES. Received: pretrain:cats:0-4. "
            'Write for example weights = "pretrain:digits:0-4".',
        ),
        (
            {"weights": "pretrain:digits:0-5", "classes": "5-9", "base": ["conv:4"]},
            "pretraining must not see the classes of the study. "
            "Received: pretrain:digits:0-5 shares 5. "
            'Pretrain on others: weights = "pretrain:digits:0-4", classes = "5-9".',
        ),
        (
            {"classes": ["1", "11"]},
            "there is no class '11'. Received: 1, 11. Classes are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.",
        ),
        (
            {"layers": ["flatten", "dense:2"]},
            "the model has too few outputs. Received: 2 outputs for 10 classes. "
            "End 'layers' with dense:10.",
        ),
        (
            {"layers": []},
            "setting 'layers' is missing. Received: no layers. "
            'Add for example layers = ["flatten", "dense:10"].',
        ),
        (
            {"layers": ["base", "flatten", "dense:10"]},
            "'base' in layers needs the setting 'base', once. "
            "Received: ['base', 'flatten', 'dense']. Add it, or remove the word.",
        ),
        (
            {"build": "no_such_module:build", "layers": []},
            "setting 'build' names nothing that can be imported. Received: no_such_module:build. "
            "Check the spelling, and that no_such_module lies on Python's path.",
        ),
        (
            {"base": ["conv:4"], "weights": "imagenet"},
            "imagenet weights need a base of keras.applications. Received: a list of layers. "
            'Write for example base = "MobileNetV2".',
        ),
        (
            {"base": ["conv:4", "base"]},
            "setting 'base' cannot contain 'base'. Received: base. Remove the word.",
        ),
        (
            {
                "dataset": "cats-vs-dogs",
                "base": ["conv:4"],
                "weights": "pretrain:digits:0-4",
            },
            "'pretrain:' needs the digits, and layers that end in dense. Received: cats-vs-dogs. "
            "Name a file of weights instead, or end 'layers' with dense.",
        ),
        (
            {"build": "json:loads"},
            "setting 'build' excludes 'layers' and 'base'. Received: build beside layers or base. "
            "Remove one of them.",
        ),
        (
            {"precision": "bfloat16"},
            "setting 'precision' must be one of float32, mixed_bfloat16, mixed_float16. "
            'Received: bfloat16. Write for example precision = "mixed_bfloat16".',
        ),
        (
            {"base": ["conv:4"], "freeze": True, "unfreeze": 0},
            "setting 'unfreeze' must be a number of layers from 1, or all. Received: 0. "
            "Write for example unfreeze = 30.",
        ),
        (
            {"base": ["conv:4"], "unfreeze": 1},
            "setting 'unfreeze' needs a base that is frozen first. Received: freeze = false. "
            "Add freeze = true, or remove unfreeze.",
        ),
        (
            {"base": ["conv:4"], "freeze": True, "unfreeze": "all", "epochs": 1},
            "setting 'unfreeze' needs epochs before and after it. Received: epochs = 1. "
            "Write for example epochs = 10.",
        ),
        (
            {"build_width": 3},
            "settings of your own need 'build'. Received: ['build_width']. "
            "Add build, or remove them.",
        ),
    ],
)
def test_errors(changes, message):
    assert refusal(**changes) == message


def test_a_dataset_is_needed():
    with pytest.raises(StudyError) as caught:
        check_settings({"layers": ["dense:2"]})
    assert str(caught.value) == (
        "setting 'dataset' is missing. Received: ['layers']. Add for example dataset = \"digits\"."
    )


def test_build_is_found_without_importing_it(tmp_path, monkeypatch):
    (tmp_path / "my_models.py").write_text("import nothing_like_this\ndef build(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    own = {"dataset": "digits", "build_width": 4}
    check_settings(own | {"build": "my_models:build"})
    with pytest.raises(StudyError, match="names nothing that can be imported"):
        check_settings(own | {"build": "my_models:biuld"})


@pytest.mark.parametrize(
    ("name", "count"),
    [("quickstart", 8), ("cats-vs-dogs", 8), ("precision", 6), ("fine-tuning", 3)],
)
def test_every_arm_of_the_built_in_studies_is_sound(name, count):
    text = (files("ablations.studies") / f"{name}.toml").read_text(encoding="utf-8")
    study = tomllib.loads(text)
    arms = list(product(*(levels.values() for levels in study["factors"].values())))
    assert len(arms) == count
    for arm in arms:
        settings = dict(study["trial"]["settings"])
        for level in arm:
            assert not settings.keys() & level.keys()
            settings |= level
        check_settings(settings)


@pytest.mark.slow
def test_names_are_those_of_keras():
    import keras

    from ablations.vision.recipe.readers import APPLICATIONS

    assert set(APPLICATIONS) <= set(dir(keras.applications))
    for name in OPTIMIZERS:
        assert isinstance(keras.optimizers.get(name), keras.optimizers.Optimizer)
