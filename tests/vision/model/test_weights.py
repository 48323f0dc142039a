from __future__ import annotations

import io
import shutil
import sys
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from ablations.errors import DataError, StudyError
from ablations.vision import prepare_data
from ablations.vision.data.datasets import shape_of
from ablations.vision.model import weights
from ablations.vision.model.weights import Counting
from ablations.vision.recipe.settings import read

pytestmark = [
    pytest.mark.slow,  # Keras starts in a process of its own
    # Keras hands TensorFlow's variables to NumPy in a way that NumPy 2 is about to drop.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
]

MOBILENET = {
    "dataset": "digits", "classes": "5-9", "image_size": 32, "base": "MobileNetV2",
    "layers": ["globalpool:max", "dense:5"],
}  # fmt: skip
SMALL = {"dataset": "digits", "base": ["conv:4"], "layers": ["flatten", "dense:10"]}


def silent(done, total):
    pass


def refusal(settings, check, kind=DataError):
    with pytest.raises(kind) as caught:
        check(settings)
    return str(caught.value)


def prepared(settings):
    prepare_data(settings, None, silent)


def tried_out(settings):
    """Does what the process does that `prepare_data` starts."""
    from ablations.vision.model.build import build_base

    build_base(recipe := read(settings), shape_of(recipe))


@pytest.fixture
def saved(tmp_path):
    """A file with the weights of ``SMALL``'s base."""
    import keras

    base = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)], name="base")
    base.save_weights(tmp_path / "base.weights.h5")
    return tmp_path / "base.weights.h5"


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No way to the web, and none of Keras's weights here."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def in_this_process(monkeypatch):
    """Tries out weights here, where Keras runs already, as the process does that starts it."""

    @contextmanager
    def process(order, noise):
        said = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO(order))
            patch.setattr(sys, "stdout", said)
            patch.setattr(urllib.request, "_opener", None)
            weights._main()
        said.seek(0)
        yield SimpleNamespace(stdout=said)

    monkeypatch.setattr(weights, "_process", process)


def test_weights_are_missed_before_training_and_the_cure_works_offline(offline, tmp_path):
    settings = MOBILENET | {"dataset": f"directory:{tmp_path}", "layers": ["flatten", "dense:5"]}
    said = refusal(
        settings | {"weights": "imagenet"}, prepared
    )  # before anybody looks for the images
    assert said.startswith("the imagenet weights of MobileNetV2 cannot be downloaded. Received: ")
    assert "Connection refused" in said
    assert said.endswith(
        "Connect to the internet and try again, or name a file of them: --set weights=PATH."
    )


def test_a_file_of_weights_needs_no_web(offline, mobilenet_weights, shapes, monkeypatch):
    settings = MOBILENET | {
        "dataset": f"directory:{shapes}", "classes": "dark,light",
        "weights": str(mobilenet_weights), "layers": ["globalpool:max", "dense:2"],
    }  # fmt: skip
    prepare_data(settings, None, silent)
    monkeypatch.setattr(weights, "_try_out", lambda *_: pytest.fail("tried out twice"))
    prepare_data(settings, None, silent)


def test_arms_without_a_base_need_no_weights(offline, monkeypatch):
    monkeypatch.setattr(weights, "_try_out", lambda *_: pytest.fail("tried out"))
    plain = {"dataset": "digits", "layers": ["flatten", "dense:10"]}
    for more in ({"weights": "imagenet"}, {"weights": "nowhere.h5"}):
        prepare_data(plain | more, None, silent)
    prepare_data(SMALL, None, silent)


def test_weights_of_another_base_are_refused_before_training(saved):
    tried_out(SMALL | {"weights": str(saved)})
    said = refusal(SMALL | {"base": ["conv:8"], "weights": str(saved)}, prepared)
    assert said.startswith(f"{saved}: the weights do not fit the base. Received: ")
    assert said.endswith(
        "Name a file with the weights of this very base, saved without its top layers."
    )


def test_weights_of_another_application_are_refused_with_its_name(mobilenet_weights):
    settings = MOBILENET | {"base": "MobileNet", "weights": str(mobilenet_weights)}
    cats = {"dataset": "cats-vs-dogs", "classes": "cats,dogs"}
    said = refusal(settings | cats, tried_out)
    assert said.startswith(f"{mobilenet_weights}: the weights do not fit the base. Received: ")
    assert said.endswith("Name a file with the weights of MobileNet, saved without its top layers.")


@pytest.mark.parametrize("damage", ["text", "cut", "zeros"])
def test_damaged_weights_are_told_with_a_cure_that_fits(saved, damage):
    content = saved.read_bytes()
    shutil.copy(saved, saved.with_name("good.weights.h5"))
    made = {
        "text": b"no weights",
        "cut": content[: len(content) // 2],
        "zeros": bytes(len(content)),
    }
    saved.write_bytes(made[damage])
    said = refusal(SMALL | {"weights": str(saved)}, tried_out)
    assert said.startswith(f"{saved}: this is no whole file of weights. Received: ")
    assert said.endswith("Download or save it again, or name another one: --set weights=PATH.")
    tried_out(SMALL | {"weights": str(saved.with_name("good.weights.h5"))})


def test_weights_that_are_not_finite_are_refused(tmp_path):
    import keras

    base = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)], name="base")
    base.set_weights([np.full((3, 3, 1, 4), np.nan), np.zeros(4)])
    base.save_weights(path := tmp_path / "base.weights.h5")
    said = refusal(SMALL | {"weights": str(path)}, tried_out)
    assert said.startswith(
        f"{path}: this is no whole file of weights. Received: numbers that are not finite. "
    )


def test_a_base_that_cannot_be_built_is_told_before_training(saved):
    settings = SMALL | {"base": ["conv:4,9"], "weights": str(saved)}
    said = refusal(settings, tried_out, StudyError)
    assert said.startswith("base cannot be built. Received: ")


def test_layers_that_cannot_be_unfrozen_are_told_before_training(saved, in_this_process):
    settings = SMALL | {"weights": str(saved), "freeze": True}
    prepared(settings)  # which says nothing of what an arm unfreezes
    assert refusal(settings | {"unfreeze": 3}, prepared, StudyError) == (
        "no such layers of the base can be trained. Received: unfreeze = 3, of 2 layers. "
        'Name 1 to 2 layers, or "all"; the last ones may have no weights to train.'
    )
    prepared(settings | {"unfreeze": "all"})


def test_a_process_that_dies_is_told_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "base.weights.h5").write_bytes(b"weights")
    (tmp_path / "python").write_text("#!/bin/sh\necho first >&2; echo 'it broke' >&2; exit 1\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(weights.sys, "executable", str(tmp_path / "python"))
    path = tmp_path / "base.weights.h5"
    assert refusal(SMALL | {"weights": str(path)}, prepared) == (
        f"the base with the weights '{path}' cannot be tried out. Received: it broke. "
        "Name another file of weights: --set weights=PATH."
    )


def test_what_is_read_from_the_web_is_counted(tmp_path):
    from tests.vision.data.test_download import served

    seen = []
    opener = urllib.request.build_opener(Counting(lambda *progress: seen.append(progress)))
    with served(bytes(20_000)) as url, opener.open(url) as answer:
        while answer.read(8192):
            pass
    assert seen == [(8192, 20_000), (16_384, 20_000), (20_000, 20_000), (20_000, 20_000)]
