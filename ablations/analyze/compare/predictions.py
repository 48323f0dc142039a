"""Where one more run of an arm is expected, by each kind of its seeds.

Where some networks train and others do not, or where seeds fall into two groups, one normal
interval over all of them describes no run. Each group then has an interval of its own for a run of
that kind; a run of either kind lies in its own in 95 of 100 cases, so that it lies in any of them
at least as often, whatever the share of the kinds.
"""

from __future__ import annotations

from ablations.analyze.describe.networks import leaving_out, share_of
from ablations.analyze.inference.intervals import prediction_interval
from ablations.core.estimates import Summary
from ablations.core.findings import ArmFinding, GroupKind, SeedGroup


def seed_groups(arm: ArmFinding, summary: Summary) -> tuple[SeedGroup, ...]:
    """Returns the groups of seeds of one metric, the larger values last; none where all are alike.

    Networks that did not train are one group and the others another; else the two sides of a gap.
    """
    seeds = [seed for seed, _ in summary.values]
    if not summary.metric.depends_on_training or not seeds:
        return ()
    if lost := [seed for seed in seeds if seed in arm.untrained]:
        return (_group(summary, lost, kind="untrained"),
                _group(summary, [s for s in seeds if s not in lost], kind="trained"))  # fmt: skip
    gap = next((gap for gap in arm.gaps), None)
    values = dict(arm.summaries[gap.metric.name].values) if gap else {}
    if gap is None or not set(seeds) <= values.keys():
        return ()
    low = [seed for seed in seeds if values[seed] <= gap.low]
    return (_group(summary, low, kind="low"),
            _group(summary, [s for s in seeds if s not in low], kind="high"))  # fmt: skip


def _group(summary: Summary, seeds: list[int], *, kind: GroupKind) -> SeedGroup:
    others = [seed for seed, _ in summary.values if seed not in seeds]
    own = leaving_out(summary, others)
    share = share_of(len(seeds), summary.n)
    return SeedGroup(kind, own.n, share, prediction_interval(own))


def is_inside(published: float, groups: tuple[SeedGroup, ...]) -> bool | None:
    """Whether a number lies where any group expects a run.

    ``None`` where it lies in none, but a group of fewer than two seeds has no interval.
    """
    known = [group.prediction for group in groups if group.prediction]
    if any(one.low <= published <= one.high for one in known):
        return True
    return False if len(known) == len(groups) else None
