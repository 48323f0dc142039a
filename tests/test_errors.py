"""The one line that an error ends as."""

from __future__ import annotations

from ablations.errors import StudyError


def test_an_error_within_an_error_says_received_once() -> None:
    inner = ValueError("metric 'loss' must be a number. Received: None.")
    error = StudyError("a.jsonl, line 1, is no record", received=str(inner), cure="Correct it")
    assert str(error) == (
        "a.jsonl, line 1, is no record. Received: metric 'loss' must be a number, not None. Correct it."
    )
