from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ablations.calls import run_study
from ablations.core.estimates import Effect, Interval
from ablations.core.findings import Findings
from ablations.core.metrics import MetricInfo, Step
from ablations.core.record import Exhibit
from ablations.core.study import Import, Study, Trial
from ablations.core.trial_log import TrialLog
from ablations.plan import plan_trials
from ablations.report.words.answer import answer
from ablations.report.words.glossary import how_to_read
from ablations.reporting import findings_of
from ablations.run.executors.inline import InlineExecutor
from ablations.text.formatting import THIN

Make = Callable[..., Findings]


def _plain(texts: tuple[str, ...]) -> str:
    return " ".join(texts).replace(THIN, " ")


def test_the_largest_effect_comes_first_with_interval_family_and_seeds(findings: Findings) -> None:
    assert _plain(answer(findings).sentences) == (
        "Transfer instead of scratch helped the most: averaged over the other factors, it raised "
        "test accuracy by 27.3 pp (95% interval +24.8 to +29.8 pp, adjusted for 6 comparisons, "
        "3 seeds). Preprocessing (+7.2 pp) and augmentation (+1.7 pp) helped as well."
    )


def test_an_interaction_is_reported_since_an_average_hides_it(findings: Findings) -> None:
    assert _plain(answer(findings).caveats) == (
        "The effect of augmentation depends on initialization: with transfer it is 8.5 pp "
        "lower than with scratch (95% interval −11.4 to −5.6 pp, adjusted for 6 comparisons, "
        "3 seeds). An average over both hides this."
    )


def test_a_warning_of_the_training_function_is_a_caveat_of_the_answer(findings: Findings) -> None:
    warning = "1 image stands in two classes (one of its labels is wrong, or both fit): a = b."
    shown = (
        Exhibit("other", "Other", "study", "No caveat."),
        Exhibit("warning-x", "X", "study", warning),
    )
    assert warning in answer(replace(findings, exhibits=shown)).caveats
    assert "No caveat." not in answer(replace(findings, exhibits=shown)).caveats


def test_no_difference_found_is_reported(make: Make) -> None:
    found = make(gains=dict.fromkeys(("augmentation", "preprocessing", "initialization"), 0.0),
                 interaction=0.0, noise=0.02)  # fmt: skip
    first, second = answer(found).sentences
    assert first.startswith("No change could be shown to make a difference; the largest estimate")
    assert second.startswith("There may still be a real effect, as these intervals are wide")


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (0.0001, "raised test accuracy by less than 0.05 pp"),
        (-0.0001, "lowered test accuracy by less than 0.05 pp"),
        (0.0, "did not change test accuracy"),
    ],
)
def test_a_tiny_effect_is_not_written_as_zero(make: Make, estimate: float, words: str) -> None:
    found = make(seeds=(0,))
    effects = tuple(replace(effect, estimate=estimate) for effect in found.effects)
    text = _plain(answer(replace(found, effects=effects)).sentences)
    assert words in text
    assert "0.0 pp" not in text


def test_one_seed_claims_nothing(make: Make) -> None:
    assert _plain(answer(make(seeds=(0,))).sentences) == (
        "In a single seed, transfer instead of scratch raised test accuracy by 26.7 pp, the "
        "largest of 3 effects. One seed gives no interval, so this could be chance: add seeds."
    )


def test_a_single_change_is_not_the_most_of_anything(make: Make) -> None:
    found = make(factors={"augmentation": {"off": {}, "on": {}}})
    assert _plain(answer(found).sentences) == (
        "Augmentation helped: it raised test accuracy by 6.0 pp "
        "(95% interval +5.8 to +6.2 pp, 3 seeds). It is the only change that this study made."
    )


def test_where_lower_is_better_more_seconds_hurt(make: Make) -> None:
    found = make(metric=MetricInfo("latency_seconds", "seconds", "lower"))
    assert _plain(answer(found).sentences) == (
        "Transfer instead of scratch hurt: averaged over the other factors, it raised latency time "
        "by 273 ms (95% interval +248 to +298 ms, adjusted for 6 comparisons, 3 seeds). "
        "Preprocessing (+71.7 ms) and augmentation (+17.5 ms) hurt as well."
    )


def test_without_a_better_direction_nothing_helps_or_hurts(make: Make) -> None:
    found = make(metric=MetricInfo("parameters", "number", "neither"))
    judged = tuple(replace(e, verdict="inconclusive") for e in found.effects)
    assert _plain(answer(replace(found, effects=judged)).sentences) == (
        "No direction of parameters counts as better, so no change is an improvement or a regression. "
        "Transfer instead of scratch changed it the most, by +0.273 "
        "(95% interval +0.248 to +0.298, adjusted for 6 comparisons, 3 seeds)."
    )


