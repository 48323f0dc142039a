"""Lets Keras's ``CSVLogger`` write the trials of ``made.py``: python with_keras.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import keras

sys.path.insert(0, str(Path(__file__).parents[1]))
from made import made_trials


def main(folder: str) -> None:
    for own in made_trials():
        path = Path(folder) / own.folder / "training.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        logger = keras.callbacks.CSVLogger(str(path))
        logger.set_model(keras.Sequential())
        logger.on_train_begin()
        for epoch, values in enumerate(own.epochs):
            logs = {**values, "test_accuracy": own.test_accuracy}
            logger.on_epoch_end(epoch, logs)
        logger.on_train_end()


if __name__ == "__main__":
    main(sys.argv[1])
