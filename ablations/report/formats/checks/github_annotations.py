"""Writes what was decided as workflow commands, which GitHub shows beside the changed files.

``cat`` the file in a step. GitHub keeps ten errors and ten warnings of a step, so the last of each
says how many more there are. Source: GitHub Docs, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablations.text.checks import most_severe
from ablations.text.escaping import escape_command, escape_property
from ablations.text.formatting import counted
from ablations.text.judged import Judged

_MOST = 10


def github_annotations(judged: Judged) -> dict[str, str | bytes]:
    """Returns a line for each check that needs attention, and a notice with the verdict."""
    open_ones = most_severe(judged.open_checks)
    errors = [c.text for c in open_ones if c.status != "inconclusive"]
    warnings = [c.text for c in open_ones if c.status == "inconclusive"]
    title = f"{judged.study.title} – "
    verdict = " ".join(line for line, _ in judged.headlines)
    lines = [
        *_commands("error", title + (open_ones[0].status if errors else ""), errors),
        *_commands("warning", f"{title}inconclusive", warnings),
        *_commands("notice", title + judged.status, [verdict]),
    ]
    return {"github-annotations.txt": "".join(lines)}


def _commands(kind: str, title: str, texts: Sequence[str]) -> Iterator[str]:
    shown = list(texts)
    if len(shown) > _MOST:
        rest = counted(len(shown) - _MOST + 1, "more check")
        shown = [*shown[: _MOST - 1], f"{rest}: see the summary"]
    for text in shown:
        yield f"::{kind} title={escape_property(title)}::{escape_command(text)}\n"
