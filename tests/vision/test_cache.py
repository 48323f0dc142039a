from __future__ import annotations

import pytest

from ablations.vision import cache as caching


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        caching.publish(tmp_path / "folder" / "file", fail)
    assert list((tmp_path / "folder").iterdir()) == []
    caching.publish(tmp_path / "folder" / "file", lambda path: path.write_text("whole"))
    assert (tmp_path / "folder" / "file").read_text() == "whole"


def test_what_was_computed_for_the_same_facts_is_remembered():
    answers = iter(["first", "second"])
    said = [caching.remembered("digests", facts, lambda: next(answers)) for facts in "aab"]
    assert said == ["first", "first", "second"]


def test_the_system_provides_a_folder_unless_one_is_chosen(monkeypatch, cache):
    assert caching.folder() == cache
    monkeypatch.delenv("ABLATIONS_CACHE")
    assert caching.folder().name == "ablations"
