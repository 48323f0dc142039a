"""The built-in training function: image classifiers on Keras 3, described by settings.

A study file reaches it as ``run = "ablations.vision:train"``. Its settings:

=================  ===========================================================================
setting            meaning (default)
=================  ===========================================================================
dataset            ``digits``, ``cats-vs-dogs`` or ``directory:PATH``, one sub-folder per class, or
                   these below ``train``, ``val`` and ``test``; a relative PATH starts at
                   ``--data-dir`` if that is given (required)
classes            the classes to keep: a list, or text such as ``5-9`` or ``cats,dogs`` (all)
image_size         pixels: one number or ``[height, width]`` (8 for digits, else 160)
skip_broken        leave out files that are no readable image, and name them (false); JPEG, PNG,
                   WebP, GIF, BMP, TIFF and AVIF are read
split              ``disjoint``: training, validation and test images are drawn without overlap;
                   ``as-published``: as the five posts do it, with overlap; ``given``: by folders,
                   which may be named: ``{ train = "a", validation = "b", test = "c" }``
                   (given where folders are called so, else disjoint)
test_size          a number of images, or a fraction of those drawn from (0.2; cats-vs-dogs 192);
                   of a given split only for what has no folder, drawn from the training images
validation_size    likewise (0.2; cats-vs-dogs: what ``test_size`` leaves of its second folder);
                   0: none, and epochs validate on the test images, which for cats-vs-dogs are then
                   its whole second folder; for studies in which validation selects nothing
train_size         likewise, to train on fewer images than are left (all)
split_seed         a whole number: one split for all seeds (each seed draws its own)
batch_size         images per step; the last step of an epoch takes what is left (32)
epochs             passes over the training images (10)
optimizer          ``adam``, ``sgd``, … (adam)
learning_rate      a number (the optimizer's own)
loss               ``sparse_categorical_crossentropy`` or ``binary_crossentropy`` (by output units)
backend            ``tensorflow``, ``jax`` or ``torch`` (tensorflow)
precision          what layers compute in: ``float32``, ``mixed_bfloat16`` or ``mixed_float16``,
                   this with Keras's loss scaling; weights, augmentation, scaling, logits, loss and
                   metrics are float32 in any case (float32)
augment            a list of random layers, active in training only (none)
scale              ``none``, ``0..1``, ``-1..1`` or ``standardise``; images are 0..255 (none)
base               a name from ``keras.applications``, or a list of layers (none)
weights            of the base: ``none``, ``imagenet``, a file, or ``pretrain:digits:0-4`` (none)
freeze             keep the base as it is (false)
unfreeze           of a frozen base: how many of its last layers, or ``all``, are trained in the
                   second half of the epochs, but for batch normalisations (none)
fine_tune_rate     the learning rate of that second half, whose optimizer begins anew (0.00001)
layers             the list of layers on top; the last one gives the logits (required)
build              ``module:function`` makes what ``base`` and ``layers`` would make (none)
build_*            settings of your own for that function
=================  ===========================================================================

The model is augment, scale, base, layers, in this order. A base of ``keras.applications`` with
weights brings the preprocessing that these were trained with, whatever ``scale`` is. Where another
order is wanted, a list of layers may hold augmentation, ``rescale`` and ``base`` itself; then the
model is what they say and nothing else. A layer is written
``word:value,...,name=value``; ``ablations.vision.recipe.words`` holds all words. A function
named by ``build`` is called as ``build(settings, image_shape, classes)``, with the names of the
classes, and returns a ``keras.Model`` that takes images after ``augment`` and ``scale``.

``unfreeze = 30`` is the Keras guide's transfer learning: the new layers are trained first, on the
frozen base, then they and the last 30 of ``base.layers`` with a low rate. Batch normalisations of
the base keep their statistics and factors. Numbers of trainable weights and operations are those of
the second half. A function named by ``build`` makes its layers under ``precision`` as Keras's
policy; it should give its last layer ``dtype="float32"``. A base that is pretrained here
(``pretrain:``) is pretrained in float32, as downloaded weights were.

Work that trials would repeat is done once; ``ablations.vision.platform.shortcuts`` names these
shortcuts.

Training loss and accuracy are running means over an epoch, with augmentation and dropout active;
validation and test are not augmented. ``fit_seconds`` includes compilation and validation,
``images_per_second`` is measured over the steps of all epochs but the first.

Planners find six functions beside ``train``: ``check_settings``, ``fingerprint_data``,
``identity``, ``joins_seeds``, ``notes`` and ``prepare_data``. None of them imports a framework, nor
does this module.
``describe`` shows what an arm trains on, ``train_together`` trains all of its seeds at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablations.core.design import Settings
    from ablations.core.study import Trial
    from ablations.core.trial_log import TrialLog
    from ablations.errors import DivergedError
    from ablations.vision.recipe.settings import Recipe

__all__ = [
    "check_settings",
    "describe",
    "fingerprint_data",
    "identity",
    "joins_seeds",
    "notes",
    "prepare_data",
    "train",
    "train_together",
]


def train(trial: Trial, log: TrialLog) -> None:
    """Trains one arm once and reports it: epochs, steps, metrics, predictions and tables.

    Raises:
        StudyError: if the settings are wrong or the model cannot be built.
        DataError: if the data or weights are missing or broken.
        DivergedError: if a loss is not finite.
    """
    recipe = _on_backend(trial.settings)
    from ablations.vision.training.trainer import train_recipe

    train_recipe(trial, recipe, log)


def joins_seeds(settings: Settings, gpus: int) -> bool:
    """Says whether the seeds of an arm train together: on JAX, where there is a GPU.

    Those of an arm that fine-tunes train one by one, as its two phases are two programs.
    """
    from ablations.vision.platform import shortcuts
    from ablations.vision.recipe.settings import read

    recipe = read(settings)
    joined = recipe.backend == "jax" and not recipe.fine_tunes
    return gpus > 0 and joined and shortcuts.on("seeds")


def train_together(
    trials: Sequence[Trial], logs: Sequence[TrialLog]
) -> Sequence[DivergedError | None]:
    """Trains all seeds of an arm as one program on JAX, and reports each through its own log.

    Returns:
        For each trial the error that ended it, or ``None``.

    Raises:
        StudyError: if the settings are wrong or the model cannot be built.
        DataError: if the data or weights are missing or broken.
    """
    recipe = _on_backend(trials[0].settings)
    from ablations.vision.training import together

    return together.train_together(trials, recipe, logs)


def describe(trial: Trial, log: TrialLog) -> None:
    """Shows what an arm trains on, without training it.

    Sample images are equal in all arms of a seed; augmented copies are shown where the arm
    augments, pixel values before and after where it rescales or standardises.

    Raises:
        StudyError: if the settings are wrong.
        DataError: if the data are missing or broken.
    """
    recipe = _on_backend(trial.settings)
    from ablations.vision.exhibits.previews import describe_recipe

    describe_recipe(trial, recipe, log)


def _on_backend(settings: Settings) -> Recipe:
    """Reads settings, and has Keras run on their backend."""
    from ablations.vision.platform.backend import use_backend
    from ablations.vision.recipe.settings import read

    recipe = read(settings)
    use_backend(recipe.backend)
    return recipe


def check_settings(settings: Settings) -> None:
    """Raises ``StudyError`` for the first setting that is unknown or wrong."""
    from ablations.vision.recipe.settings import read

    read(settings)


def fingerprint_data(settings: Settings, data_dir: str | None) -> str:
    """Returns the identity of the data's (and weight file's) content, wherever they lie.

    Raises:
        DataError: if a named folder or file is missing or is not what it should be.
    """
    from ablations.vision.data.fingerprint import fingerprint
    from ablations.vision.recipe.settings import read

    return fingerprint(read(settings), data_dir)


def notes(settings: Settings, data_dir: str | None) -> list[str]:
    """Returns what should be known before training: a given split, copies, emulated numbers.

    Raises:
        DataError: if two classes hold the same images.
        StudyError: if the model has too few outputs for the classes of a folder, or the split
            asks for more images than it has.
    """
    from ablations.vision.data.datasets import notes_on
    from ablations.vision.platform import processor
    from ablations.vision.recipe.settings import read

    recipe = read(settings)
    emulated = processor.emulates(recipe.precision)
    slow = [processor.emulation(recipe.precision)] if emulated else []
    return notes_on(recipe, data_dir) + slow


def identity(settings: Settings) -> Settings:
    """Returns those settings that decide what an arm computes.

    Left out are settings that the arm does not use. Images and weights in files count by their
    content, which the fingerprint of the data holds, and not by where they lie.
    """
    from ablations.vision.recipe.counted import counted

    return counted(settings)


def prepare_data(
    settings: Settings, data_dir: str | None, report: Callable[[int, int], None]
) -> None:
    """Downloads and checks the data and weights, so that workers find everything in place.

    Args:
        settings: Merged settings of an arm.
        data_dir: Folder of the extracted data, or ``None`` for the cache.
        report: Called with the bytes done and the bytes in all.

    Raises:
        StudyError: if the backend is not installed or cannot compute in the precision, or the
            split asks for more images than there are.
        DataError: if the data or weights cannot be had, or are broken.
    """
    from ablations.vision.recipe.settings import read
    from ablations.vision.training.prepare import prepare

    prepare(read(settings), data_dir, report)
