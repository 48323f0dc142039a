"""The picture beside a link: its size, its words, and equal bytes for equal words."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ablations.report.figures.theme import LIGHT
from ablations.report.site.contents import Site, SiteStudy, StudyHistory
from ablations.report.site.previews import Words, drawn, site_preview, study_preview, words_of

WORDS = Words("A title", "A question?", "An answer.", "20 November 2026")


def pixels(words: Words) -> np.ndarray:
    image = Image.open(io.BytesIO(drawn(words)))
    assert (image.format, image.size) == ("PNG", (1200, 630))
    return np.asarray(image.convert("RGB")).astype(int)


def test_equal_words_give_equal_bytes_and_other_words_others():
    assert drawn(WORDS) == drawn(replace(WORDS))
    pictures = [drawn(replace(WORDS, **{name: "x"})) for name in ("title", "question", "answer", "foot")]  # fmt: skip
    assert len({*pictures, drawn(WORDS)}) == 5
    assert all(len(own) < 60_000 for own in pictures)


@pytest.mark.parametrize("length", [1, 40, 4000])
def test_words_of_any_length_stay_within_the_picture(length: int):
    blank = pixels(Words("", "", "", ""))
    for piece in ("word ", "W", "é\x00\n"):
        text = piece * length
        changed = (pixels(Words(text, text, text, text)) != blank).any(axis=2)
        assert changed.any()
        assert not changed[:, :80].any()
        assert not changed[:, 1160:].any()
        assert not changed[:40].any()
        assert not changed[600:].any()


@pytest.mark.parametrize(("status", "colour"), [("failed", "vermillion"), ("regressed", "vermillion"), ("passed", "green"), ("", "blue"), ("inconclusive", "blue")])  # fmt: skip
def test_the_edge_has_the_colour_of_the_verdict(status: str, colour: str):
    shown = pixels(replace(WORDS, status=status))[300, 10]
    assert "#" + "".join(f"{own:02x}" for own in shown) == LIGHT[colour]


def test_a_study_says_its_answer_and_its_verdict(site: Site, past: Callable[..., StudyHistory]):
    words = words_of(site.studies[1])
    assert words.title == "Another"
    assert words.foot.startswith("✗\u00a01\u00a0failed · ")
    assert words.status == "failed"
    assert words.alt.startswith("Another. Do augmentation, preprocessing and transfer each help? ")
    alone = words_of(SiteStudy("a", None, past((0.0,) * 6 + (-0.04,))))
    assert "brought to light: baseline: test accuracy ▼\u00a0regressed" in alone.answer
    assert alone.status == "regressed"
    assert set(study_preview(site.studies[1], None)) == {"deep/other/preview.png"}
    assert set(site_preview(site)) == set(site_preview(Site([]))) == {"preview.png"}
