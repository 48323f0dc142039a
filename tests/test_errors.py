"""The one line that an error ends as."""

from __future__ import annotations

from ablations.errors import StudyError


def test_an_error_within_an_error_says_received_once() -> None:
    inner = ValueError("metric 'loss' must be a number. Received: None.")
    error = StudyError("a.jsonl, line 1, is no record", received=str(inner), cure="Correct it")
    assert str(error) == (
        "a.jsonl, line 1, is no record. Received: metric 'loss' must be a number, not None. Correct it."
    )


def test_the_cure_of_an_inner_error_follows_what_it_received() -> None:
    inner = ValueError("no metric was logged. Received: nothing. Log one.")
    error = StudyError("the first trial failed", received=str(inner), cure="Mend it")
    assert str(error) == (
        "the first trial failed. Received: no metric was logged (nothing). Log one. Mend it."
    )
