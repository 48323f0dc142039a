"""A synthesis is a report like any other: a page, a post, a summary, and a card on the site."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablations.core.findings import Findings
from ablations.core.several import LeftOut, Synthesis
from ablations.errors import StudyError
from ablations.report.synthesis.files import own_files
from ablations.report.synthesis.page import make_page, page_name
from ablations.report.writing import render_combined, render_report
from ablations.sites import make_posts, make_site
from ablations.text.synthesis import SAME_DATA_ALL, pooled_sentences, synthesis_caveats

Make = Callable[..., Findings]


def studied(make: Make, slug: str, gain: float) -> Findings:
    """A crossed study whose trials no other study has."""
    found = make(slug=slug, gains={"augmentation": gain, "preprocessing": 0.06,
                                   "initialization": 0.30}, seeds=range(5))  # fmt: skip
    trials = tuple(replace(trial, key=f"{slug}-{trial.key}") for trial in found.trials)
    return replace(found, trials=trials)


@pytest.fixture(scope="module")
def synthesis(make: Make) -> Synthesis:
    from ablations.analyze.compare.synthesis import synthesize

    gains = np.linspace(0.02, 0.10, 5)
    return synthesize([studied(make, f"study-{i}", gain) for i, gain in enumerate(gains)])


@pytest.fixture(scope="module")
def folder(synthesis: Synthesis, tmp_path_factory: Any) -> Path:
    return render_combined(synthesis, tmp_path_factory.mktemp("reports")).parent


def test_the_answer_comes_first_in_percentage_points(synthesis: Synthesis):
    first, second = pooled_sentences(synthesis)
    lead = "On average over 5 studies, test accuracy: preprocessing raised it by 7.2\u202fpp "
    assert first.startswith(lead)
    assert "transfer instead of scratch raised it by" in first
    assert first.endswith("−0.7 to +7.2\u202fpp) no change could be shown.")
    assert "pp (95% interval +" in first
    assert second.startswith("One more study of this kind would measure, with 95% confidence, ")


def test_what_limits_it_is_said_of_these_studies(synthesis: Synthesis):
    caveats = synthesis_caveats(synthesis)
    assert caveats[0] == SAME_DATA_ALL
    assert caveats[1].startswith("All of them also share seeds on these data")
    assert not any("rest on two studies" in line for line in caveats)
    assert caveats[-1] == (
        "Each interval is a 95% interval by itself. They are not adjusted for the 18 effects of "
        "this page."
    )


def test_the_answer_says_of_how_many_studies_each_mean_is(synthesis: Synthesis):
    first, *others = synthesis.effects
    few = replace(first, pooled=replace(first.pooled, n_studies=3), same_arms=False)
    lead, _ = pooled_sentences(replace(synthesis, effects=(few,)))
    assert lead.startswith("On average over 3 of 5 studies, test accuracy: ")
    some = replace(
        synthesis, effects=(few, *others),
        left_out=(LeftOut("study-1", first.kind, first.changes, first.given, "unknown"),),
    )  # fmt: skip
    lead, _ = pooled_sentences(some)
    assert lead.startswith("On average over those of 5 studies that have an effect, test accuracy")
    assert "preprocessing in 5 of them raised it by" in lead
    assert "for augmentation in 3 of them (" in lead
    caveats = synthesis_caveats(some)
    assert (
        "Not combined: study-1 (augmentation), as their standard error is unknown without two "
        "seeds that differ."
    ) in caveats
    assert any(line.startswith("Augmentation: not of the same arms in all") for line in caveats)
    assert b'"reason": "unknown"' in own_files(some, make_page(some))["report.json"]


def test_studies_of_data_of_their_own_are_said_to_be_that(synthesis: Synthesis):
    other = replace(synthesis, same_data=(), same_seeds=())
    assert synthesis_caveats(other)[0] == "No two studies use the same data."
    some = replace(synthesis, same_data=(("study-0", "study-1"),), same_seeds=())
    assert synthesis_caveats(some)[0] == (
        "These studies use the same data: study-0 and study-1. They do not count as studies of "
        "different data, so for other data the intervals are too narrow."
    )


def test_the_page_has_the_answer_a_forest_per_effect_and_no_other_host(folder: Path):
    page = (folder / "index.html").read_text(encoding="utf-8")
    for name in ("pooled", *(f"forest-{i}" for i in range(1, 7))):
        assert f'id="figure-{name}"' in page
        assert (folder / "figures" / f"{name}.svg").is_file()
        assert (folder / "data" / f"{name}.csv").is_file()
    assert "Without one study after the other" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    text = (folder / f"{folder.name}.md").read_text(encoding="utf-8")
    assert text.startswith("# 5 studies together: test accuracy\n")
    assert "Augmentation: +" in text


def test_the_summary_holds_all_numbers_by_study(folder: Path, synthesis: Synthesis):
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert found["kind"] == "synthesis"
    assert [own["name"] for own in found["studies"]] == [f"study-{i}" for i in range(5)]
    first = found["effects"][0]
    assert first["pooled"]["estimate"] == synthesis.effects[0].pooled.estimate
    assert len(first["studies"]) == len(first["without"]) == 5
    rows = (folder / "data" / "studies.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 18 * 5


def test_the_same_synthesis_gives_the_same_bytes(
    synthesis: Synthesis, folder: Path, tmp_path, forget_drawings
):
    forget_drawings()
    again = render_combined(synthesis, tmp_path).parent
    for path in folder.rglob("*"):
        if path.is_file():
            assert (again / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_the_site_and_a_blog_list_it_as_a_study_of_its_own(folder: Path, tmp_path: Path):
    index = make_site([folder.parent], tmp_path / "site").read_text(encoding="utf-8")
    assert f"{folder.name}/index.html" in index
    assert "5 studies together: test accuracy" in index
    (tmp_path / "blog" / "_posts").mkdir(parents=True)
    (post,) = make_posts([folder.parent], tmp_path / "blog")
    assert post.name.endswith(f"-{folder.name}.md")


def test_it_never_replaces_the_report_of_a_study(synthesis: Synthesis, make: Make, tmp_path):
    name = page_name(synthesis)
    render_report(make(slug=name), tmp_path)
    with pytest.raises(StudyError, match="is another report"):
        render_combined(synthesis, tmp_path)


def test_a_long_list_of_studies_still_has_a_name_that_a_folder_can_have(synthesis: Synthesis):
    studies = tuple(
        replace(own, name=f"{'long-' * 10}{i}") for i, own in enumerate(synthesis.studies)
    )
    assert len(page_name(replace(synthesis, studies=studies))) < 30


def test_each_section_has_a_table_or_figure(synthesis: Synthesis):
    page = make_page(synthesis)
    assert [section.anchor for section in page.sections] == [
        "effects", "forests", "simple", "robustness", "studies"
    ]  # fmt: skip
    assert all(section.blocks for section in page.sections)
