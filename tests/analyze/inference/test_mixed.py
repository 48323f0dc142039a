from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from ablations.analyze.analysis import analyze
from ablations.analyze.inference.effects import effects
from ablations.analyze.inference.intervals import summarize
from ablations.analyze.inference.mixed import with_mixed
from ablations.core.metrics import MetricInfo

ACCURACY = MetricInfo("accuracy", "fraction", "higher")


def blocked(n_arms, n_seeds, *, seed=0, block=3.0):
    """Noise of 1 around seeds that differ by much more, shape (arm, seed)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_arms, n_seeds)) + block * rng.normal(size=n_seeds)


def without(table, *cells):
    """The table with unknown values at these cells."""
    lacking = np.array(table)
    for cell in cells:
        lacking[cell] = np.nan
    return lacking


def summed(study, table):
    """The summary of each arm from its row, of the seeds that have a value."""
    rows = zip(study.arms, table.tolist(), strict=True)
    return {
        arm: summarize(ACCURACY, [(s, y) for s, y in enumerate(row) if not math.isnan(y)])
        for arm, row in rows
    }


def mixed(study, table):
    """Each effect's estimate by the mixed model, by the factors that it changes."""
    summaries = summed(study, table)
    found = with_mixed(effects(study, ACCURACY, summaries=summaries), summaries)
    return {"".join(change.factor for change in effect.changes): effect.mixed for effect in found}


def balanced(study, table):
    """The mixed model of a whole table: effects that lost a seed ask for one."""
    summaries = summed(study, table)
    found = effects(study, ACCURACY, summaries=summaries)
    lacking = [replace(effect, per_seed=effect.per_seed[1:]) for effect in found]
    return zip(found, with_mixed(lacking, summaries), strict=True)


def framed(study, table):
    """One row a trial: arm, seed and value."""
    cells = [(i, s, y) for i, row in enumerate(table.tolist()) for s, y in enumerate(row)]
    return pd.DataFrame(cells, columns=["arm", "seed", "y"]).dropna()


@pytest.mark.parametrize("design", ["full-factorial", "one-factor-in"])
@pytest.mark.parametrize("n", [3, 6])
def test_on_a_whole_table_it_is_the_two_way_analysis_of_variance(make, design, n):
    study = make.study(design, seeds=n)
    table = blocked(len(study.arms), n, seed=n)
    fit = smf.ols("y ~ 0 + C(arm) + C(seed)", framed(study, table)).fit()
    for effect, other in balanced(study, table):
        weights = dict(effect.weights)
        row = [weights.get(arm, 0.0) for arm in study.arms] + [0.0] * (n - 1)
        ((low, high),) = fit.t_test(row).conf_int(0.05)
        assert other.mixed.estimate == pytest.approx(effect.estimate, abs=1e-6)
        assert other.mixed.interval.high - other.mixed.interval.low == pytest.approx(
            high - low, rel=1e-4
        )
        assert other.mixed.n_seeds == n


def test_a_whole_table_has_no_need_of_it(make):
    study = make.study(seeds=4)
    assert set(mixed(study, blocked(4, 4)).values()) == {None}
    findings = make.findings(study, lambda arm, seed: float(len(arm.name) * (seed + 1) ** 2))
    assert {effect.mixed for effect in findings.effects} == {None}


def test_seeds_that_lack_an_arm_take_part(make):
    study = make.study("one-factor-in", seeds=6)
    table = without(blocked(3, 6), (1, 0), (2, 1), (2, 2))
    found = mixed(study, table)
    for estimate in found.values():
        assert estimate.n_seeds == 6
        assert (estimate.interval.level, estimate.interval.method) == (
            0.95, "mixed model, seed as block"
        )  # fmt: skip
        assert estimate.interval.low < estimate.estimate < estimate.interval.high


def test_only_effects_that_lost_seeds_have_one(make):
    study = make.study("one-factor-in", seeds=5)  # arms: the reference, b, a
    found = mixed(study, without(blocked(3, 5), (1, 0)))
    assert found["b"] is not None
    assert found["a"] is None


@pytest.mark.parametrize("seed", range(4))
def test_missing_cells_agree_with_a_fit_by_formula(make, seed):
    study = make.study("one-factor-in", seeds=12)
    table = without(blocked(3, 12, seed=seed), (0, 0), (1, 1), (1, 2), (2, 3), (2, 4))
    frame = framed(study, table)
    fit = smf.mixedlm("y ~ 0 + C(arm)", frame, groups="seed").fit(reml=True)
    arm = np.eye(3)[frame["arm"]]
    same = np.equal.outer(frame["seed"].to_numpy(), frame["seed"].to_numpy())
    covariance = fit.scale * np.eye(len(frame)) + float(fit.cov_re.iloc[0, 0]) * same
    of_means = np.linalg.inv(arm.T @ np.linalg.inv(covariance) @ arm)
    for factor, row in (("b", [-1, 1, 0]), ("a", [-1, 0, 1])):
        error = math.sqrt(np.array(row) @ of_means @ row)
        half = stats.t.isf(0.025, len(frame) - 3 - 12 + 1) * error
        found = mixed(study, table)[factor]
        assert found.estimate == pytest.approx(float(row @ fit.fe_params), abs=1e-3 * error)
        width = found.interval.high - found.interval.low
        assert width == pytest.approx(2 * half, rel=0.01)


