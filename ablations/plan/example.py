"""The study file that ``ablations init`` writes."""

from __future__ import annotations

from pathlib import Path

from ablations.errors import StudyError

_EXAMPLE = """\
# A study: which parts of a training recipe help? See it with `ablations plan`,
# train it with `ablations run`. Issue `run` again after a stop: it trains only what is missing.

title = "Does augmentation pay, and does dropout?"
question = "Which of the two raises test accuracy on small pictures of digits, and by how much?"

[trial]
run = "ablations.vision:train"    # or "your_module:your_function", taking (trial, log)
timeout_seconds = 600             # a trial that takes longer is stopped and counted as failed
# memory_gib = 4                  # and so is one that holds more memory
# threads = 2                     # of each trial, whatever runs beside it; else 1

[trial.settings]                  # shared by all arms; --set epochs=2 overrides one of them
dataset = "digits"                # or "cats-vs-dogs", or "directory:PATH" with a folder a class
scale = "0..1"                    # images hold grey levels 0 to 255 otherwise
train_size = 500
epochs = 20

[factors.augmentation]            # a factor and its levels; the first level is the baseline
off = {}
on = { augment = ["rotation:0.03"] }

[factors.dropout]
off = { layers = ["conv:16", "pool", "flatten", "dense:64", "dense:10"] }
on = { layers = ["conv:16", "pool", "flatten", "dense:64", "dropout:0.3", "dense:10"] }

[design]
kind = "full-factorial"           # or fractional, screening, one-factor-out, one-factor-in, arms
seeds = 3                         # or { at_least = 3, at_most = 30, until = "decided" }

[analysis]
metric = "test_accuracy"
smallest_effect_that_matters = 0.01   # effects within one percentage point count as equivalent

[[gates]]                         # `ablations gate` turns these into an exit code for CI
metric = "test_accuracy"
at_least = 0.85
judge = "lower"                   # lower bound of the 95% interval; or mean, or every-seed
"""


def write_example(path: Path) -> None:
    """Writes the example.

    Raises:
        StudyError: if the file exists already or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_EXAMPLE)
    except OSError as error:
        raise StudyError(
            "the study file cannot be written",
            received=f"{path}: {error.strerror}",
            cure="Name another path: ablations init PATH",
        ) from error
