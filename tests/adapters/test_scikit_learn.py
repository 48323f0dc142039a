"""A classifier of scikit-learn goes from `make_study` to findings through its adapter."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import ablations
from ablations.adapters import sklearn
from ablations.errors import StudyError
from ablations.report.sections.noise import noise

from .conftest import metrics_of, points, rows, trial_of


def spoilt() -> tuple[np.ndarray, np.ndarray]:
    """Points of which some labels are wrong, so that models err."""
    inputs, labels = points()
    return inputs, np.where(np.arange(len(labels)) % 5 == 0, 0, labels)


def study_of(estimator, levels, data, **keys):
    return ablations.make_study(
        title="Does it help?",
        factors={"it": levels},
        train=sklearn(estimator, data),
        seeds=3,
        **keys,
    )


def test_settings_are_the_parameters_of_a_pipeline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    levels = {"weak": {"logisticregression__C": 1.0}, "strong": {"logisticregression__C": 1e-4}}
    study = study_of(pipeline, levels, spoilt())
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # all of it can be read, so that the name says all
        again = study_of(pipeline, levels, spoilt())
    assert study.entry == again.entry
    assert study.entry != study_of(pipeline, levels, points()).entry
    findings = ablations.run(study, jobs=0)
    assert findings.n_completed == 6
    records = ablations.read_records(study)
    assert all(record.predictions[0].examples for record in records)
    by_seed = {}
    for record in records:
        by_seed.setdefault(record.seed, set()).add(record.predictions[0].examples)
    assert [len(own) for own in by_seed.values()] == [1, 1, 1]
    assert len(set.union(*by_seed.values())) == 3
    assert noise(findings) is not None


def test_it_trains_in_worker_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    levels = {"few": {"n_estimators": 1}, "many": {"n_estimators": 20}}
    study = study_of(RandomForestClassifier(), levels, spoilt())
    inline = ablations.run_study(study, jobs=0, runs_dir="inline")
    workers = ablations.run_study(study, jobs=1)
    assert len({own.key for own in inline}) == 6
    outputs = {record.key: record.predictions[0].probabilities for record in inline}
    assert all(np.array_equal(outputs[r.key], r.predictions[0].probabilities) for r in workers)


def test_the_seed_is_that_of_every_random_state(log):
    seen = []

    class Kept(SGDClassifier):
        def fit(self, inputs, labels):
            seen.append((self.random_state, rows(inputs)))
            return super().fit(inputs, labels)

    for estimator in (Kept(random_state=1), lambda trial: Kept(loss="log_loss")):
        for seed, arm in ((0, "off"), (0, "on"), (1, "off")):
            sklearn(estimator, points())(trial_of(seed, arm), log)
    assert seen[0] == seen[1] == seen[3]
    assert seen[0][0] not in (seen[2][0], 1)
    sklearn(Kept(), points())(trial_of(random_state=7), log)
    assert seen[-1][0] == 7


def test_words_tables_and_classifiers_without_probabilities(log):
    inputs, labels = points()
    words = np.array(["ant", "bee", "cat"])[labels]
    frame = pd.DataFrame(inputs, columns=list("abcd"))
    sklearn(LinearSVC(), (frame, pd.Series(words, index=np.arange(120) + 7)))(trial_of(), log)
    found = log.contents().predictions[0]
    assert set(found.probabilities.ravel()) == {0.0, 1.0}
    assert "test_loss" not in metrics_of(log)
    right = (found.probabilities.argmax(1) == found.labels).mean()
    assert metrics_of(log)["test_accuracy"] == right > 0.9


def test_a_class_that_only_the_test_has_gets_no_probability(log):
    inputs, labels = points()
    first = labels < 2
    data = {
        "train": (inputs[first], labels[first] * 2),
        "test": (inputs, np.array([0, 2, 1])[labels]),
    }
    sklearn(LogisticRegression(), data)(trial_of(), log)
    found = log.contents().predictions[0].probabilities
    assert found.shape == (120, 3)
    assert not found[:, 1].any()
    assert metrics_of(log)["test_accuracy"] == pytest.approx(2 / 3, abs=0.02)
    assert metrics_of(log)["majority_accuracy"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("estimator", "settings", "text"),
    [
        (LogisticRegression(), {"c": 1}, "setting 'c' is no parameter of LogisticRegression. Received: "
         "c=1. Did you mean 'C'? Name one of estimator.get_params(), or give a function of the trial."),
        (LinearRegression(), {}, "LinearRegression is no classifier. Received: an estimator without "
         "classes_. Give a classifier, or report a metric with log.metric in a function of your own."),
        (lambda trial: "svm", {}, "the function returns no estimator. Received: str. Return for example "
         "LogisticRegression()."),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_one_line(log, estimator, settings, text):
    with pytest.raises(StudyError) as caught:
        sklearn(estimator, points())(trial_of(**settings), log)
    assert str(caught.value) == text


def test_a_class_in_place_of_an_estimator_is_said_at_once():
    with pytest.raises(StudyError) as caught:
        sklearn(LogisticRegression, points())
    assert str(caught.value) == (
        "ablations.adapters.sklearn: this is neither an estimator nor a function. Received: "
        "LogisticRegression. Give an object such as LogisticRegression(), or a function of the trial."
    )
    sklearn(LogisticRegression(), points())  # the cure


def test_a_missing_library_is_said_at_once(monkeypatch):
    from ablations.adapters import reporting

    monkeypatch.setattr(reporting, "find_spec", lambda name: None)
    with pytest.raises(StudyError) as caught:
        sklearn(LogisticRegression(), points())
    assert str(caught.value) == (
        "ablations.adapters.sklearn cannot be used. Received: no package 'scikit-learn'. "
        "Install it: python -m pip install scikit-learn."
    )
