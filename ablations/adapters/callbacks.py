"""Callbacks for the ``Trainer`` of a training function of yours: `lightning`, `transformers`."""

from __future__ import annotations

from typing import Any

from ablations.adapters.reporting import require_installed
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog


def lightning(trial: Trial, log: TrialLog) -> Any:
    """Returns a callback for a ``lightning.Trainer``, and seeds what draws the first weights.

    Make it before the model, and give it to the ``Trainer`` in ``callbacks``. It logs the time of
    each step and what the module logs of each epoch. ``trainer.test`` then reports the test, for
    which ``test_step`` returns ``{"logits": …, "labels": …}``, or ``probabilities`` for ``logits``.

    Args:
        trial: Its seed gives the first weights, the order of the examples and dropout.
        log: Where to report.

    Raises:
        StudyError: if Lightning is missing.
    """
    require_installed("lightning", "lightning")
    from ablations.adapters.lightning_callback import TrialCallback

    return TrialCallback(trial, log)


def transformers(trial: Trial, log: TrialLog) -> Any:
    """Returns a callback for a Hugging Face ``Trainer``, and seeds what draws the first weights.

    Make it before the model, and give it to the ``Trainer`` in ``callbacks``. Its ``seeds`` belong
    into the arguments: ``TrainingArguments(…, **callback.seeds)``. It logs the time of each step
    and the results of each epoch; ``callback.test(trainer.predict(dataset))`` reports the test.

    Args:
        trial: Its seed gives the first weights, the order of the examples and dropout.
        log: Where to report.

    Raises:
        StudyError: if transformers is missing.
    """
    require_installed("transformers", "transformers")
    from ablations.adapters.hugging_face import TrialCallback

    return TrialCallback(trial, log)
