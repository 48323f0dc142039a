"""A card says what a history found last, though the newest commit is like the one before."""

from __future__ import annotations

from collections.abc import Callable

from ablations.report.site.cards import index
from ablations.report.site.contents import Site, SiteStudy, StudyHistory


def page(history: StudyHistory) -> str:
    (text,) = index(Site([SiteStudy("a", None, history)])).values()
    assert isinstance(text, str)
    return text


def test_a_card_names_the_last_change_of_its_history(past: Callable[..., StudyHistory]):
    lasting = page(past((0.0,) * 6 + (-0.04,) * 4))
    assert "10 commits, ▼\u00a0regressed 7 November 2026" in lasting
    assert "1\u00a0regressed" not in lasting  # the newest commit is equivalent to the one before
    assert "12 commits, ▲\u00a0improved 10 November 2026" in page(past())
    assert "<span>8 commits</span>" in page(past((0.0,) * 8))
