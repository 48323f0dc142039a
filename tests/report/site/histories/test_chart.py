"""A chart over commits: where points lie, what breaks a line, and that its text is only text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from ablations.core.estimates import Interval
from ablations.core.past import Commit, Level, SeriesFinding
from ablations.report.site.contents import StudyHistory
from ablations.report.site.histories.chart import drawn, spark, thumbnail

Past = Callable[..., StudyHistory]
NUMBER = r"-?[\d.]+"


@pytest.fixture
def series(past: Past) -> Callable[..., SeriesFinding]:
    """Makes a series of these means, without changes unless some are given."""
    like = past((0.0, 0.0)).found.series[0]

    def made(means: Sequence[float | None], half: float | None = None, **given) -> SeriesFinding:
        levels = tuple(
            Level(
                Commit(f"{place:040x}", "2026-11-20T00:00:00+00:00"), mean, 5,
                Interval(mean - half, mean + half, 0.95, "t")
                if half is not None and mean is not None else None,
            )
            for place, mean in enumerate(means)
        )  # fmt: skip
        plain = {"changes": (), "before": None, "margin": 0.01}
        return replace(like, levels=levels, **{**plain, **given})

    return made


def lines(svg: str) -> list[list[tuple[float, float]]]:
    """Returns the points of each line through means."""
    paths = re.findall(r'<path d="(M[^"]+)" stroke="var\(--blue\)" stroke-width="1.4"', svg)
    points = [re.findall(rf"({NUMBER}) ({NUMBER})", path) for path in paths]
    return [[(float(x), float(y)) for x, y in own] for own in points]


def test_points_lie_at_their_values_on_the_axis(series: Callable[..., SeriesFinding]) -> None:
    wide, narrow = drawn(series([0.80, 0.82, 0.81]), alt="x")
    for svg in (wide, narrow):
        (points,) = lines(svg)
        ticks = {
            words: float(y) - 4
            for y, words in re.findall(rf'y="({NUMBER})" text-anchor="end"[^>]*>([^<]+%)<', svg)
        }
        assert ticks["80.0%"] == pytest.approx(points[0][1], abs=0.11)
        assert ticks["82.0%"] == pytest.approx(points[1][1], abs=0.11)
        assert points[1][1] < points[2][1] < points[0][1]  # up is more
        assert points[1][0] == pytest.approx((points[0][0] + points[2][0]) / 2, abs=0.11)


def test_a_commit_without_the_metric_breaks_the_line(series: Callable[..., SeriesFinding]) -> None:
    own = series([0.8, 0.8, None, 0.8, None, 0.8, 0.8], half=0.01)
    wide, _ = drawn(own, alt="x")
    assert [len(points) for points in lines(wide)] == [2, 2]
    assert wide.count("h0") == 2 * 5  # each has its dot and mark, also the one that is alone


def test_the_margin_lies_around_the_mean_since_the_last_change(
    series: Callable[..., SeriesFinding],
) -> None:
    own = series([0.80, 0.82], before=0.81, margin=0.01)
    (x, y, width, height) = re.search(
        rf'<rect x="({NUMBER})" y="({NUMBER})" width="({NUMBER})" height="({NUMBER})" '
        r'fill="var\(--green\)"',
        drawn(own, alt="x")[0],
    ).groups()  # type: ignore[union-attr]
    (points,) = lines(drawn(own, alt="x")[0])
    assert float(y) == pytest.approx(points[1][1], abs=0.11)
    assert float(y) + float(height) == pytest.approx(points[0][1], abs=0.21)
    assert float(x) + float(width) == pytest.approx(points[1][0], abs=0.21)
    ratio = series([1.0, 1.0], before=1.0, margin=1.25, is_ratio=True)
    found = re.search(r'height="([\d.]+)" fill="var\(--green\)"', spark(ratio, alt="x"))
    assert found is not None
    assert float(found[1]) == pytest.approx(26 / 1.12, abs=0.2)  # all but the edges


def test_a_change_is_drawn_over_the_commits_that_it_may_have_come_with(past: Past) -> None:
    own = past((0.0,) * 6 + (-0.04,) * 6).found.series[0]
    (change,) = own.changes
    wide, _ = drawn(own, alt="x")
    found = re.search(
        rf'<rect x="({NUMBER})" y="{NUMBER}" width="({NUMBER})" height="{NUMBER}" '
        r'fill="var\(--vermillion\)"',
        wide,
    )
    assert found is not None
    (points,) = lines(wide)
    names = [level.commit for level in own.levels]
    assert float(found[1]) == pytest.approx(points[names.index(change.after)][0], abs=0.11)
    end = float(found[1]) + float(found[2])
    assert end == pytest.approx(points[names.index(change.latest)][0], abs=0.11)
    assert re.search("▼ −[34]", wide)


def test_one_commit_is_a_dot_in_the_middle(series: Callable[..., SeriesFinding]) -> None:
    wide, narrow = drawn(series([0.8]), alt="x")
    assert lines(wide) == []
    assert wide.count("h0") == narrow.count("h0") == 2  # the dot, and the mark that says what it is
    assert re.findall('data-says="([^"]*)"', wide) == ["\t\t0000000000, 20 November 2026: 80.0%"]
    assert wide.count(">20 November 2026<") == 1


def test_many_commits_have_one_band_and_stay_small(series: Callable[..., SeriesFinding]) -> None:
    own = series([0.8 + 0.01 * (i % 7) for i in range(500)], half=0.02)
    for svg in drawn(own, alt="x"):
        ET.fromstring(svg)
        assert svg.count('fill-opacity=".25"') == 1
        assert svg.count("h0") == 1  # the newest commit
        assert len(svg) < 30_000
    assert len(spark(own, alt="x")) < 10_000


@pytest.mark.parametrize(
    "means",
    [
        [0.0, 0.0], [1e308, -1e308], [1e-300, 2e-300], [1e6, 1e6 + 1e-9], [5.0, 5.0, 5.0], [None, 1.0],
        [None, None], [-0.2, 0.3], [1e15, 3e15],
    ],
)  # fmt: skip
def test_any_numbers_can_be_drawn(
    series: Callable[..., SeriesFinding], means: list[float | None]
) -> None:
    for unit in ("fraction", "seconds", "bytes", "number", "count"):
        own = series(means, half=0.0)
        own = replace(own, metric=replace(own.metric, unit=unit))
        for svg in (*drawn(own, alt="x"), spark(own, alt="x"), thumbnail([own], alt="x")):
            ET.fromstring(svg)
            assert "nan" not in svg
            assert "inf" not in svg


def test_its_text_is_only_text_and_its_bytes_are_the_same(
    series: Callable[..., SeriesFinding],
) -> None:
    attack = '"><script>alert(1)</script>\x00\x1b'
    own = series([0.8, 0.9])
    for svg in (*drawn(own, alt=attack), spark(own, alt=attack), thumbnail([own], alt=attack)):
        root = ET.fromstring(svg)
        shown = root.get("aria-label") or root[0].text or ""
        assert shown == attack.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
        assert not list(root.iter("script"))
    assert drawn(own, alt="x") == drawn(own, alt="x")
