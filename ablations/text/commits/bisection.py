"""Says in words what a bisection found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablations.core.past import ArmChange, Bisected, Commit
from ablations.core.record import Metric
from ablations.text.checks import change_words
from ablations.text.commits.history import commit_label
from ablations.text.formatting import counted, listing, metric_name, number, sentence, verdict

_LONGEST = 72


def titled(commit: Commit, subject: str) -> str:
    """Names a commit by its first digits, its day and the first line of its message."""
    short = subject if len(subject) <= _LONGEST else f"{subject[: _LONGEST - 1]}…"
    return f"{commit_label(commit)} {short}".rstrip()


def answer_lines(
    found: Bisected, names: Sequence[str], *, metric: Metric, margin: float
) -> Iterator[str]:
    """Yields which commit it was, or what is left.

    Args:
        found: By places.
        names: The label of each place.
        metric: For the name and unit of what was compared.
        margin: The smallest effect that matters.
    """
    what, span = metric_name(metric.name), f"{names[0]} to {names[-1]}"
    between = counted(found.bad - found.good, "commit")
    if found.ending == "found":
        yield f"{sentence(what)} regressed with {names[found.bad]}"
    elif found.ending == "left":
        yield f"{sentence(what)} regressed with one of {between}, after {names[found.good]} and by "
        yield f"  {names[found.bad]}"
    elif found.ending == "same":
        yield f"from {span}, all results are the same to the last bit: there is nothing to find"
    elif found.ending == "untrainable":
        yield f"{names[found.bad]} could not be trained, and it is one of the ends"
    else:
        yield f"no arm is shown to have regressed from {span}"
    if found.ending in ("left", "no-regression"):
        yield from _why(found, names, margin=margin)


def _why(found: Bisected, names: Sequence[str], *, margin: float) -> Iterator[str]:
    """Yields what kept a bisection from naming a commit."""
    undecided = [own for own in found.tried if own.verdict == "undecided"]
    skipped = [
        own for own in found.tried
        if own.verdict == "skipped" and found.good < own.place < found.bad
    ]  # fmt: skip
    for own in undecided:
        yield (
            f"{names[own.place]} is undecided with {counted(own.seeds, 'seed')}: it is neither "
            "shown to be worse than the first of these commits nor better than the last. The loss "
            "may have come in several steps, or more seeds (--seeds) decide it"
        )
    if skipped and not undecided:
        yield f"{counted(len(skipped), 'commit')} between cannot be trained"
    if found.ending == "no-regression":
        verdicts = {own.verdict for own in found.changes}
        if "improved" in verdicts:
            yield "an arm improved: is GOOD the worse of the two?"
        yield from _undecided(found.changes)
    if not margin:
        yield (
            "the study has no margin, so that the smallest loss counts: "
            "smallest_effect_that_matters under [analysis] sets one"
        )


def _undecided(changes: Sequence[ArmChange]) -> Iterator[str]:
    """Yields whether more seeds would decide what is inconclusive between the ends."""
    intervals = [own.interval for own in changes if own.verdict == "inconclusive"]
    if not intervals:
        return
    seeds = counted(max(own.n for own in changes), "seed")
    if any(intervals):
        yield f"with {seeds} it is not decided; --seeds allows more"
    else:
        yield (
            f"the change is the same at all {seeds}, so that it has no interval; more seeds do not "
            "decide it"
        )


def change_row(own: ArmChange, metric: Metric) -> tuple[str, ...]:
    """Returns before, after, change, interval, seeds and verdict of an arm."""
    size, around = change_words(own.change, own.interval, metric.unit, is_ratio=False)
    values = (number(own.before, metric.unit), number(own.after, metric.unit))
    return (*values, size, around, str(own.n), verdict(own.verdict))


def untrained_lines(changes: Sequence[ArmChange], labels: Sequence[str]) -> Iterator[str]:
    """Yields how many networks did not train, where some did not."""
    for own, label in zip(changes, labels, strict=True):
        if any(own.untrained):
            before, after = own.untrained
            yield f"{label}: of {own.n} networks, {before} did not train before and {after} after"


def tried_line(found: Bisected, *, trained: int, used: int) -> str:
    """Says how many commits and trials it took."""
    tried = [own for own in found.tried if own.verdict != "skipped"]
    skipped = len(found.tried) - len(tried)
    parts = [f"{counted(len(tried), 'commit')} tried beside the ends"]
    parts += [f"{counted(skipped, 'commit')} skipped"] if skipped else []
    now = f"{counted(used, 'trial')}, {trained} of them trained now"
    return f"{listing(parts)}; {now}"
