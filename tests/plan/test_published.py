from __future__ import annotations

import json

import pytest

from ablations.errors import StudyError
from ablations.plan import load_study

RUN = {"source": "post.txt", "epochs": {"val_accuracy": [0.5, 0.6]}, "step_seconds": [0.1, 0.2]}
ENTRY = {"runs": {"one": {"a": "off", "b": "off"}}, "claims": []}


@pytest.fixture
def write(edit):
    path = edit("question =", 'published = "p.json"\nquestion =')

    def published(**changes):
        content = {"runs": {"one": RUN}, "studies": {"small": ENTRY}} | changes
        path.with_name("p.json").write_text(json.dumps(content))
        return path

    return published


def test_published_runs_find_their_arms(write):
    (run,) = load_study(write()).published
    assert run.where == {"a": "off", "b": "off"}
    assert run.epochs["val_accuracy"] == (0.5, 0.6)
    assert run.test_accuracy is None


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"studies": {"other": ENTRY}},
            "small.toml: p.json has nothing about this study. Received: small. Its studies are other.",
        ),
        (
            {"studies": {"small": {"runs": {"two": {}}}}},
            "small.toml: published run 'two' is not there. Received: two. Runs are one.",
        ),
        (
            {"studies": {"small": {"runs": {"one": {"a": "off"}}}}},
            "small.toml: published run 'one' must match one arm. Received: {'a': 'off'}. Name a "
            "level of each factor.",
        ),
        (
            {
                "studies": {
                    "small": {
                        "claims": [{"factor": "a", "level": "x", "before": "one", "after": "one"}]
                    }
                }
            },
            "small.toml: a published claim names no level of a factor. Received: a = x. Factors and "
            "levels are {'a': ['off', 'on'], 'b': ['off', 'on']}.",
        ),
        (
            {
                "studies": {
                    "small": {
                        "claims": [{"factor": "a", "level": "on", "before": "one", "after": "one"}]
                    }
                }
            },
            "small.toml: the published claim of 'a' must say at which levels of the other factors "
            "both of its runs stood. Received: given = {}. Name a level of each of "
            "{'b': ['off', 'on']} in 'given'.",
        ),
        (
            {"runs": {"one": RUN | {"sauce": 1}}},
            "small.toml: p.json: unknown key 'runs.one.sauce'. Received: 1. Did you mean 'source'? "
            "Known here are source, settings, epochs, step_seconds, test_accuracy.",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(write, changes, text):
    with pytest.raises(StudyError) as caught:
        load_study(write(**changes))
    assert str(caught.value) == text


def test_a_missing_file_is_one_line(edit):
    with pytest.raises(StudyError) as caught:
        load_study(edit("question =", 'published = "none.json"\nquestion ='))
    assert str(caught.value) == (
        "small.toml: 'published' names a file that cannot be read. Received: none.json: No such "
        "file or directory. Put it beside the study file."
    )


def test_the_levels_of_a_claim_are_taken_as_the_cure_names_them(write):
    claim = {"factor": "a", "level": "on", "before": "one", "after": "one", "given": {"b": "off"}}
    study = load_study(write(studies={"small": {"claims": [claim]}}))
    before, after = study.claimed_arms(study.claims[0])
    assert (before.name, after.name) == ("a=off, b=off", "a=on, b=off")


@pytest.mark.parametrize("name", ["../p.json", "/etc/passwd", "", "..", "a\\u0000b"])
def test_published_numbers_stand_beside_the_study(edit, name):
    with pytest.raises(StudyError, match="must be the name of a file beside the study file"):
        load_study(edit("question =", f'published = "{name}"\nquestion ='))


def test_an_incomplete_file_of_published_numbers_is_not_sent_to_the_study_example(edit, tmp_path):
    (tmp_path / "p.json").write_text("{}")
    with pytest.raises(StudyError, match=r"p\.json: 'runs' is missing.*Add it") as caught:
        load_study(edit("question =", 'published = "p.json"\nquestion ='))
    assert "init" not in str(caught.value)
