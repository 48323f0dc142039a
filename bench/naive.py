"""One arm and seed of post-a-clean as a reader of the post would write it: plain Keras ``fit``.

Nothing of ``ablations`` is imported here. The pipeline, layers and calls are those of the post
``000_c3b9b93e19210ce7``; its layers are those of ``ablations/studies/post-a-clean.toml``.

    python bench/naive.py --data cats_and_dogs_filtered --epochs 20 --seed 0 --transfer --augment

prints one line of JSON: seconds of each epoch and of the whole, and the accuracies. With
``--arrays FILE`` the images come decoded from a file and are held in memory, which needs no
TensorFlow: Keras runs on what ``KERAS_BACKEND`` says.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

BEGAN = time.perf_counter()

import keras  # noqa: E402 - its import is part of what is timed
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

SIZE = (160, 160)
BATCH = 32


class EpochTimer(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)


def datasets(data: Path):
    """Training, validation and test data as in the post."""
    import tensorflow as tf

    train, validation = (
        keras.utils.image_dataset_from_directory(
            data / part, shuffle=True, batch_size=BATCH, image_size=SIZE, verbose=False
        )
        for part in ("train", "validation")
    )
    fifth = int(validation.cardinality()) // 5
    test, validation = validation.take(fifth), validation.skip(fifth)
    return [part.prefetch(tf.data.AUTOTUNE) for part in (train, validation, test)]


def arrays(file: Path):
    """The same parts as arrays in memory, each of images and labels."""
    stored = np.load(file)
    return [
        (stored[f"{part}_images"].astype("float32"), stored[f"{part}_labels"])
        for part in ("train", "validation", "test")
    ]


def model(arm: argparse.Namespace) -> keras.Model:
    inputs = outputs = keras.Input((*SIZE, 3))
    if arm.augment:
        outputs = layers.RandomRotation(0.3)(layers.RandomFlip()(outputs))
    if arm.transfer:
        base = keras.applications.MobileNetV2(
            input_shape=(*SIZE, 3), include_top=False, weights=arm.weights
        )
        base.trainable = False
        outputs = keras.applications.mobilenet_v2.preprocess_input(outputs)
        outputs = layers.GlobalMaxPooling2D()(base(outputs, training=False))
    else:
        if arm.preprocess:
            outputs = layers.Rescaling(1 / 127.5, offset=-1)(outputs)
        for filters in (16, 16, 16, 32):
            outputs = layers.Conv2D(filters, 3, activation="relu")(outputs)
            outputs = layers.MaxPooling2D()(outputs)
        outputs = layers.Dense(128, activation="relu")(layers.Flatten()(outputs))
    return keras.Model(inputs, layers.Dense(2)(layers.Dropout(0.1)(outputs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path)
    where.add_argument("--arrays", type=Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    for factor in ("augment", "preprocess", "transfer"):
        parser.add_argument(f"--{factor}", action="store_true")
    arm = parser.parse_args()
    keras.utils.set_random_seed(arm.seed)
    train, validation, test = datasets(arm.data) if arm.data else arrays(arm.arrays)
    trained = model(arm)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trained.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    timer = EpochTimer()
    told = {"verbose": 0, "callbacks": [timer], "validation_data": validation}
    if arm.data:
        history = trained.fit(train, epochs=arm.epochs, **told)
        _, accuracy = trained.evaluate(test, verbose=0)
    else:
        history = trained.fit(*train, batch_size=BATCH, epochs=arm.epochs, **told)
        _, accuracy = trained.evaluate(*test, verbose=0)
    said = {
        "epoch_seconds": timer.seconds,
        "seconds": time.perf_counter() - BEGAN,
        "val_accuracy": history.history["val_accuracy"],
        "test_accuracy": accuracy,
    }
    json.dump(said, sys.stdout)
    print()


if __name__ == "__main__":
    main()
