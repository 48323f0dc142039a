"""Tables of a paper name the factors, say what is adjusted, and show no perfect interval."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ablations.core.metrics import MetricInfo
from ablations.report.formats.papers.contents import paper_tables
from ablations.report.formats.papers.latex import latex
from ablations.report.formats.papers.markdown_table import markdown_table

RATES = {
    "lr": {"low": {"rate": 1e-4}, "high": {"rate": 1e-3}},
    "augment": {"off": {}, "on": {"augment": ["flip"]}},
}


@pytest.fixture(scope="module")
def rates(make, decide):
    """Two factors, one of which has levels that say nothing without its name."""
    return decide(make(factors=RATES, gains={}, seeds=range(5), margin=0.01))


def equal(findings):
    """The same, with one arm that gave the same number at every seed."""
    arm = findings.arms[0]
    own = arm.summaries[findings.metric.name]
    (_, value), *_ = own.values
    from ablations.analyze.inference.intervals import summarize

    flat = summarize(own.metric, [(seed, value) for seed, _ in own.values])
    arms = (replace(arm, summaries={**arm.summaries, findings.metric.name: flat}),)
    return replace(findings, arms=arms + findings.arms[1:])


def test_each_factor_has_a_column_and_each_effect_its_factor(rates):
    arms, effects = paper_tables(rates)
    assert arms.texts == {
        "lr": ("low", "low", "high", "high"),
        "augment": ("off", "on", "off", "on"),
    }
    assert list(zip(*effects.texts.values(), strict=True)) == [
        ("lr", "low → high"),
        ("augment", "off → on"),
        ("lr × augment", "low → high, off → on"),
    ]


def test_a_change_from_the_baseline_is_beside_each_mean(rates):
    _, change = paper_tables(rates)[0].numbers
    first, *others = rates.findings.arms
    assert change.values == (None, *(arm.difference.estimate for arm in others))
    assert first.is_reference
    assert change.bounds[1] == (
        others[0].difference.interval.low,
        others[0].difference.interval.high,
    )


def test_a_caption_says_what_is_adjusted_and_what_is_not(rates):
    arms, effects = paper_tables(rates)
    assert arms.caption == (
        "Test accuracy of each arm: mean over 5 seeds, with its 95% interval (Student t over "
        "seeds), not adjusted for the number of arms. Change: from lr = low, augment = off, seed by "
        "seed, not adjusted and so without a verdict."
    )
    assert effects.caption == (
        "Change in test accuracy, averaged over the other factors: mean over 5 seeds of the "
        "difference within each seed, with its 95% interval (Student t over seeds), adjusted for 3 "
        "comparisons by Bonferroni's method. An interaction (×) is a difference of differences: "
        "what the changes give together beyond the sum of their separate effects. Verdict by this "
        "interval: better or worse where it lies wholly beyond the margin of 1.0\u202fpp on that "
        "side; equivalent where it lies wholly within the margin; else inconclusive."
    )
    assert "Verdict by the 95% interval, adjusted for 3 comparisons by" in effects.bare_caption
    assert "Student" not in effects.bare_caption + arms.bare_caption


def test_a_caption_follows_the_margin_the_direction_and_the_seeds(make):
    from ablations.report.words.captions import arms_caption, effects_caption

    exact = effects_caption(make())
    assert "beyond zero on that side; else inconclusive." in exact
    assert "by Holm's method" in exact
    neutral = make(metric=MetricInfo("test_accuracy", "fraction", "neither"), margin=0.01)
    assert "better" not in effects_caption(neutral)
    assert "equivalent where it lies wholly within the margin of 1.0" in effects_caption(neutral)
    once = make(seeds=(0,))
    assert "mean over 1 seed. " in arms_caption(once)
    assert effects_caption(once).endswith("So few seeds give no interval and no verdict.")


def test_verdicts_are_those_of_a_paper_in_both_formats(decision):
    assert "regressed" in {effect.verdict for effect in decision.findings.effects}
    verdicts = set(paper_tables(decision)[1].verdicts)
    assert verdicts <= {"better", "worse", "equivalent", "inconclusive"}
    assert "worse" in verdicts
    for text in (latex(decision)["effects.tex"], markdown_table(decision)["tables.md"]):
        assert "worse" in str(text)
        assert "regressed" not in str(text)


def test_an_interval_of_no_width_is_a_dash_with_a_reason(rates, decide):
    flat = decide(equal(rates.findings))
    row = str(latex(flat)["arms.tex"]).splitlines()[6]
    assert row.startswith("low & off & 58.")
    assert row.endswith(r" & {--} & {--} & {--} & {--} & {--} & 5 \\")
    assert "A dash stands for the interval where all seeds gave" in paper_tables(flat)[0].caption
    assert "A dash" not in paper_tables(flat)[0].bare_caption
    assert "| low | off | 58." in str(markdown_table(flat)["tables.md"])
    first = paper_tables(rates)[0]
    assert "A dash" not in first.caption


def test_an_effect_says_where_its_factor_exists(decision, decide):
    found = decision.findings
    own = replace(found.effects[1], given=(("initialization", "scratch"),))
    texts = paper_tables(decide(replace(found, effects=(own,))))[1].texts
    assert texts["Levels"] == ("off → on where initialization is scratch",)


def test_a_table_of_no_effects_is_left_out(nothing, decide):
    (arms,) = paper_tables(decide(nothing))
    assert arms.seeds == (0,) * 8
    assert arms.caption == "Test accuracy of each arm: mean over no seed yet."
