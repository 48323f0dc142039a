"""Writes what was decided as a badge: a drawing of our own, and what shields.io makes one of.

Source of the JSON: https://shields.io/badges/endpoint-badge, schema version 1.
"""

from __future__ import annotations

import json
from html import escape

from ablations.core.findings import GateStatus
from ablations.text.escaping import one_line, shortened
from ablations.text.judged import Judged

_COLOURS: dict[GateStatus, str] = {
    "passed": "#1a7f37",
    "failed": "#b42318",
    "inconclusive": "#8a5a00",
    "incomplete": "#57606a",
}
"""White text on each has a contrast of 4.5 or more."""

_MOST, _WIDTH = 60, 7
"""Characters of a label, and pixels for each, with room for wide ones."""


def badge(judged: Judged) -> dict[str, str | bytes]:
    """Returns the drawing and the JSON of the badge."""
    label = shortened(one_line(judged.study.slug), _MOST)
    message, status = judged.brief, judged.status
    colour = _COLOURS[
        status if judged.checks or status != "passed" else "incomplete"
    ]  # what judged nothing is not green
    endpoint = {"schemaVersion": 1, "label": label, "message": message, "color": colour}
    return {
        "badge.json": f"{json.dumps(endpoint, ensure_ascii=False, indent=2)}\n",
        "badge.svg": _drawing(label, message, colour),
    }


def _drawing(label: str, message: str, colour: str) -> str:
    """Draws two fields side by side; ``textLength`` keeps the words within them in any font."""
    left, right = (_WIDTH * len(words) + 12 for words in (label, message))
    words = escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{words}">\n<title>{words}</title>\n'
        f'<rect width="{left}" height="20" fill="#24292f"/>\n'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>\n'
        '<g fill="#ffffff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        f'text-anchor="middle">\n{_text(label, 0, left)}{_text(message, left, right)}</g>\n</svg>\n'
    )


def _text(words: str, start: int, width: int) -> str:
    middle = start + width // 2
    return f'<text x="{middle}" y="14" textLength="{width - 12}">{escape(words)}</text>\n'
