"""Writes the trials of ``made.py`` as event files by TensorFlow and Keras's way of tensors.

Called as python with_tensorboard.py FOLDER; needs TensorFlow, which writes for TensorBoard.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parents[1]))
from made import made_trials


def main(folder: str) -> None:
    for own in made_trials():
        run = Path(folder) / own.folder
        for part, name, key in (
            ("train", "epoch_loss", "loss"), ("validation", "epoch_accuracy", "val_accuracy"),
        ):  # fmt: skip
            with tf.summary.create_file_writer(str(run / part)).as_default():
                for epoch, values in enumerate(own.epochs):
                    tf.summary.scalar(name, tf.constant(values[key], tf.float64), step=epoch)
        with tf.summary.create_file_writer(str(run)).as_default():
            tf.summary.scalar("test_accuracy", tf.constant(own.test_accuracy, tf.float64), step=0)


if __name__ == "__main__":
    main(sys.argv[1])
