"""Scores trained networks on all held-out photographs, from the predictions that they left.

A trial of ``cats-vs-dogs`` whose epochs are fixed trains the same network whichever of the 1,000
held-out photographs are called test images. Its record holds the predictions for all of them: those
of its validation and of its test images. This script writes the record that the trial has with
``validation_size = 0``, which makes all of them test images: predictions in the order of the
images, accuracy and loss from these, and how many images each class has. What cannot be had from
predictions stays as it was measured: times, and the validation curves, which are those of 808
images (``test_in_any_validation`` is 0.808). The environment says so.

    python bench/rescore.py STUDY RECORDS.jsonl -o NEW.jsonl --data-dir DIR
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ablations.core import metrics
from ablations.core.record import Exhibit, Predictions, RunRecord, Table, known_metric
from ablations.core.study import Trial
from ablations.plan import load_study, plan_trials
from ablations.records.exports import write_jsonl
from ablations.records.readers.jsonl import read_jsonl
from ablations.vision.data.splits import Pool, draw
from ablations.vision.recipe.counted import counted
from ablations.vision.recipe.settings import read

POOL = Pool(3000, 1000)
"""The photographs of ``cats-vs-dogs``, and how many of them are held out."""


def held_out(record: RunRecord) -> Predictions:
    """Returns the predictions for all held-out images, in the order of the images."""
    split = draw(read(record.settings), POOL, seed=record.seed)
    parts = {own.split: own for own in record.predictions}
    both = (parts["validation"], parts["test"])
    rows = np.concatenate([split.validation, split.test])
    order = np.argsort(rows)
    labels = np.concatenate([own.labels for own in both])[order]
    probabilities = np.concatenate([own.probabilities for own in both])[order]
    named = np.stack([rows[order], labels]).astype("<i8")  # as ``Part.examples`` names them
    examples = hashlib.sha256(named.tobytes()).hexdigest()[:16]
    return Predictions("test", labels, probabilities, examples)


def scored(predictions: Predictions) -> dict[str, float]:
    """Returns the metrics that follow from the predictions."""
    labels, probabilities = predictions.labels, predictions.probabilities.astype(np.float64)
    own = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    return {
        metrics.TEST_ACCURACY: float(np.mean(probabilities.argmax(axis=1) == labels)),
        metrics.TEST_LOSS: float(-np.log(own).mean()),
        metrics.MAJORITY_ACCURACY: 0.5,  # as many photographs of cats as of dogs
    }


def recounted(exhibit: Exhibit) -> Exhibit:
    """Returns the images per class with all held-out images as test images."""
    if exhibit.name != "label-counts" or exhibit.table is None:
        return exhibit
    rows = tuple(
        (name, training, validation, int(validation) + int(test))
        for name, training, validation, test in exhibit.table.rows
    )
    return replace(exhibit, table=Table(exhibit.table.columns, rows))


def rescored(record: RunRecord, planned: Mapping[tuple[str, int], Trial]) -> RunRecord | None:
    """Returns the record of the planned trial that trains this one's network, if there is one."""
    trial = planned.get((identity({**record.settings, "validation_size": 0}), record.seed))
    if trial is None or not record.completed:
        return None
    predictions = held_out(record)
    seen = sum(own.split == "validation" for own in record.predictions) and 808 / 1000
    values = {**scored(predictions), metrics.TEST_IN_ANY_VALIDATION: seen}
    kept = [metric for metric in record.metrics if metric.name not in values]
    return replace(
        record,
        key=trial.key,
        arm=trial.arm,
        settings=trial.settings,
        predictions=(predictions,),
        exhibits=tuple(map(recounted, record.exhibits)),
        metrics=(*kept, *(known_metric(name, value) for name, value in values.items())),
        environment={
            **record.environment,
            "scored": "later on all held-out images, from the recorded predictions",
        },
    )


def identity(settings: Mapping[str, Any]) -> str:
    """Returns the settings that decide what is trained, as text."""
    return repr(sorted(counted(settings).items(), key=lambda pair: pair[0]))


def main() -> None:
    """Reads, scores and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("records", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    trials = plan_trials(load_study(options.study), data_dir=options.data_dir)
    planned = {(identity(trial.settings), trial.seed): trial for trial in trials}
    found = (rescored(record, planned) for record in read_jsonl(options.records))
    records = [record for record in found if record is not None]
    write_jsonl(records, options.output)
    print(f"{len(records)} of {len(planned)} trials of {options.study}")


if __name__ == "__main__":
    main()
