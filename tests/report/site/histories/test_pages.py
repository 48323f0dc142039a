"""The pages of a history: what they say first, what they fold, and how they lead to each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from ablations.core.past import Commit
from ablations.report.site.contents import SiteStudy, StudyHistory
from ablations.report.site.histories.arm import arm_pages
from ablations.report.site.histories.overview import SHOWN_RUNS, overview
from ablations.report.site.histories.pages import history_from, history_pages

Past = Callable[..., StudyHistory]
ATTACK = '"><script>alert(1)</script><!-- home -->{{ 1 }}\x00'


def pages(past: StudyHistory) -> dict[str, str]:
    found = history_pages(SiteStudy("a/b", None, past), None)
    return {name.rpartition("/")[2]: own for name, own in found.items() if isinstance(own, str)}


def test_the_newest_commit_is_what_is_said_first(past: Past) -> None:
    fell = past((0.0,) * 8 + (-0.04,))
    page = overview(fell)
    assert re.fullmatch(
        r"The newest commit, 0000000000 \(9 November 2026\), brought to light: baseline: test "
        r"accuracy ▼\xa0regressed by −[34]\.\d\u202fpp \[−.*\]\u202fpp\.",
        page.answer[0],
    )
    text = pages(fell)["index.html"]
    assert text.index("brought to light") < text.index("<table") < text.index("Past runs")
    assert page.answer[1].startswith("Test accuracy: of 8 arms, 1 regressed and ")
    still = past((0.0,) * 9)
    assert overview(still).answer[0] == (
        "The newest commit, 0000000000 (9 November 2026), brought no change to light."
    )


def test_a_first_commit_has_pages_and_says_that_there_is_none_before(past: Past) -> None:
    first = past((0.0,))
    page = overview(first)
    assert page.answer == (
        "0000000000 (1 November 2026) is the only commit on this data: there is none to compare it "
        "with.",
    )
    assert {row.verdict for _, rows in page.tables for row in rows} == {"?\xa0inconclusive"}
    (arm, *_) = arm_pages(first).values()
    assert arm.answer.endswith(
        "There is no earlier commit to compare it with since the last change."
    )
    assert len(pages(first)) >= 9


def test_each_commit_leads_to_its_row_on_the_page_of_the_arm(past: Past) -> None:
    fell = past()
    page = overview(fell)
    links = [mean.address for run in page.runs for mean in run.means]
    assert len(links) == 12 * 6
    texts = pages(fell)
    for link in links:
        file, _, anchor = link.partition("#")
        assert f'id="{anchor}"' in texts[file]
    with_change = [run for run in page.runs if run.found]
    assert [run.day for run in with_change][-1] == "7 November 2026"
    assert page.more_arms == "2 more arms have pages of their own, above."


def test_old_runs_fold_away(past: Past) -> None:
    many = past((0.0,) * 3)
    commits = [Commit(f"{i:040x}", "2026-11-20T00:00:00+00:00") for i in range(120)]
    series = tuple(
        replace(own, levels=tuple(replace(own.levels[0], commit=commit) for commit in commits))
        for own in many.found.series
    )
    found = replace(many.found, commits=tuple(commits), series=series)
    many = replace(many, found=found)
    page = overview(many)
    assert (len(page.runs), len(page.older)) == (SHOWN_RUNS, 70)
    assert "<summary>70 earlier runs</summary>" in pages(many)["index.html"]
    arm = next(iter(arm_pages(many).values()))
    assert (len(arm.rows), len(arm.older)) == (SHOWN_RUNS, 70)


def test_a_commit_that_was_left_out_has_its_row_without_numbers(past: Past) -> None:
    own = past((0.0,) * 4)
    other = Commit("f" * 40, "2026-10-01T00:00:00+00:00")
    own = replace(
        own, found=replace(own.found, commits=(other, *own.found.commits), n_other_data=1)
    )
    page = overview(own)
    assert {mean.words for mean in page.runs[-1].means} == {"–"}
    assert page.limits == ("1 commit left out: measured on other data",)


def test_arms_lead_to_the_next_and_the_one_before(past: Past) -> None:
    own = past((0.0,) * 3)
    found = arm_pages(own)
    files = list(found)
    assert files == [arm.file for arm in own.arms]
    steps = [(p.previous and p.previous.address, p.following and p.following.address)
             for p in found.values()]  # fmt: skip
    assert steps == list(zip([None, *files[:-1]], [*files[1:], None], strict=True))


def test_the_uncertainty_of_a_change_is_said_in_commits(past: Past) -> None:
    own = past((0.0,) * 12 + (-0.0075,) + (-0.015,) * 9)
    series = next(each for each in own.found.series if each.changes)
    (change,) = series.changes
    names = [level.commit for level in series.levels]
    n = names.index(change.latest) - names.index(change.after)
    text = next(page for page in arm_pages(own).values() if page.changes).changes[0]
    assert n > 1
    assert text.endswith(f": one of {n} commits.")


def test_hostile_names_are_only_text(past: Past) -> None:
    own = past((0.0,) * 6 + (-0.04,) * 3, title=ATTACK, question=ATTACK)
    arms = len(own.labels)
    own = replace(own, labels=tuple(f"{ATTACK}{i // 2}" for i in range(arms)))
    texts = pages(own)
    assert len(texts) == arms + 2
    for name, text in texts.items():
        assert text.count("<script") == name.endswith(".html")  # ours
        assert "\x00" not in text
        assert text.count("<!-- home -->") == (name.endswith(".html"))
        assert re.fullmatch(r"[a-z0-9-]+\.(html|svg)", name)


@pytest.mark.parametrize("labels", ["same", "", "…", "index", "x" * 300])
def test_arms_have_files_of_their_own_whatever_they_are_called(past: Past, labels: str) -> None:
    own = past((0.0,) * 2)
    own = replace(own, labels=(labels,) * len(own.labels))
    files = [arm.file for arm in own.arms]
    assert len(set(files)) == len(files)
    assert all(len(file) < 110 and file != "index.html" for file in files)


def test_the_numbers_beside_the_pages_are_the_history(past: Past) -> None:
    own = past()
    numbers = history_pages(SiteStudy("a", None, own), None)["a/history/history.json"]
    assert isinstance(numbers, bytes)
    assert history_from(numbers) == own
    assert history_from(b"{}") is None
    assert history_from(b"\xff") is None
