from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from ablations.core.trial_log import TrialLog
from ablations.errors import AblationsError, DataError, StudyError
from ablations.vision import fingerprint_data, notes, prepare_data
from ablations.vision.data import datasets, splits
from ablations.vision.data.copies import find_copies
from ablations.vision.exhibits import previews
from ablations.vision.exhibits.tables import copied_images, label_counts
from ablations.vision.recipe.settings import read


def silent(done, total):
    pass


def make(root, **counts):
    """Writes images of two classes below each folder, all different."""
    level = 0
    for folder, count in counts.items():
        for name in ("cat", "dog"):
            (root / folder / name).mkdir(parents=True)
            for i in range(count):
                level += 1
                pixels = np.full((4, 4, 3), level, np.uint8)
                Image.fromarray(pixels).save(root / folder / name / f"{i:02}.png")
    return root


def settings(root, **more):
    return {
        "dataset": f"directory:{root}",
        "image_size": 4,
        "layers": ["flatten", "dense:2"],
    } | more


def noted(given, place):
    """What is noted, but for the size of the test, which is small in all of these."""
    return [line for line in notes(given, place) if not line.startswith("the test has ")]


def load(root, **more):
    recipe = read(settings(root, **more))
    examples = datasets.load(recipe, None)
    return examples, splits.draw(recipe, examples.pool, seed=0)


def refusal(root, kind=DataError, **more):
    said = set()
    for hook in (
        lambda given: fingerprint_data(given, None),
        lambda given: prepare_data(given, None, silent),
    ):
        with pytest.raises(kind) as caught:
            hook(settings(root, **more))
        said.add(str(caught.value))
    assert len(said) == 1
    return said.pop()


def levels(examples, part):
    return sorted(examples.images[part][:, 0, 0, 0].tolist())


@pytest.mark.parametrize(
    "names",
    [("train", "val", "test"), ("Training", "VALIDATION", "Testing"), ("train", "valid", "test")],
)
def test_given_splits_are_used(tmp_path, names):
    train, validation, test = names
    root = make(tmp_path / "data", **{train: 6, validation: 2, test: 3})
    examples, split = load(root)
    assert examples.classes == ("cat", "dog")
    assert levels(examples, split.train) == [*range(1, 13)]
    assert levels(examples, split.validation) == [*range(13, 17)]
    assert levels(examples, split.test) == [*range(17, 23)]
    assert np.bincount(examples.labels[split.test]).tolist() == [3, 3]
    said = "the split is given by folders: "
    said += f"train by {train}/, validation by {validation}/ and test by {test}/"
    assert noted(settings(root), None) == [said]
    assert label_counts(examples, split).caption == f"T{said[1:]}."


@pytest.mark.parametrize(("there", "drawn"), [("val", "test"), ("test", "validation")])
def test_a_part_that_is_not_given_is_drawn_from_training(tmp_path, there, drawn):
    root = make(tmp_path / "data", train=10, **{there: 2})
    examples, split = load(root)
    sizes = {"validation": len(split.validation), "test": len(split.test)}
    assert len(split.train) == 16
    assert sizes[drawn] == 4  # a fifth of the training folder
    taken = {"test": split.test, "validation": split.validation}
    assert sorted(levels(examples, split.train) + levels(examples, taken[drawn])) == [*range(1, 21)]
    assert load(root, **{f"{drawn}_size": 7})[1].train.size == 13
    (said,) = noted(settings(root), None)
    assert said.endswith(f"; {drawn} images are drawn from the training images")


