from __future__ import annotations

import os
import time

import pytest

from ablations.vision.platform import cache as caching


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


def test_what_was_used_longest_ago_is_removed_first(cache):
    for age, name in ((5000, "new"), (9000, "old"), (7000, "middle"), (0, "in use")):
        path = cache / "features" / name
        path.mkdir(parents=True)
        (path / "00000.npy").write_bytes(bytes(100))
        os.utime(path, (time.time() - age,) * 2)
    caching.prune("features", limit_bytes=250)
    assert sorted(p.name for p in (cache / "features").iterdir()) == ["in use", "new"]
    caching.prune("features", limit_bytes=0)
    assert [p.name for p in (cache / "features").iterdir()] == ["in use"]
    caching.prune("nothing", limit_bytes=0)


def test_a_folder_appears_whole_and_the_first_one_stays(tmp_path):
    target = tmp_path / "kept" / "folder"
    caching.publish_folder(target, lambda beside: caching.publish_text(beside / "file", "first"))
    caching.publish_folder(target, lambda beside: caching.publish_text(beside / "file", "second"))
    assert (target / "file").read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == ["folder"]
