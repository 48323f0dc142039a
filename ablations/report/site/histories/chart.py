"""Draws a metric over commits as SVG, from findings alone, in the colours of the page's theme.

A site has thousands of these charts, and one takes Matplotlib a tenth of a second (decision 30).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from markupsafe import Markup

from ablations.core.past import Level, PastChange, SeriesFinding
from ablations.report.figures.theme import (
    DARK,
    LIGHT,
    NARROW,
    SERIES,
    SMALL,
    VERDICT_COLOURS,
    WIDE,
    css_variables,
)
from ablations.text.commits.history import change_size, changed_sign, level_words
from ablations.text.formatting import day, scale_for
from ablations.text.svg import path, px, words

_TICKS = 5
_DOTS_FROM = 7.0
"""Pixels from commit to commit from which each has a dot and a bar of its own."""

_MOST = 1e150
"""Values from here on are drawn at the edge."""

_LABEL, _LABEL_ROWS, _ROW = 78.0, 3, 17.0
_FEW_ARMS = len(SERIES)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where commits and values lie on a drawing, in pixels."""

    width: float
    height: float
    n: int
    low: float
    high: float
    left: float = 2.0
    right: float = 2.0
    top: float = 4.0
    bottom: float = 4.0

    def x(self, place: float) -> float:
        room = self.width - self.left - self.right
        return self.left + room * (place / (self.n - 1) if self.n > 1 else 0.5)

    def y(self, value: float) -> float:
        room = self.height - self.top - self.bottom
        share = (value - self.low) / (self.high - self.low)
        return self.top + room * (1 - min(max(share, 0.0), 1.0))

    @property
    def spacing(self) -> float:
        """Pixels from commit to commit."""
        return self.x(1) - self.x(0) if self.n > 1 else math.inf


def drawn(own: SeriesFinding, *, alt: str) -> tuple[Markup, Markup]:
    """Draws a series with its axes, for a page's column and for a phone.

    Args:
        own: Its levels, changes and margin.
        alt: What the chart shows, for those who do not see it.
    """
    return _chart(own, alt, WIDE, 320, "wide"), _chart(own, alt, NARROW, 250, "narrow")


def spark(own: SeriesFinding, *, alt: str) -> Markup:
    """Draws a series without axes, for the row of a table."""
    frame = _framed([own], 150, 34)
    parts = [*_margin(own, frame), *_changes(own, frame), *_means(own.levels, frame, "blue")]
    return _svg(frame, parts, alt=alt, shown="spark")


def thumbnail(series: Sequence[SeriesFinding], *, alt: str) -> str:
    """Draws the first arms over commits as a file of its own, which follows light and dark."""
    few = series[:_FEW_ARMS]
    frame = replace(_framed(few, 320, 150), left=6, right=6, top=8, bottom=8)
    changes = [part for own in few for part in _changes(own, frame)]
    lines = [
        part
        for own, colour in zip(few, SERIES, strict=False)
        for part in _means(own.levels, frame, colour)
    ]
    rules = (
        f"svg{{{css_variables(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{svg{{{css_variables(DARK)}}}}}"
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="320" height="150" '
        f'viewBox="0 0 320 150">\n<title>{words(alt)}</title>\n<style>{rules}</style>'
    )
    return "\n".join([head, *changes, *lines, "</svg>", ""])


def _chart(own: SeriesFinding, alt: str, width: int, height: int, shown: str) -> Markup:
    bare = _framed([own], width, height)
    unit = own.metric.unit
    ticks = list(_ticks(bare.low, bare.high, scale_for(unit, [bare.low, bare.high]).factor))
    labels = _tick_labels(ticks, own)
    frame = replace(
        bare,
        left=10 + 7.2 * max(map(len, labels), default=0),
        right=12,
        top=10 + _ROW * min(len(own.changes), _LABEL_ROWS),
        bottom=26,
    )
    parts = [
        *_axes(frame, ticks, labels, own.levels),
        *_margin(own, frame),
        *_changes(own, frame),
        *_intervals(own.levels, frame),
        *_means(own.levels, frame, "blue"),
        *_change_labels(own, frame),
        *_marks(own, frame),
    ]
    return _svg(frame, parts, alt=alt, shown=shown)


