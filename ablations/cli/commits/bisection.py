"""What the command ``bisect`` shows: notes as it goes, its answer, a table, its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from ablations.bisecting import Expected, Outcome, Watcher
from ablations.cli.screens import STYLES, make_table
from ablations.cli.terminal.printing import note, say, show
from ablations.core.design import Arm
from ablations.core.estimates import ends
from ablations.core.past import ArmChange
from ablations.records.git import PathCommit
from ablations.text.commits.bisection import (
    answer_lines,
    change_row,
    titled,
    tried_line,
    untrained_lines,
)
from ablations.text.formatting import counted, duration


class Notes(Watcher):
    """Says on standard error what is trained next, what it takes and how far it is."""

    def begins(self, path: Sequence[PathCommit], arms: Sequence[Arm]) -> None:
        """Says what it takes at most."""
        commits, tries = len(path) - 1, (len(path) - 2).bit_length()
        note(
            f"{counted(commits, 'commit')} from GOOD to BAD. First {counted(len(arms), 'arm')} at "
            f"both, with 2 seeds or more; then those that regressed, at {tries} or fewer of the "
            "commits between, with 1 seed or more"
        )

    def trains(self, expected: Expected) -> None:
        """Says which commit is next."""
        own, left = expected.commit, expected.left
        takes = "" if expected.seconds is None else f" of about {duration(expected.seconds)}"
        rest = (
            "it is the last one left" if left == 1 else f"one of {counted(left, 'commit')} left, "
            f"{counted((left - 1).bit_length(), 'commit')} or fewer to try"
        )  # fmt: skip
        note(
            f"{titled(own.commit, own.subject)}: {counted(expected.trials, 'trial')}{takes}; {rest}"
        )

    def skips(self, commit: PathCommit, reason: str) -> None:
        """Says why."""
        note(f"{titled(commit.commit, commit.subject)}: skipped, it cannot be trained. {reason}")


def _labels(found: Outcome) -> list[str]:
    return [titled(own.commit, own.subject) for own in found.path]


def show_outcome(found: Outcome, *, quiet: bool) -> None:
    """Prints the answer and the table; with ``quiet`` only the lines on standard error."""
    own, metric = found.found, found.metric
    line = note if quiet else say
    for text in answer_lines(own, _labels(found), metric=metric, margin=found.margin):
        line(text)
    if own.changes and not quiet:
        table = make_table("arm", "before", "after", "change", "interval", "seeds", "verdict")
        for change in own.changes:
            *cells, verdict = change_row(change, metric)
            style = STYLES.get(change.verdict, "")
            table.add_row(Text(change.arm.name), *map(Text, cells), Text(verdict, style))
        show(table)
    for text in untrained_lines(own.changes, [change.arm.name for change in own.changes]):
        note(text)
    if found.alone:
        note(f"not compared, as one of the ends lacks it: {'; '.join(a.name for a in found.alone)}")
    if found.branch is not None:
        base, tip = found.branch
        note(f"it is a merge; for its branch, name {base[:12]} as GOOD and {tip[:12]} as BAD")
    note(tried_line(own, trained=found.trained, used=found.used))


def document(found: Outcome, code: int) -> dict[str, Any]:
    """Returns the answer as JSON values."""
    own, names = found.found, [commit.commit.name for commit in found.path]
    named = own.ending == "found"
    return {
        "study": found.study,
        "exit_code": code,
        "ending": own.ending,
        "commit": names[own.bad] if named else None,
        "parent": names[own.good] if named else None,
        "left": names[own.good + 1 : own.bad + 1] if own.ending in ("found", "left") else [],
        "metric": found.metric.name,
        "margin": found.margin,
        "arms": list(map(_change_json, own.changes)),
        "tried": [
            {
                "commit": names[tried.place], "verdict": tried.verdict, "seeds": tried.seeds,
                "same_results": tried.same, "reason": found.reasons.get(tried.place),
            }
            for tried in own.tried
        ],
        "trials": found.used,
        "trained": found.trained,
    }  # fmt: skip


def _change_json(change: ArmChange) -> dict[str, Any]:
    return {
        "arm": dict(change.arm.levels),
        "before": change.before,
        "after": change.after,
        "change": change.change,
        "interval": ends(change.interval),
        "level": change.interval and change.interval.level,
        "seeds": change.n,
        "untrained": list(change.untrained),
        "verdict": change.verdict,
    }