def test_a_margin_separates_small_effects_from_undecided_ones(make: Make) -> None:
    second = answer(make(margin=0.03)).sentences[1].replace(THIN, " ")
    assert second == (
        "Preprocessing (+7.2 pp) helped as well; augmentation (+1.7 pp) made no difference that "
        "matters (within ±3.0 pp)."
    )


def test_no_trial_no_answer(nothing: Findings) -> None:
    found = answer(nothing)
    assert found.sentences == (
        "There is no answer yet: no trial has completed.",
        "Of 24 trials planned, none has run.",
    )
    assert found.alarm == ""


def test_failed_and_missing_trials_are_counted(failed: Findings) -> None:
    assert answer(failed).alarm == (
        "Of 24 trials, 2 failed and 1 has not run: the numbers are from the 21 that completed."
    )
    assert answer(failed).sentences[1] == (
        "No effect is known: no seed has results of all arms that one compares."
    )
    imported = replace(failed, study=replace(failed.study, imported=Import("seed", ())))
    assert "2 failed and 1 is without a run that counts" in answer(imported).alarm


def test_different_environments_are_reported(findings: Findings) -> None:
    two = replace(findings, environments=(({"python": "3.11"}, 20), ({"python": "3.12"}, 4)))
    assert answer(two).caveats[-1] == (
        "The trials ran in 2 different environments, so part of a difference may come from there."
    )


def test_what_a_study_sets_itself_is_no_other_environment(findings: Findings) -> None:
    facts = {"python": "3.11", "precision": "float32", "engine": "openvino 2026.1"}
    other = facts | {"precision": "mixed_bfloat16", "engine": "keras on tensorflow"}
    one = replace(findings, environments=((facts, 12), (other, 12)))
    assert not any("environments" in caveat for caveat in answer(one).caveats)
    two = replace(one, environments=(*one.environments, (other | {"python": "3.12"}, 1)))
    assert "ran in 2 different environments" in answer(two).caveats[-1]


def test_speeds_of_different_hardware_are_never_averaged_without_a_word(
    findings: Findings, study: Study
) -> None:
    laptop, server = {"cpu": "one", "cores": "4"}, {"cpu": "two", "cores": "64", "node": "b"}
    both = replace(findings, environments=((laptop | {"node": "a"}, 16), (server, 8)))
    assert answer(both).caveats[-1] == (
        "The trials ran on 2 kinds of machines, which differ in cpu and cores, so a mean time or "
        "speed is one over these kinds, and depends on how many seeds each trained."
    )
    records = run_study(study, executor=InlineExecutor(_on_laptop_or_server))
    found = findings_of(study, records, planned=plan_trials(study))
    assert answer(found).caveats[-1] == answer(both).caveats[-1]
    cards = [(laptop | {"gpu": kind}, 12) for kind in ("NVIDIA A100", "Tesla T4")]
    two = replace(findings, environments=tuple(cards))
    assert "2 kinds of machines, which differ in gpu, so" in answer(two).caveats[-1]
    alike = replace(findings, environments=((server, 16), (server | {"node": "c"}, 8)))
    assert not any("machines" in caveat for caveat in answer(alike).caveats)


def test_seeds_whose_arms_had_different_machines_are_reported(findings: Findings) -> None:
    machines = (({"cpu": "one", "node": "a"}, 12), ({"cpu": "one", "node": "b"}, 12))
    whole = replace(findings, environments=machines)
    assert not any("environments" in c or "machines" in c for c in answer(whole).caveats)
    assert answer(replace(whole, scattered_seeds=2)).caveats[-1] == (
        "The arms of each of 2 seeds were trained on different machines of a cluster, so a "
        "difference in speed between arms may be one between machines."
    )


def _on_laptop_or_server(trial: Trial, log: TrialLog) -> None:
    log.environment(**({"cpu": "two", "cores": "64"} if trial.seed else {"cpu": "one"}))
    log.metric("test_accuracy", 0.5 + trial.seed / 10, unit="fraction", better="higher")


def _with_verdicts(findings: Findings, **verdicts: str) -> Findings:
    def judged(effect: Effect) -> Effect:
        word = verdicts.get(effect.changes[0].factor) if effect.kind == "main" else "inconclusive"
        return replace(effect, verdict=word or "inconclusive")  # type: ignore[arg-type]  # words

    return replace(findings, effects=tuple(map(judged, findings.effects)))


