"""One arm and seed of a post as its reader would write it: plain Keras ``fit``.

Nothing of ``ablations`` is imported here. The pipeline and calls are those of the posts; the layers
are named by the words of ``ablations/studies/post-*.toml``.

    python bench/naive.py --data cats_and_dogs_filtered flip rotation:0.3 rescale:-1..1 base \\
        globalpool:max dropout:0.1 dense:2

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


def pair(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(".."))


MAKE = {
    "flip": lambda mode="horizontal_and_vertical": layers.RandomFlip(mode),
    "rotation": lambda by: layers.RandomRotation(pair(by) if ".." in by else float(by)),
    "rescale": lambda to: layers.Rescaling((pair(to)[1] - pair(to)[0]) / 255, offset=pair(to)[0]),
    "conv": lambda filters, padding="valid": layers.Conv2D(
        int(filters), 3, activation="relu", padding=padding
    ),
    "pool": layers.MaxPooling2D,
    "globalpool": {"max": layers.GlobalMaxPooling2D, "avg": layers.GlobalAveragePooling2D},
    "flatten": layers.Flatten,
    "dense": lambda units, activation: layers.Dense(int(units), activation=activation),
    "dropout": lambda rate: layers.Dropout(float(rate)),
}
"""Each word of a post's layers as the Keras layer that a reader writes."""


def layer(word: str, *, last: bool) -> keras.Layer:
    name, _, values = word.partition(":")
    given = [value for value in values.split(",") if value]
    named = dict(value.split("=") for value in given if "=" in value)
    given = [value for value in given if "=" not in value]
    if name == "globalpool":
        return MAKE[name][given[0]]()
    if name == "dense":
        named.setdefault("activation", "linear" if last else "relu")
    return MAKE[name](*given, **named)


def model(arm: argparse.Namespace) -> keras.Model:
    inputs = outputs = keras.Input((*SIZE, 3))
    for word in arm.layers:
        if word == "base":
            base = keras.applications.MobileNetV2(
                input_shape=(*SIZE, 3), include_top=False, weights=arm.weights
            )
            base.trainable = False
            outputs = base(outputs, training=False)
        else:
            outputs = layer(word, last=word is arm.layers[-1])(outputs)
    return keras.Model(inputs, outputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layers", nargs="+", help="words, such as conv:16 pool flatten dense:2")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path)
    where.add_argument("--arrays", type=Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.001)
    arm = parser.parse_args()
    keras.utils.set_random_seed(arm.seed)
    train, validation, test = datasets(arm.data) if arm.data else arrays(arm.arrays)
    trained = model(arm)
    one = trained.output_shape[-1] == 1
    kind = keras.losses.BinaryCrossentropy if one else keras.losses.SparseCategoricalCrossentropy
    optimizer = keras.optimizers.Adam(arm.rate)
    trained.compile(optimizer=optimizer, loss=kind(from_logits=True), metrics=["accuracy"])
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