def _framed(series: Sequence[SeriesFinding], width: int, height: int) -> _Frame:
    """Returns a frame that holds all means, intervals and margins of some series."""
    values = [value for own in series for value in _values(own) if abs(value) < _MOST]
    low, high = min(values, default=0.0), max(values, default=1.0)
    flat = high - low <= 1e-9 * abs(high)  # nothing that labels could tell apart
    pad = (abs(high) * 0.05 or 1.0) if flat else 0.06 * (high - low)
    n = max((len(own.levels) for own in series), default=1)
    return _Frame(width, height, n, low - pad, high + pad)


def _values(own: SeriesFinding) -> Iterator[float]:
    for level in own.levels:
        if level.mean is not None:
            yield level.mean
        if level.interval is not None:
            yield from (level.interval.low, level.interval.high)
    yield from _band(own) or ()


def _band(own: SeriesFinding) -> tuple[float, float] | None:
    """Returns the mean since the last change, less and plus the margin."""
    if own.before is None:
        return None
    if own.is_ratio:
        return own.before / own.margin, own.before * own.margin
    return own.before - own.margin, own.before + own.margin


def _margin(own: SeriesFinding, frame: _Frame) -> Iterator[str]:
    band = _band(own)
    if band is None or own.before is None:
        return
    told = own.changes[:-1] if own.alarm else own.changes
    names = [level.commit for level in own.levels]
    start = frame.x(names.index(told[-1].commit) if told else 0)
    end = frame.x(frame.n - 1)
    top, bottom = frame.y(band[1]), frame.y(band[0])
    yield (
        f'<rect x="{px(start)}" y="{px(top)}" width="{px(max(end - start, 1))}" '
        f'height="{px(max(bottom - top, 0))}" fill="var(--green)" fill-opacity=".16"/>'
    )
    middle = frame.y(own.before)
    yield (
        f'<path d="M{px(start)} {px(middle)}H{px(end)}" stroke="var(--green)" '
        'stroke-dasharray="4 3" fill="none"/>'
    )


def _changes(own: SeriesFinding, frame: _Frame) -> Iterator[str]:
    """Yields for each change the commit it came with, over those that it may have come with."""
    names = [level.commit for level in own.levels]
    for change in own.changes:
        first, last = frame.x(names.index(change.after)), frame.x(names.index(change.latest))
        colour, place = _colour(change), frame.x(names.index(change.commit))
        top, bottom = frame.top, frame.height - frame.bottom
        yield (
            f'<rect x="{px(first)}" y="{px(top)}" width="{px(last - first)}" '
            f'height="{px(bottom - top)}" fill="var(--{colour})" fill-opacity=".14"/>'
        )
        yield (
            f'<path d="M{px(place)} {px(top)}V{px(bottom)}" stroke="var(--{colour})" '
            'stroke-width="1.5" fill="none"/>'
        )


def _colour(change: PastChange) -> str:
    return VERDICT_COLOURS[change.verdict]


def _change_labels(own: SeriesFinding, frame: _Frame) -> Iterator[str]:
    """Yields the size of each change above its line, in rows where they would overlap."""
    names = [level.commit for level in own.levels]
    free = [-math.inf] * _LABEL_ROWS
    for change in own.changes:
        place = frame.x(names.index(change.commit))
        start = min(max(place - _LABEL / 2, 0), frame.width - _LABEL)
        row = next((i for i, end in enumerate(free) if end <= start), None)
        if row is None:
            continue
        free[row] = start + _LABEL
        text = f"{changed_sign(change)} {change_size(own, change)}"
        y = frame.top - 5 - _ROW * row
        yield _words(start + _LABEL / 2, y, text, anchor="middle", colour="ink")


def _intervals(levels: Sequence[Level], frame: _Frame) -> Iterator[str]:
    """Yields a bar for each commit, or one band where commits lie close together."""
    known = [
        [(frame.x(i), frame.y(own.interval.low), frame.y(own.interval.high)) if own.interval
         else None for i, own in run]
        for run in _runs(levels)
    ]  # fmt: skip
    for run in known:
        own = [each for each in run if each]
        if not own:
            continue
        if frame.spacing >= _DOTS_FROM:
            bars = "".join(f"M{px(x)} {px(low)}V{px(high)}" for x, low, high in own)
            yield (
                f'<path d="{bars}" stroke="var(--muted)" stroke-opacity=".6" '
                'stroke-width="2" fill="none"/>'
            )
        else:
            upper = [(x, high) for x, _, high in own]
            lower = [(x, low) for x, low, _ in reversed(own)]
            yield f'<path d="{path([*upper, *lower])}Z" fill="var(--muted)" fill-opacity=".25"/>'


