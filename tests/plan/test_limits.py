"""Studies that are too large to lay out: told from their counts, with a cure that works."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from typer.testing import CliRunner

from ablations.cli.app import app
from ablations.errors import StudyError
from ablations.plan import load_study
from ablations.plan.designs.sizes import screened_arms

CLI = CliRunner()


@pytest.fixture
def wide(tmp_path, study_path):
    """Writes a study of many factors beside the small one, on the same training function."""
    module = study_path.read_text().split('run = "')[1].split(":")[0]

    def write(factors: int, design: str, levels: int = 2):
        lines = ['title = "T"', "[trial]", f'run = "{module}:train"', "settings = { epochs = 1 }"]
        for factor in range(factors):
            lines.append(f"[factors.f{factor}]")
            lines += [f"l{level} = {{ x{factor} = {level} }}" for level in range(levels)]
        path = tmp_path / "wide.toml"
        path.write_text("\n".join([*lines, "[design]", design]))
        return path

    return write


def told(path) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(StudyError) as error:
            load_study(path)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    return str(error.value)


@pytest.mark.parametrize(
    ("factors", "received", "cure"),
    [
        (22, "kind='full-factorial' with 22 factors, 4194304 arms", "screening' (24 arms)"),
        (30, "kind='full-factorial' with 30 factors, about 10^9 arms", "screening' (32 arms)"),
        (90, "kind='full-factorial' with 90 factors, about 10^27 arms", "one-factor-in' (91 arms)"),
    ],
)
def test_a_full_factorial_that_is_too_large_names_a_design_that_fits(wide, factors, received, cure):
    assert told(wide(factors, 'kind = "full-factorial"')) == (
        f"wide.toml: a study takes up to 1024 arms. Received: {received}. Use kind = '{cure}, or "
        f"fewer factors{' or levels' if 'one' in cure else ''}."
    )
    kind, arms = cure.split("' (")
    study = load_study(wide(factors, f'kind = "{kind}"'))
    assert f"{len(study.arms)} arms)" == arms


def test_screening_takes_thirty_factors_without_crossing_them(wide):
    path = wide(30, 'kind = "screening"\nseeds = 1')
    tracemalloc.start()
    study = load_study(path)
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
    assert (len(study.arms), study.design.fraction.full, study.arms[0]) == (
        32,
        2**30,
        study.baseline,
    )
    assert study.design.fraction.resolution == 3
    shown = CLI.invoke(app, ["plan", str(path)])
    assert "0 of 32 trials done" in shown.stdout
    mirrored = load_study(wide(30, 'kind = "screening"\nfold_over = ["f0"]'))
    assert len(mirrored.arms) == 64


@pytest.mark.parametrize("factors", [3, 7, 11, 15, 19, 23, 24, 25, 27, 28, 31])
def test_every_screening_design_is_balanced(wide, factors):
    study = load_study(wide(factors, 'kind = "screening"'))
    signs = np.array([[int(level[1]) * 2 - 1 for _, level in arm.levels] for arm in study.arms])
    assert len(signs) == screened_arms(factors)
    assert (signs.T @ signs == len(signs) * np.eye(factors)).all()


def test_designs_that_take_fewer_factors_name_one_that_takes_these(wide):
    assert told(wide(32, 'kind = "screening"')) == (
        "wide.toml: a screening design takes 3 to 31 factors. Received: 32 factors. Use kind = "
        "'one-factor-in'."
    )
    assert len(load_study(wide(32, 'kind = "one-factor-in"')).arms) == 33
    assert told(wide(17, 'kind = "fractional"\nhalvings = 10')) == (
        "wide.toml: a fractional design takes 3 to 16 factors. Received: 17 factors. Use kind = "
        "'screening'."
    )
    assert len(load_study(wide(17, 'kind = "screening"')).arms) == 20
    assert told(wide(2, 'kind = "screening"')).endswith("Use kind = 'full-factorial'.")
    assert len(load_study(wide(2, 'kind = "full-factorial"')).arms) == 4


def test_a_fraction_that_is_still_too_large(wide):
    generators = 'generators = { f15 = ["f0", "f1", "f2"] }'
    assert told(wide(16, f'kind = "fractional"\n{generators}')).endswith(
        "Received: kind='fractional' with 16 factors, 32768 arms. Use kind = 'screening' (20 arms), "
        "or fewer factors."
    )
    assert told(wide(30, 'kind = "fractional"\nhalvings = 1')).endswith("or fewer factors.")
    folded = 'kind = "fractional"\nhalvings = 1\nfold_over = ["f0"]'
    assert "2048 arms" in told(wide(11, folded))


def test_many_levels_and_many_factors(wide):
    assert told(wide(2, 'kind = "full-factorial"', levels=200)).endswith(
        "40000 arms. Use kind = 'one-factor-in' (399 arms), or fewer factors or levels."
    )
    assert len(load_study(wide(2, 'kind = "one-factor-in"', levels=200)).arms) == 399
    assert told(wide(1, 'kind = "one-factor-in"', levels=10_000)).endswith(
        "10000 arms. Remove levels or arms."
    )
    assert told(wide(1, 'kind = "one-factor-out"', levels=10_000)).endswith("or use kind = 'arms'.")
    assert told(wide(101, 'kind = "one-factor-out"')) == (
        "wide.toml: a study takes up to 100 factors. Received: 101 factors. Fix some of them in "
        "[trial.settings]."
    )
    assert len(load_study(wide(100, 'kind = "one-factor-out"')).arms) == 101
    listed = ", ".join(f'{{ f0 = "l{i}" }}' for i in range(2000))
    assert "2000 arms" in told(wide(1, f'kind = "arms"\narms = [{listed}]', levels=2000))


def test_many_seeds(wide):
    assert told(wide(9, "seeds = 10_000")) == (
        "wide.toml: a study takes up to 100000 trials. Received: 512 arms at 10000 seeds. Use at "
        "most 195 seeds."
    )
    assert len(load_study(wide(9, "seeds = 195")).seeds) == 195
    said = told(wide(1, f"seeds = {list(range(20_000))}"))
    assert said == (
        "wide.toml: design.seeds takes up to 10000 seeds. Received: 20000 seeds. Remove some."
    )
    assert len(load_study(wide(1, f"seeds = {list(range(10_000))}")).seeds) == 10_000
    twice = told(wide(1, f"seeds = {[0, *range(9_000)]}"))
    assert twice.startswith("wide.toml: design.seeds names a seed twice. Received: [0, 0, 1, 2, ")
    assert len(twice) < 1500


def test_a_plan_of_many_seeds_lists_some_of_them(wide):
    shown = CLI.invoke(app, ["plan", str(wide(1, "seeds = 3_000"))]).stdout
    assert "seeds 0, 1, 2, 3, " in shown
    assert "19 and 2980 more" in shown


def test_more_interactions_than_factors_are_all_there_are(wide):
    path = wide(3, "seeds = 2\n[analysis]\ninteractions = 1_000_000_000")
    assert CLI.invoke(app, ["power", str(path)]).exit_code == 0
