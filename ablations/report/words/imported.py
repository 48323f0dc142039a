"""Says of a study that another tool recorded what is known of its trials, and what is not."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.core.record import IMPORTED
from ablations.core.study import Import
from ablations.text.formatting import counted, few, listing, metric_name


def recorded_by(findings: Findings) -> str:
    """Returns the tools that recorded the trials; nothing where they were trained here."""
    if findings.study.imported is None:
        return ""
    tools = {facts[IMPORTED]: None for facts, _ in findings.environments if IMPORTED in facts}
    return listing([*tools]) or "another tool"


def imported_caveats(findings: Findings) -> tuple[str, ...]:
    """Says what a reader must know of trials that this program did not train."""
    own = findings.study.imported
    if own is None:
        return ()
    return tuple(filter(None, (_origin(findings, own), _chosen_values(own), _choices(own))))


def _origin(findings: Findings, own: Import) -> str:
    tool = recorded_by(findings)
    known = f"The trials were imported from {tool} and not trained by this program: metrics and "
    known += "times are as recorded there."
    if not own.seed:
        return (
            f"{known} No seed was recorded, so the runs of each arm are numbered by their start: "
            "those that are compared with each other have only their number in common, which makes "
            "intervals of effects wider than they could be, not narrower."
        )
    return (
        f"{known} Whether runs with one seed had the same split and the same order of the data is "
        "not known here. Where they had not, intervals of effects are wider than they could be, "
        "not narrower."
    )


def _chosen_values(own: Import) -> str:
    """Says which metrics are the best value of each run; nothing where none is."""
    found = [
        metric_name(metric.name)
        for metric in own.metrics
        if (metric.take, metric.better) in (("max", "higher"), ("min", "lower"))
    ]
    if not found:
        return ""
    verb = "is" if len(found) == 1 else "are"
    return (
        f"Of each run the best value of {listing(found)} counts, not the last one. Such a number "
        f"{verb} better than what the network would reach on new data."
    )


def _choices(own: Import) -> str:
    """Says what the study file leaves out."""
    parts = []
    if own.exclude:
        parts.append(f"leaves out {counted(len(own.exclude), 'run')} ({few(own.exclude)})")
    if own.ignore:
        parts.append(f"lets runs differ in {few(own.ignore)}, as if that changed nothing")
    return f"The study file {listing(parts)}." if parts else ""


def imported_seed(own: Import) -> str:
    """Says in the glossary what a seed is in such a study."""
    if not own.seed:
        return (
            "Here a number that each run of an arm was given by its start, as none was recorded. A "
            "run is one complete training. Runs with one number are compared with each other."
        )
    return (
        f"The value of {own.seed} that was recorded with a run, which is one complete training. "
        "Runs with one seed are compared with each other; what the seed changes equally in all "
        "arms cancels in their differences."
    )
