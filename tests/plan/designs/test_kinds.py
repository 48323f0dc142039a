from __future__ import annotations

import re
from pathlib import Path

import pytest

import ablations
from ablations.core.design import Factor, Level
from ablations.errors import StudyError
from ablations.plan import designs, load_study, study_schema
from ablations.plan.designs import KINDS, Wanted, lay_out
from ablations.text.formatting import THIN


def factor(name: str, *levels: str) -> Factor:
    return Factor(name, tuple(Level(level, {name: level}) for level in levels))


A, B, C = factor("a", "off", "on"), factor("b", "off", "on"), factor("c", "x", "y", "z")


def names(kind, factors, *, baseline=None, arms=None):
    design = lay_out(Wanted(kind, factors, baseline or {}, arms=arms))
    short = ["".join(level[1] for level in arm.levels) for arm in design.arms]
    reference = "".join(level[1] for level in design.reference.levels)
    return short, "".join(level[1] for level in design.baseline.levels), reference


def test_full_factorial_crosses_all_levels():
    arms, baseline, reference = names("full-factorial", (A, C))
    assert arms == ["offx", "offy", "offz", "onx", "ony", "onz"]
    assert baseline == reference == "offx"


def test_one_factor_in_changes_one_at_a_time_from_the_baseline():
    arms, baseline, reference = names("one-factor-in", (A, B, C), baseline={"c": "y"})
    assert arms == ["offoffy", "onoffy", "offony", "offoffx", "offoffz"]
    assert baseline == reference == "offoffy"


def test_one_factor_out_takes_one_back_at_a_time_from_the_full_recipe():
    arms, baseline, reference = names("one-factor-out", (A, B), baseline={"b": "on"})
    assert arms == ["onoff", "offoff", "onon"]
    assert (baseline, reference) == ("offon", "onoff")


def test_one_factor_out_is_for_two_levels():
    with pytest.raises(StudyError) as caught:
        names("one-factor-out", (A, C))
    assert str(caught.value) == (
        "one-factor-out switches factors on and off, so 'c' needs two levels. Received: "
        "levels=['x', 'y', 'z']. Remove levels, or use kind = 'arms'."
    )


def test_arms_are_taken_as_listed_and_filled_up_from_the_baseline():
    listed = [{}, {"a": "on"}, {"a": "on", "b": "on"}]
    assert names("arms", (A, B), arms=listed)[0] == ["offoff", "onoff", "onon"]


@pytest.mark.parametrize(
    ("kind", "baseline", "arms", "text"),
    [
        (
            "full-factorial",
            {"a": "of"},
            None,
            "design.baseline names no level of factor 'a'. Received: 'of'. Did you mean 'off'? Its levels are off, on.",
        ),
        (
            "full-factorial",
            {"d": "off"},
            None,
            "design.baseline must name each factor once. Received: "
            "{'a': 'off', 'b': 'off', 'd': 'off'}. The factors are a, b.",
        ),
        (
            "arms",
            {},
            [{}, {"a": "on"}, {"b": "off", "a": "on"}],
            "design.arms[2] repeats an earlier arm. Received: a=on, b=off. "
            "List each arm once; repeat with seeds.",
        ),
        (
            "arms",
            {},
            [{"a": "on"}],
            "design.arms needs the baseline and at least one other arm. Received: a=on, b=off. "
            "Add the baseline (a=off, b=off), or name another one in design.baseline.",
        ),
        (
            "arms",
            {},
            None,
            "design.arms belongs to kind = 'arms' and to no other. Received: kind='arms', "
            "arms=missing. Give both or neither.",
        ),
    ],
)
def test_what_cannot_be_laid_out_is_one_line(kind, baseline, arms, text):
    with pytest.raises(StudyError) as caught:
        lay_out(Wanted(kind, (A, B), baseline, arms=arms))
    assert str(caught.value) == text


@pytest.fixture
def cumulative(monkeypatch):
    """Registers the design that the document shows, by the line that the document shows."""
    document = Path(__file__).parents[3] / "docs" / "extending.md"
    part = document.read_text(encoding="utf-8").partition("## A design\n")[2].partition("\n## ")[0]
    code, line = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    names = dict(vars(designs))
    exec(code, names)
    exec(line, names)
    assert [name for name in names["KINDS"] if name not in KINDS] == ["cumulative"]
    assert list(names["KINDS"])[:-1] == list(KINDS)
    monkeypatch.setitem(KINDS, "cumulative", names["KINDS"]["cumulative"])


@pytest.mark.usefixtures("cumulative")
def test_a_design_of_the_document_has_all_its_effects_and_sentences(edit, tmp_path):
    path = edit("[design]", '[design]\nkind = "cumulative"')
    (module,) = tmp_path.glob("training_*.py")
    gain = 'settings.get("a", 0.0) + settings.get("b", 0.0)'
    module.write_text(module.read_text().replace(gain, f"({gain}) * (1 + 0.1 * draw)"))
    study = load_study(path)
    assert [arm.name for arm in study.arms] == ["a=off, b=off", "a=on, b=off", "a=on, b=on"]
    assert "cumulative" in study_schema()["$defs"]["DesignTable"]["properties"]["kind"]["enum"]

    findings = ablations.analyze_records(study, ablations.run_study(study))
    assert [(e.changes[0].factor, e.n, e.verdict) for e in findings.effects] == [
        ("a", 3, "improved"), ("b", 3, "improved")
    ]  # fmt: skip
    assert [e.estimate for e in findings.effects] == pytest.approx([0.105, 0.0525], rel=0.05)
    assert [plan.effect for plan in findings.plans] == list(findings.effects)

    page = ablations.render_report(findings, tmp_path / "reports")
    text = page.with_name("small.md").read_text(encoding="utf-8").replace(THIN, " ")
    assert "A helped the most: added to the steps before it, it raised test accuracy by 10." in text
    assert re.search(r"^\| a \| [^|]*improved \| \+10\.\d pp \|", text, re.MULTILINE)
    assert re.search(r"^\| b \| [^|]*improved \| \+5\.\d pp \|", text, re.MULTILINE)


def test_an_unregistered_kind_is_an_error_that_names_the_registered_ones(edit):
    with pytest.raises(StudyError) as caught:
        load_study(edit("[design]", '[design]\nkind = "cumulativ"'))
    assert str(caught.value).startswith("small.toml: 'design.kind' cannot be used")
    assert "'full-factorial', 'fractional', 'screening'" in str(caught.value)
