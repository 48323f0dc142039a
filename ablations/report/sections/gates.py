"""What the report says of gates: their verdicts, and how often such a gate errs."""

from __future__ import annotations

from ablations.core.findings import Findings
from ablations.report.blocks import Extras, Prose, Section, Table, present, prose
from ablations.report.many import MOST
from ablations.report.tables import make_table
from ablations.report.words.answer import gate_headline
from ablations.text.checks import gate_rule, gate_status, judged_number
from ablations.text.formatting import (
    count,
    counted,
    interval,
    listing,
    number,
    sentence,
    spread,
)
from ablations.text.naming import arm_label, named_arm
from ablations.text.sentences import gate_gap_sentences, untrained_share


def gates(findings: Findings, _: Extras) -> Section | None:
    """Gives each gate's verdict, if the study has gates."""
    if not findings.gates:
        return None
    scope = " ".join(filter(None, (gate_scope(findings), gate_gaps(findings))))
    blocks = present(
        Prose(f"{gate_headline(findings)}."),
        *gate_tables(findings),
        *prose([scope]),
        *prose([gate_errors(findings)], style="muted"),
    )
    return Section("gates", "Gates", blocks)


def gate_errors(findings: Findings) -> str:
    """Says how often a gate against the past errs on records like these; empty if unknown."""
    found = findings.self_test
    if found is None:
        return ""
    unit = findings.metric.unit
    bounds = interval(found.interval.low, found.interval.high, "fraction")
    losses = [
        f"{number(share, 'fraction')} if it is worse by {spread(loss, unit)}"
        for loss, share in zip(found.planted, found.found, strict=True)
    ]
    return (
        f"How often the gate ‘--against’ is wrong: if the {counted(found.n_seeds, 'seed')} are "
        "divided at random into two halves, and one is compared with the other as with the past, "
        f"{number(found.false_alarms, 'fraction')} of the divisions give a false alarm (95% "
        f"interval {bounds}, from the distinct ones). An arm that became worse is found in "
        f"{listing(losses)}."
    )


def gate_scope(findings: Findings) -> str:
    """Says which networks the gates judge, and how many others the seeds leave possible."""
    if not findings.judged_training:
        return ""
    groups: dict[str, list[str]] = {}
    for arm, found in findings.judged_training.items():
        groups.setdefault(untrained_share(found), []).append(named_arm(findings.study, arm))
    parts = [f"Of {_named(arms)}, {share}." for share, arms in groups.items()]
    return " ".join(["The gates judge only networks that train.", *parts])


def _named(arms: list[str]) -> str:
    return listing(arms) if len(arms) <= MOST else counted(len(arms), "arm")


def gate_gaps(findings: Findings) -> str:
    """Says which gates rest on seeds that fall into two groups; empty if none."""
    sentences = gate_gap_sentences(findings)
    if not sentences:
        return ""
    text = " ".join(sentences)
    return f"{text} A gate on the interval of such seeds is wrong more often than promised."


def gate_tables(findings: Findings) -> tuple[Table, ...]:
    """One table per gate, with one row per arm that it names."""
    by_rule: dict[str, list[list[str]]] = {}
    for found in findings.gates:
        unit = found.metric.unit if found.metric else "number"
        n = count(found.summary.n if found.summary else 0)
        judged = (judged_number(found), n, gate_status(found.status))
        rows = by_rule.setdefault(gate_rule(found.gate, unit), [])
        rows.append([arm_label(findings.study, found.arm), *judged])
    columns = ["arm", "judged", "seeds", "status"]
    return tuple(
        make_table(sentence(rule), columns, rows, numeric=["judged", "seeds"])
        for rule, rows in by_rule.items()
    )
