"""Summarises findings for machines, and for the index of a site: ``report.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic_core import to_json

from ablations.core.estimates import Effect, ends
from ablations.core.findings import ArmFinding, Findings
from ablations.records.readers.report_json import SCHEMA_VERSION, measured_document
from ablations.report.blocks import Report
from ablations.report.figures import headlines
from ablations.report.words.answer import answer
from ablations.text.checks import gate_rule, gate_status
from ablations.text.naming import arm_label, effect_label


def summary_json(report: Report) -> dict[str, str | bytes]:
    """Returns the summary of a report as a file."""
    found = card(report.findings, report.origin)
    # Python indents without its compiled encoder, in ten times the time.
    return {"report.json": to_json(found, indent=2) + b"\n"}


def card(findings: Findings, origin: Mapping[str, Any]) -> dict[str, Any]:
    """Summarises findings for machines and for the index of a site.

    ``origin`` is the study of the report, so that the report of no other study replaces it.
    """
    study, answered = findings.study, answer(findings)
    return {
        "schema": SCHEMA_VERSION,
        "slug": study.report_name,
        "origin": dict(origin),
        "title": study.title,
        "question": study.question,
        "answer": list(answered.sentences),
        "caveats": [*filter(None, [answered.alarm]), *answered.caveats],
        "finished_at": findings.finished_at,
        "metric": findings.metric.name,
        "trials": {"planned": findings.n_planned, "completed": findings.n_completed,
                   "failed": findings.n_failed, "missing": findings.n_missing},
        "best": findings.best.name if findings.best else None,
        "picture": headlines.arms_headline(findings),
        "arms": [_arm_card(findings, arm) for arm in findings.arms],
        "effects": [_effect_card(findings, effect) for effect in findings.effects],
        "gates": _gate_cards(findings),
        "measured": measured_document(findings),
    }  # fmt: skip


def _arm_card(findings: Findings, arm: ArmFinding) -> dict[str, Any]:
    summary = arm.summaries.get(findings.metric.name)
    return {
        "arm": arm.arm.name,
        "label": arm_label(findings.study, arm.arm),
        "n": summary.n if summary else 0,
        "mean": summary.mean if summary else None,
        "interval": ends(summary.interval) if summary else None,
        "training": _training_card(arm, findings.metric.name),
        "seed_gaps": [asdict(gap) for gap in arm.gaps],
    }


def _training_card(arm: ArmFinding, metric: str) -> dict[str, Any] | None:
    """Returns how many networks trained, and the mean over those that did where some did not."""
    found = arm.training
    if found is None:
        return None
    trained = arm.over_trained(metric)
    return {
        "untrained": list(found.untrained),
        "of": found.n,
        "share": ends(found.share),
        "mean": trained.mean if trained else None,
        "interval": ends(trained.interval) if trained else None,
    }


def _effect_card(findings: Findings, effect: Effect) -> dict[str, Any]:
    return {
        "effect": effect_label(findings, effect),
        "kind": effect.kind,
        "n": effect.n,
        "estimate": effect.estimate,
        "interval": ends(effect.interval),
        "adjusted": ends(effect.adjusted),
        "p_adjusted": effect.p_adjusted,
        "verdict": effect.verdict,
        "trained": effect.trained and _effect_card(findings, effect.trained),
    }


def _gate_cards(findings: Findings) -> list[dict[str, Any]]:
    return [
        {
            "rule": gate_rule(found.gate, found.metric.unit if found.metric else "number"),
            "arm": found.arm.name,
            "judged": found.judged,
            "status": found.status,
            "shown": gate_status(found.status),
        }
        for found in findings.gates
    ]