def _means(levels: Sequence[Level], frame: _Frame, colour: str) -> Iterator[str]:
    """Yields a line through the means, broken where a commit has none, and their dots."""
    dots = []
    for run in _runs(levels):
        points = [(frame.x(i), frame.y(own.mean)) for i, own in run if own.mean is not None]
        if len(points) > 1:
            yield (
                f'<path d="{path(points)}" stroke="var(--{colour})" stroke-width="1.4" '
                'stroke-linejoin="round" fill="none"/>'
            )
        alone = len(points) == 1
        dots += points if alone or frame.spacing >= _DOTS_FROM else points[-1:]
    if dots:
        marks = "".join(f"M{px(x)} {px(y)}h0" for x, y in dots)
        yield (
            f'<path d="{marks}" stroke="var(--{colour})" stroke-width="5" '
            'stroke-linecap="round" fill="none"/>'
        )


def _marks(own: SeriesFinding, frame: _Frame) -> Iterator[str]:
    """Yields over each dot a mark that is not seen, and says what it is where a reader points."""
    known = [(i, level) for i, level in enumerate(own.levels) if level.mean is not None]
    if not known or frame.spacing < _DOTS_FROM:
        return
    says = words("\t".join(["", "", *(level_words(own, level) for _, level in known)]))
    dots = "".join(
        f'<path d="M{px(frame.x(i))} {px(frame.y(level.mean))}h0"/>'
        for i, level in known
        if level.mean is not None
    )
    yield f'<g data-says="{says}" stroke-width="5" stroke-linecap="round" fill="none">{dots}</g>'


def _runs(levels: Sequence[Level]) -> Iterator[list[tuple[int, Level]]]:
    """Yields the stretches of commits that have a mean."""
    run: list[tuple[int, Level]] = []
    for i, own in enumerate(levels):
        if own.mean is not None:
            run.append((i, own))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _axes(
    frame: _Frame, ticks: Sequence[float], labels: Sequence[str], levels: Sequence[Level]
) -> Iterator[str]:
    left, right = frame.left, frame.width - frame.right
    for value, label in zip(ticks, labels, strict=True):
        y = frame.y(value)
        yield f'<path d="M{px(left)} {px(y)}H{px(right)}" stroke="var(--grid)" fill="none"/>'
        yield _words(left - 6, y + 4, label, anchor="end")
    below = frame.height - 6
    if len(levels) < 2:
        yield _words(frame.x(0), below, day(levels[0].commit.date), anchor="middle")
        return
    yield _words(left, below, day(levels[0].commit.date), anchor="start")
    yield _words(right, below, day(levels[-1].commit.date), anchor="end")


def _tick_labels(ticks: Sequence[float], own: SeriesFinding) -> list[str]:
    scale = scale_for(own.metric.unit, ticks)
    gaps = [abs(b - a) * scale.factor for a, b in pairwise(ticks)]
    decimals = max(0, -math.floor(math.log10(min(gaps)) + 1e-9)) if gaps else scale.decimals
    return [replace(scale, decimals=min(decimals, 8)).show(value) for value in ticks]


def _ticks(low: float, high: float, factor: float) -> Iterator[float]:
    """Yields round numbers, of the unit that is shown, at most `_TICKS` and one more."""
    span = (high - low) * factor
    size = 10.0 ** math.floor(math.log10(span / _TICKS))
    step = next(size * m for m in (1, 2, 5, 10) if span / (size * m) <= _TICKS)
    for place in range(math.ceil(low * factor / step), math.floor(high * factor / step) + 1):
        yield place * step / factor


def _words(x: float, y: float, text: str, *, anchor: str, colour: str = "muted") -> str:
    return (
        f'<text x="{px(x)}" y="{px(y)}" text-anchor="{anchor}" font-size="{SMALL}" '
        f'fill="var(--{colour})">{words(text)}</text>'
    )


def _svg(frame: _Frame, parts: Iterable[str], *, alt: str, shown: str) -> Markup:
    head = (
        f'<svg class="{shown}" role="img" aria-label="{words(alt)}" width="{px(frame.width)}" '
        f'height="{px(frame.height)}" viewBox="0 0 {px(frame.width)} {px(frame.height)}">'
    )
    body = "\n".join(parts)
    return Markup(f"{head}\n{body}\n</svg>")  # noqa: S704 - numbers and escaped words alone
