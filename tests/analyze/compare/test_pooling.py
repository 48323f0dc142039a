"""One effect of several studies, against numbers that R's metafor and statsmodels print."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from ablations.analyze.compare import pooling
from ablations.analyze.compare.pooling import pool, q_profile, weighted
from ablations.core.estimates import ends

# Vaccinated with and without tuberculosis, then not vaccinated: dat.bcg and dat.colditz1994.
BCG = np.array([
    [4, 119, 11, 128], [6, 300, 29, 274], [3, 228, 11, 209], [62, 13536, 248, 12619],
    [33, 5036, 47, 5761], [180, 1361, 372, 1079], [8, 2537, 10, 619], [505, 87886, 499, 87892],
    [29, 7470, 45, 7232], [17, 1699, 65, 1600], [186, 50448, 141, 27197], [5, 2493, 3, 2338],
    [27, 16886, 29, 17825],
], dtype=float).T  # fmt: skip


def risk_ratios() -> tuple[np.ndarray, np.ndarray]:
    a, b, c, d = BCG
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def test_the_weighted_analysis_prints_what_metafor_prints_for_its_own_example():
    """metafor's reference manual, rma.uni and confint.rma.uni, dat.bcg, log relative risks."""
    found = weighted(*risk_ratios())
    assert found.method == "REML"
    assert round(found.tau**2, 4) == 0.3132
    assert round(found.tau, 4) == 0.5597
    assert round(found.estimate, 4) == -0.7145
    assert round(found.standard_error, 4) == 0.1798
    assert round(100 * found.inconsistency, 2) == 92.22
    assert tuple(round(end**2, 4) for end in ends(found.tau_interval)) == (0.1197, 1.1115)
    # With test="knha": the usual and the modified interval agree, as the studies differ enough.
    assert tuple(round(end, 4) for end in ends(found.interval)) == (-1.1084, -0.3206)


def test_the_q_profile_interval_is_that_of_the_published_odds_ratios():
    """https://www.metafor-project.org/doku.php/analyses:vanhouwelingen2002: 0.1302 to 1.1812."""
    a, b, c, d = BCG
    found = q_profile(np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d)
    assert [round(end**2, 4) for end in ends(found)] == [0.1301, 1.1812]


def test_prediction_has_two_degrees_of_freedom_less_than_studies():
    effects, variances = risk_ratios()
    found = weighted(effects, variances)
    error = (found.interval.high - found.estimate) / stats.t.isf(0.025, 12)
    half = stats.t.isf(0.025, 11) * math.hypot(found.tau, error)
    assert found.prediction is not None
    assert found.prediction.high == pytest.approx(found.estimate + half)


def test_it_is_never_narrower_than_with_the_plain_standard_error():
    found = weighted(np.array([0.1, 0.1001, 0.0999]), np.array([0.01, 0.01, 0.01]))
    half = stats.t.isf(0.025, 2) * math.sqrt(0.01 / 3)
    assert ends(found.interval) == pytest.approx((found.estimate - half, found.estimate + half))


def test_with_equal_variances_all_estimators_agree_with_statsmodels():
    effects, variances = np.array([0.5, 1.5, 0.2, 2.0, 1.1]), np.full(5, 0.1)
    theirs = combine_effects(effects, variances, method_re="iterated", use_t=True)
    ours, deciding = weighted(effects, variances), pool(effects, variances, np.full(5, 4.0))
    assert ours.tau**2 == pytest.approx(theirs.tau2, abs=1e-5)
    assert deciding.tau**2 == pytest.approx(ours.tau**2)
    assert ours.estimate == pytest.approx(theirs.mean_effect_re)
    assert deciding.estimate == pytest.approx(theirs.mean_effect_re)
    hksj = theirs.conf_int()[3]
    assert ends(deciding.interval) == pytest.approx(hksj, abs=1e-5)


def test_paule_and_mandel_step_in_where_reml_has_no_solution(monkeypatch):
    monkeypatch.setattr(pooling, "_score", lambda *_: 1.0)
    effects, variances = risk_ratios()
    found = weighted(effects, variances)
    assert found.method == "Paule-Mandel"
    assert found.tau**2 == pytest.approx(combine_effects(effects, variances).tau2)


def test_reml_is_where_the_restricted_likelihood_is_largest():
    effects, variances = risk_ratios()

    def likelihood(tau_squared: float) -> float:
        weights = 1 / (variances + tau_squared)
        mean = np.average(effects, weights=weights)
        squares = np.sum(weights * (effects - mean) ** 2)
        return 0.5 * float(np.log(weights).sum() - np.log(weights.sum()) - squares)

    best = weighted(effects, variances).tau ** 2
    assert likelihood(best) > max(likelihood(best * 0.999), likelihood(best * 1.001))


def test_the_deciding_interval_is_students_over_studies():
    effects = np.array([0.5, 1.5, 0.2, 2.0, 1.1])
    found = pool(effects, np.full(5, 0.1), np.full(5, 4.0))
    theirs = stats.ttest_1samp(effects, 0.0).confidence_interval(0.95)
    assert ends(found.interval) == pytest.approx(tuple(theirs))
    ratio = (found.prediction.high - found.estimate) / (found.interval.high - found.estimate)
    assert ratio == pytest.approx(math.sqrt(6))


def test_studies_that_tie_have_no_interval_without_width():
    found = pool(np.zeros(3), np.full(3, 0.01), np.full(3, 4.0))
    assert found.interval.high == pytest.approx(stats.t.isf(0.025, 2) * math.sqrt(0.01 / 3))
    assert found.tau == 0.0


def test_tau_has_an_interval_by_the_f_distribution():
    effects, variances = np.array([0.0, 1.0, 3.0, 4.0]), np.full(4, 0.25)
    found = pool(effects, variances, np.full(4, 4.0))
    for end, tail in ((found.tau_interval.low, 0.975), (found.tau_interval.high, 0.025)):
        total = end**2 + 0.25
        df = total**2 / (4 * 0.25**2 / 4 / 16)
        assert stats.f.cdf(np.var(effects, ddof=1) / total, 3, df) == pytest.approx(tail)


@pytest.mark.parametrize("k", range(2, 9))
def test_a_shift_moves_the_mean_and_a_sign_flips_it(k):
    rng, shift = np.random.default_rng(k), 5.0 - k
    effects, variances, df = rng.uniform(-1, 1, k), rng.uniform(0.01, 1, k), np.full(k, 4.0)
    for combine in (lambda e: pool(e, variances, df), lambda e: weighted(e, variances)):
        found, moved, flipped = combine(effects), combine(effects + shift), combine(-effects)
        assert moved.estimate == pytest.approx(found.estimate + shift, abs=1e-6)
        assert moved.tau == pytest.approx(found.tau, abs=1e-5)
        assert flipped.interval.low == pytest.approx(-found.interval.high, abs=1e-6)


def test_the_interval_of_five_studies_of_five_seeds_covers_as_promised():
    rng, held = np.random.default_rng(5), 0
    for _ in range(2000):
        seeds = rng.standard_normal((5, 1)) + math.sqrt(5) * rng.standard_normal((5, 5))
        found = pool(seeds.mean(axis=1), seeds.var(axis=1, ddof=1) / 5, np.full(5, 4.0))
        held += found.interval.low <= 0.0 <= found.interval.high
    assert 0.93 <= held / 2000 <= 0.97
