"""The closed forms are those of SciPy and statsmodels, to the last bit."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ablations.analyze.inference.quantiles import clopper_pearson, t_isf, t_sf, wilson


@given(st.floats(1e-9, 0.5), st.integers(1, 10_000), st.floats(-50, 50))
def test_students_t(tail, df, t):
    assert t_isf(tail, df) == stats.t.isf(tail, df)
    assert t_sf(t, df) == stats.t.sf(t, df)


@given(st.integers(1, 1000), st.floats(0, 1))
def test_shares(n, share):
    count = round(share * n)
    found = proportion_confint(count, n, alpha=0.05, method="beta")
    assert clopper_pearson(count, n, alpha=0.05) == tuple(map(float, found))
    found = proportion_confint(share * n, n, alpha=0.05, method="wilson")
    assert wilson(share * n, n, alpha=0.05) == tuple(map(float, found))


@pytest.mark.parametrize("module", ["ablations.analyze.analysis", "ablations.cli.gate"])
def test_analysis_starts_without_what_it_seldom_needs(module):
    code = f"import sys, {module}\nassert not {{'scipy.stats', 'statsmodels'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
