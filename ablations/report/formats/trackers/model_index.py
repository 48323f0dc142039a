"""Writes the results of each arm as the ``model-index`` of a Hugging Face model card.

Keep the entry of the arm that is published, and put it between the ``---`` lines of the card.
Source: https://github.com/huggingface/hub-docs/blob/main/modelcard.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from ablations.core.estimates import Summary
from ablations.core.findings import ArmFinding, Decision, Findings
from ablations.text.escaping import quote_yaml
from ablations.text.formatting import counted, metric_name, sentence
from ablations.text.naming import arm_label
from ablations.text.sentences import mean_estimate


def model_index(decision: Decision) -> dict[str, str | bytes]:
    """Returns one file: a model for each arm that has results."""
    findings = decision.findings
    lines = [line for arm in findings.arms for line in _model(findings, arm)]
    return {
        "model-index.md": "\n".join(["---", "model-index:", *(lines or ["  []"]), "---"]) + "\n"
    }


def _model(findings: Findings, arm: ArmFinding) -> Iterator[str]:
    found = [s for s in arm.summaries.values() if _is_shown(findings, s)]
    if not found:
        return
    label = arm_label(findings.study, arm.arm)
    data = str(findings.study.settings.get("dataset", findings.study.title))
    yield f"- name: {quote_yaml(f'{findings.study.slug}: {label}')}"
    yield "  results:"
    yield "  - task:"
    yield "      type: image-classification"
    yield "    dataset:"
    yield f"      type: {quote_yaml(data)}"
    yield f"      name: {quote_yaml(data)}"
    yield "    metrics:"
    for summary in found:
        yield from _metric(summary)


def _is_shown(findings: Findings, summary: Summary) -> bool:
    """Whether a metric says how good a model is: the study's own, and other fractions."""
    own = summary.metric.name == findings.metric.name
    return summary.mean is not None and (own or _is_score(summary))


def _is_score(summary: Summary) -> bool:
    return summary.metric.unit == "fraction" and summary.metric.better == "higher"


def _metric(summary: Summary) -> Iterator[str]:
    """Gives the mean, and in the name its interval and seeds, which have no field of their own."""
    name, metric = metric_name(summary.metric.name), summary.metric.name
    kind = metric.removeprefix("test_")
    shown = f"{sentence(name)}, mean over {counted(summary.n, 'seed')}: {mean_estimate(summary)}"
    yield f"    - type: {quote_yaml(kind)}"
    yield f"      value: {summary.mean!r}"
    yield f"      name: {quote_yaml(shown)}"