@pytest.mark.parametrize(
    ("verdicts", "claims"),
    [
        (
            {"initialization": "improved"},
            [
                "is the only change that could be shown to help",
                "are inconclusive (no effect cannot",
            ],
        ),
        ({"augmentation": "regressed"}, ["Augmentation hurt:", "o change could be shown to help"]),
    ],
)
def test_no_claim_goes_beyond_a_verdict(
    findings: Findings, verdicts: dict[str, str], claims: list[str]
) -> None:
    text = " ".join(answer(_with_verdicts(findings, **verdicts)).sentences)
    assert all(claim in text for claim in claims)
    assert "as well" not in text


def test_the_most_is_claimed_only_where_intervals_stand_apart(findings: Findings) -> None:
    wide = Interval(0.001, 0.9, 0.99, "Student t over seeds")
    effects = tuple(
        replace(e, adjusted=wide) if e.verdict == "improved" else e for e in findings.effects
    )
    first = answer(replace(findings, effects=effects)).sentences[0]
    assert "has the largest estimated gain" in first
    assert "the most" not in first


def test_many_effects_are_counted_not_listed(make: Make) -> None:
    factors = {f"f{i}": {"off": {}, "on": {}} for i in range(7)}
    found = make(factors=factors, gains=dict.fromkeys(factors, 0.05), interaction=0.0, noise=1e-4)
    assert "and 2 others helped as well." in answer(found).sentences[1]


@pytest.mark.parametrize(("share", "said"), [(0.5, False), (0.99, True)])
def test_networks_that_guess_need_more_training_before_more_seeds(
    make: Make, share: float, said: bool
) -> None:
    found = make(
        gains=dict.fromkeys(("augmentation", "preprocessing", "initialization"), 0.0), noise=0.1
    )
    arms = []
    for arm in found.arms:
        own = arm.summaries["test_accuracy"]
        guess = replace(
            own,
            values=tuple((s, share) for s, _ in own.values),
            mean=share,
            minimum=share,
            maximum=share,
        )
        arms.append(replace(arm, summaries={**arm.summaries, "majority_accuracy": guess}))
    told = answer(replace(found, arms=tuple(arms)))
    assert (
        any("No arm could be shown to be better than always naming" in c for c in told.caveats)
        == said
    )
    assert ("networks that have not learned" in told.sentences[1]) == said
    assert ("add seeds" in told.sentences[1]) == (not said)


def _judged(found: Findings, verdicts: dict[str, str]) -> Findings:
    """The findings with the verdict of each kind of effect replaced, and small estimates."""
    effects = tuple(replace(e, verdict=verdicts[e.kind], estimate=0.0001) for e in found.effects)
    return replace(found, effects=effects)


def test_main_effects_that_cancel_are_not_no_difference(make: Make) -> None:
    found = _judged(make(margin=0.03), {"main": "equivalent", "interaction": "improved"})
    assert _plain(answer(found).sentences) == (
        "No change, averaged over the other factors, made a difference that matters: all main "
        "effects lie within ±3.0 pp. This is not shown of 3 interactions: what a change does may "
        "depend on another one, and such effects cancel in an average."
    )
    alike = _judged(make(margin=0.03), {"main": "equivalent", "interaction": "equivalent"})
    assert _plain(answer(alike).sentences) == (
        "No change made a difference that matters: all effects lie within ±3.0 pp. That holds for "
        "6 comparisons, adjusted for their number."
    )


def test_a_change_without_results_is_named(make: Make) -> None:
    levels = {"augmentation": {"off": {}, "on": {}, "strong": {}}}
    found = make(factors=levels, margin=0.03)
    first, other = found.effects
    lost = replace(
        other, per_seed=(), estimate=None, interval=None, adjusted=None, verdict="inconclusive"
    )
    one = replace(found, effects=(replace(first, verdict="improved"), lost))
    assert _plain(answer(one).sentences).endswith(
        "It is the only change with results. The effect of strong instead of off is "
        "not known: no seed has results of all arms compared."
    )
    same = replace(found, effects=(replace(first, verdict="equivalent"), lost))
    assert _plain(answer(same).sentences).startswith(
        "No change that could be measured made a difference that matters: their effects lie within "
        "±3.0 pp. The intervals are adjusted for 2 comparisons. The effect of"
    )


def test_a_report_says_where_a_step_of_the_metric_stands_in_for_the_spread(make: Make) -> None:
    found = make(factors={"augmentation": {"off": {}, "on": {}}})
    assert "Least spread" not in dict(how_to_read(found))
    metric = replace(found.metric, step=Step(0.01, known=True))
    (effect,) = found.effects
    equal = replace(effect, per_seed=tuple((seed, 0.06) for seed, _ in effect.per_seed), sd=0.01)
    coarse = replace(found, metric=metric, effects=(equal,))
    text = dict(how_to_read(coarse))["Least spread"].replace(THIN, " ")
    assert text.startswith("The values of test accuracy lie at least 1.0 pp apart.")
