"""Fits a classifier of scikit-learn, or of a library with the same interface: `sklearn`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.adapters.parts import TEST, TRAIN, Data, Part, Size, load
from ablations.adapters.reporting import (
    log_majority,
    log_test,
    require_installed,
    seed_of,
    seed_python,
)
from ablations.core import metrics
from ablations.core.study import Trial
from ablations.core.trial_log import TrialLog
from ablations.entry import Train
from ablations.errors import StudyError, meant

_SEED = "random_state"


def sklearn(estimator: Any | Callable[[Trial], Any], data: Data, *, test: Size = 0.2) -> Train:
    """Returns a training function that fits a classifier.

    The trial's seed draws the split, and takes the place of every ``random_state`` that is a number
    or ``None``, unless the study sets it.

    Args:
        estimator: A classifier or pipeline, of which each trial takes a copy with the trial's
            settings as its parameters (``logisticregression__C``); or a function of the trial that
            returns one.
        data: ``(inputs, labels)``, to be split; or a mapping of such pairs by ``train`` and
            ``test``; or a function of the trial that returns either.
        test: The share of the examples below 1, or the number, that the test takes.

    Raises:
        StudyError: if scikit-learn is missing, or this is no estimator.
    """
    require_installed("sklearn", "sklearn")
    ready = hasattr(estimator, "get_params") and not isinstance(estimator, type)
    if not ready and (isinstance(estimator, type) or not callable(estimator)):
        raise StudyError(
            "ablations.adapters.sklearn: this is neither an estimator nor a function",
            received=getattr(estimator, "__name__", type(estimator).__name__),
            cure="Give an object such as LogisticRegression(), or a function of the trial",
        )

    def train(trial: Trial, log: TrialLog) -> None:
        seed = seed_of(trial, "initialization")
        seed_python(seed)
        own = _with_settings(estimator, trial) if ready else estimator(trial)
        _require_estimator(own)
        _seed(own, seed, trial)
        _fit_and_test(own, load(data, trial, test=test, validation=0), log)

    return train


def _with_settings(estimator: Any, trial: Trial) -> Any:
    """Returns a copy of an estimator with the settings as its parameters."""
    from sklearn.base import clone

    own = clone(estimator)
    known = own.get_params()
    for name, value in trial.settings.items():
        if name not in known:
            raise StudyError(
                f"setting '{name}' is no parameter of {type(own).__name__}",
                received=f"{name}={value!r}",
                cure=f"{meant(name, known)}Name one of estimator.get_params(), or give a function "
                "of the trial",
            )
        own.set_params(**{name: value})
        known = own.get_params()  # another step of a pipeline has other parameters
    return own


def _require_estimator(found: Any) -> None:
    if not hasattr(found, "get_params") or isinstance(found, type):
        raise StudyError(
            "the function returns no estimator",
            received=getattr(found, "__name__", type(found).__name__),
            cure="Return for example LogisticRegression()",
        )


def _seed(estimator: Any, seed: int, trial: Trial) -> None:
    """Sets every ``random_state`` within an estimator."""
    given = {
        name: seed
        for name, value in estimator.get_params().items()
        if (name == _SEED or name.endswith(f"__{_SEED}"))
        and name not in trial.settings
        and (value is None or isinstance(value, int))
    }
    if given:
        estimator.set_params(**given)


def _fit_and_test(estimator: Any, parts: dict[str, Part], log: TrialLog) -> None:
    import sklearn

    train, test = parts[TRAIN], parts[TEST]
    began = time.perf_counter()
    estimator.fit(train.inputs, train.numbers)
    log.known(metrics.FIT_SECONDS, time.perf_counter() - began)
    known = getattr(estimator, "classes_", None)
    if known is None:
        raise StudyError(
            f"{type(estimator).__name__} is no classifier",
            received="an estimator without classes_",
            cure="Give a classifier, or report a metric with log.metric in a function of your own",
        )
    names = np.unique(np.concatenate([train.numbers, test.numbers]))
    outputs = _probabilities(estimator, np.asarray(known), test.inputs, names)
    labels, loss = np.searchsorted(names, test.numbers), hasattr(estimator, "predict_proba")
    log_test(log, labels, outputs, examples=test.examples, loss=loss)
    log_majority(log, train.numbers, test.numbers)
    log.environment(**{"scikit-learn": sklearn.__version__})


def _probabilities(
    estimator: Any, known: NDArray[Any], inputs: Any, names: NDArray[Any]
) -> NDArray[np.float64]:
    """Returns the probabilities of all classes; 0 or 1 from an estimator that only names one.

    A class that the training examples lack has none.
    """
    found = np.zeros((inputs.shape[0], len(names)))
    if hasattr(estimator, "predict_proba"):
        found[:, np.searchsorted(names, known)] = estimator.predict_proba(inputs)
    else:
        named = np.searchsorted(names, estimator.predict(inputs))
        found[np.arange(len(named)), named] = 1
    return found