def test_an_arm_without_values_has_no_estimate_and_prevents_no_other(make):
    study = make.study("one-factor-in", seeds=5)
    table = without(blocked(3, 5), (1, slice(None)), (2, 0))
    found = mixed(study, table)
    assert found["b"] is None
    assert found["a"].n_seeds == 5


def test_nothing_trained_or_nothing_to_spare_gives_none(make):
    study = make.study("one-factor-in", seeds=3)
    assert set(mixed(study, np.full((3, 3), np.nan)).values()) == {None}
    apart = without(blocked(3, 3), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))
    assert set(mixed(study, apart).values()) == {None}
    assert set(mixed(study, without(np.full((3, 3), 0.5), (0, 0))).values()) == {None}


@pytest.mark.parametrize(("shift", "scale"), [(100.0, 1.0), (-0.5, 1.0), (0.0, 1e-4), (0.0, 1e4)])
def test_it_does_not_matter_where_a_scale_begins_or_how_fine_it_is(make, shift, scale):
    study = make.study(seeds=6)
    table = without(blocked(4, 6, seed=5), (0, 0), (3, 1))
    plain, moved = mixed(study, table), mixed(study, shift + scale * table)
    for name, before in plain.items():
        after = moved[name]
        unit = scale * (before.interval.high - before.interval.low)
        assert after.estimate == pytest.approx(scale * before.estimate, abs=1e-3 * unit)
        assert after.interval.high - after.interval.low == pytest.approx(unit, rel=1e-3)


def test_intervals_cover_the_truth_where_cells_are_missing(make):
    study, rng, runs = make.study("one-factor-in", seeds=8), np.random.default_rng(4), 200
    truth, covered, judged = 0.7, 0, 0
    while judged < runs:
        table = blocked(3, 8, seed=int(rng.integers(2**32)))
        table[2] += truth
        table[rng.random(table.shape) < 0.15] = np.nan
        if (found := mixed(study, table)["a"]) is not None:
            judged += 1
            covered += found.interval.low <= truth <= found.interval.high
    assert covered / runs == pytest.approx(0.95, abs=3.5 * math.sqrt(0.95 * 0.05 / runs))


def test_findings_have_it_for_the_effects_that_lost_seeds(make):
    study = make.study("one-factor-in", seeds=5)
    table = blocked(3, 5)
    records = make.records(study, lambda arm, seed: float(table[study.arms.index(arm), seed]))
    lost = [r for r in records if (r.arm, r.seed) != (study.arms[1], 2)]
    findings = analyze(study, lost, planned=make.planned(study))
    expected = mixed(study, without(table, (1, 2)))
    found = {effect.changes[0].factor: effect for effect in findings.effects}
    assert (found["b"].n, found["b"].mixed) == (4, expected["b"])
    assert (found["a"].n, found["a"].mixed) == (5, None)


def generalized(study, table, ratio):
    """Arm means and their covariance by generalised least squares, written out in full."""
    rows = framed(study, table)
    design = np.eye(len(study.arms))[rows["arm"]]
    same = rows["seed"].to_numpy()[:, None] == rows["seed"].to_numpy()
    inverse = np.linalg.inv(np.eye(len(rows)) + ratio * same)
    covariance = np.linalg.inv(design.T @ inverse @ design)
    return covariance @ design.T @ inverse @ rows["y"].to_numpy(), covariance


@pytest.mark.filterwarnings("ignore")  # statsmodels' own, of a seed variance near zero
@pytest.mark.parametrize("block", [0.0, 0.3, 2.0])
def test_estimate_and_width_are_those_of_generalised_least_squares(make, block):
    study = make.study("one-factor-in", seeds=6)
    for seed in range(10):
        table = without(blocked(3, 6, seed=seed, block=block), (0, 1), (2, 4))
        rows = framed(study, table)
        fit = smf.mixedlm("y ~ 0 + C(arm)", rows, groups="seed").fit(reml=True)
        ratio = float(fit.cov_re.iloc[0, 0]) / fit.scale
        means, covariance = generalized(study, table, ratio)
        t = stats.t.isf(0.025, len(rows) - 3 - 6 + 1)
        for level, found in zip((1, 2), mixed(study, table).values(), strict=True):
            weights = np.eye(3)[level] - np.eye(3)[0]
            half = t * math.sqrt(fit.scale * weights @ covariance @ weights)
            assert found.estimate == pytest.approx(weights @ means, abs=1e-3)
            assert (found.interval.high - found.interval.low) / 2 == pytest.approx(half, rel=1e-2)


@pytest.mark.parametrize(
    "table",
    [
        [[0.75, 0.75, 0, 0], [0.75, 0.25, 0.75, 0.25]],
        [[0.9, 0.9, 0.9, 0.9], [0.95, 0.95, 0.95, 0.95]],
        [[0.9, 0.91, 0.92, 0.93], [0.95, 0.96, 0.97, 0.98]],
    ],
)
def test_extreme_tables_give_a_valid_interval_or_none(make, table):
    study = make.study("one-factor-in", factors={"a": ("off", "on")}, seeds=4)
    (found,) = mixed(study, without(np.array(table), (0, 0))).values()
    assert found is None or found.interval.high - found.interval.low > 0.1


def test_no_table_stops_the_analysis(make):
    study = make.study("one-factor-in", factors={"a": ("x", "y", "z")}, seeds=5)
    rng = np.random.default_rng(8)
    for _ in range(200):
        table = rng.integers(0, 5, (3, 5)) / 4
        mixed(study, without(table, (rng.integers(3), rng.integers(5))))