def test_a_folder_of_training_images_alone(tmp_path):
    root = make(tmp_path / "data", train=10)
    examples, split = load(root)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [12, 4, 4]
    assert levels(examples, np.concatenate([split.train, split.validation, split.test])) == [
        *range(1, 21)
    ]
    again = [load(root, split_seed=s)[1].test.tolist() for s in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def test_a_study_may_name_the_folders(tmp_path):
    root = make(tmp_path / "data", fit=4, eval=2, other=3)
    named = {"train": "fit", "test": "eval"}
    examples, split = load(root, split=named)
    assert levels(examples, split.test) == [9, 10, 11, 12]
    assert levels(examples, np.concatenate([split.train, split.validation])) == [*range(1, 9)]
    assert load(root, split=named, train_size=3)[1].train.size == 3
    said = refusal(root, split={"train": "fit", "test": "missing"})
    assert said == (
        f"{root}: there is no folder for the test images. Received: missing. "
        "Correct the setting 'split', or --data-dir."
    )


@pytest.mark.parametrize(
    "split",
    [
        {"train": "a", "dev": "b"}, {"test": "b"}, {"train": "../a"}, {"train": "/a"},
        {"train": "a", "test": "a"}, {"train": 1}, {"train": ""}, "folders",
    ],
)  # fmt: skip
def test_what_names_no_split_is_refused(tmp_path, split):
    with pytest.raises(StudyError, match="setting 'split' must be "):
        read(settings(tmp_path, split=split))


def test_a_given_split_needs_folders(tmp_path):
    with pytest.raises(StudyError) as caught:
        read(settings(tmp_path, split="given") | {"dataset": "digits", "layers": ["dense:10"]})
    assert str(caught.value) == (
        "a given split needs dataset = directory:PATH. Received: digits. Remove split."
    )
    root = make(tmp_path / "data", train=2) / "train"
    assert refusal(root, split="given") == (
        f"{root}: there is no given split. Received: ['cat', 'dog']. Put the class folders below "
        'train, val and test, name other folders with split = { train = "train", test = "test" }, '
        "or remove split."
    )


@pytest.mark.parametrize(
    ("setting", "value", "folder"),
    [("test_size", 2, "test"), ("validation_size", 0.5, "val")],
)
def test_sizes_that_contradict_the_given_split(tmp_path, setting, value, folder):
    root = make(tmp_path / "data", train=5, val=2, test=2)
    assert refusal(root, StudyError, **{setting: value}) == (
        f"{root}: setting '{setting}' contradicts the split that the folders give. "
        f"Received: {setting} = {value}, beside {folder}. Remove {setting}."
    )


@pytest.mark.parametrize("split", ["disjoint", "as-published"])
def test_another_split_than_the_given_one(tmp_path, split):
    root = make(tmp_path / "data", train=5, val=2)
    said = refusal(root, StudyError, split=split)
    assert said == (
        f"{root}: setting 'split' contradicts the split that the folders give. "
        f"Received: split = {split}, beside train and val. Remove split."
    )
    prepare_data(settings(root), None, silent)


def test_folders_that_could_be_meant_either_way(tmp_path):
    root = make(tmp_path / "data", train=5, val=2)
    (root / "car").mkdir()
    Image.new("RGB", (4, 4), "blue").save(root / "car" / "0.png")
    assert refusal(root) == (
        f"{root}: these folders may be classes or parts of a split. Received: class folders in train and "
        "val; beside them car. Name the parts of a split in the study, which ignores other folders: "
        'split = { train = "train", validation = "val" }; or name the classes: '
        'classes = "car,train,val".'
    )
    split = load(root, split={"train": "train", "validation": "val"})[1]
    assert [len(part) for part in (split.train, split.validation, split.test)] == [8, 4, 2]
    more = {"classes": "car,train,val", "layers": ["flatten", "dense:3"]}
    assert load(root, **more)[0].classes == ("car", "train", "val")


def test_a_class_may_be_called_train(tmp_path):
    root = make(tmp_path / "data", train=5) / "train"
    (root / "dog").rename(root / "train")
    assert load(root)[0].classes == ("cat", "train")
    assert noted(settings(root), None) == []


def test_parts_without_classes_are_no_classes(tmp_path):
    root = make(tmp_path / "data", train=5) / "train"
    for old, new in (("cat", "train"), ("dog", "test")):
        (root / old).rename(root / new)
    assert refusal(root) == (
        f"{root}: folders called like parts of a split hold no class folders. Received: test and "
        "train. Put the images into test/CLASS, or if these are the classes, write "
        'classes = "test,train".'
    )
    assert load(root, classes="test,train")[0].classes == ("test", "train")


def test_a_split_inside_of_the_classes(tmp_path):
    make(tmp_path / "data", train=5, val=2)
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            (tmp_path / "other" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / part / name).rename(tmp_path / "other" / name / part)
    root = tmp_path / "other"
    assert refusal(root) == (
        f"{root}: a split lies inside of the classes. Received: train and val. Move the images to "
        'train/CLASS, val/CLASS and test/CLASS, or write split = "disjoint" to draw a new split '
        "from all of them."
    )
    assert len(load(root, split="disjoint")[0].labels) == 14


def test_two_folders_for_one_part_and_none_for_training(tmp_path):
    root = make(tmp_path / "data", train=5, val=2, valid=1)
    cure = 'Name the folders in the study: split = { train = "train", test = "test" }.'
    assert refusal(root) == (
        f"{root}: a given split with two folders for one part. Received: train, val and valid. "
        + cure
    )
    shutil.rmtree(root / "valid")
    (root / "train").rename(root / "test")
    assert refusal(root) == (
        f"{root}: a given split with no folder train. Received: test and val. {cure}"
    )


def test_classes_must_agree(tmp_path):
    root = make(tmp_path / "data", train=5, val=2, test=2)
    (root / "val" / "dog").rename(root / "val" / "bird")
    assert refusal(root) == (
        f"{root}: the parts of the given split have different classes. Received: no 'dog' in val; "
        "'bird' only in val. Add or remove class folders, or name with 'classes' those that all "
        "parts have."
    )
    make(root / "val", more=2)
    (root / "val" / "more" / "dog").rename(root / "val" / "dog")
    shutil.rmtree(root / "val" / "more")
    assert load(root, classes="cat,dog")[0].classes == ("cat", "dog")


def test_the_identity_says_in_which_part_an_image_is(tmp_path):
    root = make(tmp_path / "data", train=5, val=2)
    before = fingerprint_data(settings(root), None)
    shutil.copytree(root, tmp_path / "elsewhere")
    assert fingerprint_data(settings(tmp_path / "elsewhere"), None) == before
    named = settings(root, split={"train": "val", "validation": "train"})
    assert fingerprint_data(named, None) != before
    as_classes = settings(root, classes="train,val")
    assert fingerprint_data(as_classes, None) != before
    (root / "train" / "cat" / "00.png").rename(root / "val" / "cat" / "zz.png")
    assert fingerprint_data(settings(root), None) != before


def test_broken_files_leave_the_parts_as_they_are(tmp_path):
    root = make(tmp_path / "data", train=5, val=2, test=2)
    for file in ("train/cat/00.png", "val/dog/01.png"):
        (root / file).write_text("no image")
    examples, split = load(root, skip_broken=True)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [9, 3, 4]
    assert levels(examples, split.test) == [15, 16, 17, 18]
    for file in (root / "val").glob("*/*.png"):
        file.write_text("no image")
    with pytest.raises(DataError, match="no readable image is left of the validation images"):
        prepare_data(settings(root, skip_broken=True), None, silent)


def copy(root, source, target):
    shutil.copy(root / source, root / target)


def test_images_in_two_parts_or_two_classes_are_named(tmp_path):
    root = make(tmp_path / "data", train=5, val=2, test=2)
    copy(root, "train/cat/00.png", "test/cat/copy.png")
    copy(root, "train/cat/01.png", "train/dog/copy.png")
    copy(root, "val/cat/01.png", "val/cat/copy.png")  # harmless: nothing is drawn
    given, *warned = noted(settings(root), None)
    assert given.startswith("the split is given by folders: ")
    assert warned == [
        "1 image is in two classes (one of its labels is wrong, or both fit): "
        "train/dog/copy.png = train/cat/01.png",
        "1 image is in two parts of the given split (a model is judged on what it was trained "
        "on): test/cat/copy.png = train/cat/00.png",
    ]
    examples, _ = load(root)
    shown = copied_images(examples)
    assert shown.caption == ". ".join(line[0].upper() + line[1:] for line in warned) + "."
    assert shown.table.rows[0] == ("train/dog/copy.png", "train/cat/01.png", "two classes")
    prepare_data(settings(root), None, silent)


def test_copies_that_a_drawn_split_may_part_are_named(shapes):
    for i in range(22):
        copy(shapes, "dark/03.png", f"dark/copy{i:02}.png")
    (said,) = noted(settings(shapes), None)
    assert said.startswith(
        "22 images are in one class (a split that is drawn may train on one and test on the "
        "other): dark/copy00.png = dark/03.png; dark/copy01.png = dark/03.png; "
    )
    assert said.endswith("dark/copy19.png = dark/03.png; and 2 more")


def test_two_classes_with_the_same_images_are_refused(shapes):
    shutil.rmtree(shapes / "light")
    shutil.copytree(shapes / "dark", shapes / "light")
    for check in (
        lambda: noted(settings(shapes), None),
        lambda: prepare_data(settings(shapes), None, silent),
    ):
        with pytest.raises(AblationsError) as caught:
            check()
        assert str(caught.value) == (
            f"{shapes}: classes 'dark' and 'light' hold the same images. Received: 20 images, each "
            "in both. Remove one of the two, or put other images into it."
        )


def test_an_image_is_found_again_after_others_are_left_out(shapes):
    (shapes / "dark" / "00.png").write_text("no image")
    copy(shapes, "dark/05.png", "light/copy.png")
    examples = datasets.load(read(settings(shapes, skip_broken=True)), None)
    assert [c.same_as for c in examples.copies] == ["dark/05.png"]
    assert find_copies(datasets.listing(read(settings(shapes)), None)) == examples.copies


@pytest.mark.slow
def test_a_trial_trains_on_the_given_split(tmp_path, trial):
    from ablations.vision import train

    root = make(tmp_path / "data", train=10, val=3, test=2)
    copy(root, "train/cat/00.png", "test/cat/copy.png")
    log, shown = TrialLog(), TrialLog()
    one = trial(settings(root, epochs=1))
    train(one, log)
    previews.describe_recipe(one, read(one.settings), shown)
    report = {exhibit.name: exhibit for exhibit in log.contents().exhibits}
    counts = report["label-counts"]
    assert counts.table.rows == (("cat", 10, 3, 3), ("dog", 10, 3, 2))
    assert counts.caption.startswith("The split is given by folders: ")
    assert report["warning-copies"].scope == "study"


def test_what_the_folders_hold_is_held_against_layers_and_sizes_before_anything_trains(tmp_path):
    root = make(tmp_path / "data", train=5)
    (root / "train" / "bird").mkdir()
    Image.fromarray(np.full((4, 4, 3), 99, np.uint8)).save(root / "train" / "bird" / "0.png")
    hooks = (notes, lambda given, place: prepare_data(given, place, silent))
    for hook in hooks:
        with pytest.raises(StudyError, match="Received: 2 outputs for 3 classes"):
            hook(settings(root), None)
        with pytest.raises(StudyError, match="'test_size' asks for more images than there are"):
            hook(settings(root, test_size=99, layers=["flatten", "dense:3"]), None)


def test_a_test_in_which_one_image_decides_is_noted_when_it_is_planned(tmp_path):
    root = make(tmp_path / "data", train=4) / "train"
    few, *absent = notes(settings(root, test_size=1, validation_size=1), None)
    assert few == (
        "the test has 1 image, so one image is 100.0\u202fpp of test accuracy; more seeds do not make "
        "up for that"
    )
    assert absent in (["seed 0 draws no test image of cat"], ["seed 0 draws no test image of dog"])
    large = make(tmp_path / "large", train=60) / "train"
    assert notes(settings(large, test_size=100, validation_size=10), None) == []
