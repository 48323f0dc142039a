"""The numbers of docs/posts.md and of the README are those of the committed reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports" / "posts"
PAGE = (ROOT / "docs" / "posts.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
STEPS = {
    "augmentation": "augmentation",
    "preprocessing": "preprocessing",
    "initialization": "transfer",
}
KEPT = ["best_val_accuracy", "val_accuracy", "test_accuracy"]


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return PAGE.split(f"# {title}\n")[1].split("\n#")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of tables; a post's letter is written once."""
    found, letter = [], ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and not set(line) <= set("|-: "):
            letter = cells[0] or letter
            found.append([letter, *cells[1:]])
    return found


def points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def percent(share: float) -> str:
    return f"{100 * min(share, 1):.1f}"


def expected_run(own: Any) -> str:
    """The range of one more run; of two kinds of networks one each, or that it is unknown."""
    if pd.notna(own.prediction_low):
        return f" [{percent(own.prediction_low)}, {percent(own.prediction_high)}]"
    kinds = (
        (own.prediction_untrained_low, own.prediction_untrained_high),
        (own.prediction_trained_low, own.prediction_trained_high),
    )
    shown = [f"[{percent(a)}, {percent(b)}]" if pd.notna(a) else "unknown" for a, b in kinds]
    return f", {' or '.join(shown)}"


def survival(post: str) -> pd.DataFrame:
    return pd.read_csv(REPORTS / f"post-{post}-clean" / "data" / "survival.csv").set_index("factor")


@pytest.mark.parametrize("post", "abcde")
def test_each_published_step_stands_beside_ours(post: str) -> None:
    table = rows(section("What came out"))
    for factor, step in STEPS.items():
        own = survival(post).loc[factor]
        low, high = points(own.adjusted_low), points(own.adjusted_high)
        ours = f"{points(own.estimate)} [{low}, {high}] pp"
        assert [post, step, f"{points(own.published)} pp", ours] in table


def test_the_steps_left_open_have_their_price() -> None:
    text = section("What it would take to decide the rest")
    every = pd.concat({post: survival(post) for post in "abcde"})
    decided = every[every.verdict != "inconclusive"]
    assert f"decide {len(decided)} of\nthe {len(every)} steps above" in text
    needed = every[every.seeds_no_effect_80.notna()]
    assert len(needed) == len(rows(text)) - 1
    for (post, factor), own in needed.iterrows():
        shown = next(row for row in rows(text) if row[:2] == [post, STEPS[factor]])
        seeds = [f"{n:.0f}" for n in (own.seeds_as_measured_80, own.seeds_no_effect_80)]
        assert [cell.partition(" (")[0] for cell in shown[2:]] == seeds


def test_each_published_number_stands_beside_the_run_that_is_expected() -> None:
    table, outside, models = rows(section("The published numbers")), 0, set()
    for post in "abcde":
        frame = pd.read_csv(REPORTS / f"post-{post}" / "data" / "published.csv")
        for own in frame.itertuples():
            if own.metric not in KEPT:
                continue
            mark = {"True": "", "False": " ✗"}.get(str(own.inside), " ?")
            outside += mark == " ✗"
            models |= {(post, own.model)} if mark == " ✗" else set()
            line = next(row for row in table if row[:2] == [post, own.model])
            place = 2 + 2 * KEPT.index(own.metric)
            said, ours = line[place : place + 2]
            assert said == f"{percent(own.published)}{mark}"
            assert ours == f"{percent(own.mean)}{expected_run(own)}"
    assert f"Of 45 published numbers {outside} lie outside" in PAGE
    assert f"{len(models)} of the\n20 models have at least one" in PAGE
    assert f"{outside} of\ntheir 45 published numbers" in README


def test_what_fine_tuning_is_worth_is_what_its_report_says() -> None:
    report = json.loads((REPORTS / "fine-tuning" / "report.json").read_text(encoding="utf-8"))
    table = rows(section("What fine-tuning is worth"))
    for row, effect in zip(table[2:], report["effects"], strict=True):
        low, high = (points(end) for end in effect["adjusted"])
        assert row[2] == f"{points(effect['estimate'])} [{low}, {high}] pp"
        assert row[3] == effect["verdict"] == "equivalent"
    last = report["effects"][-1]
    low, high = (points(end) for end in last["adjusted"])
    assert f"({points(last['estimate'])} pp, {low} to {high}, adjusted)" in README
    means = [arm["mean"] for arm in report["arms"]]
    assert [row[1] for row in table[1:]] == [f"{percent(mean)}%" for mean in means]


def test_how_often_model_1_of_post_b_trains_is_what_its_records_say() -> None:
    lines = (REPORTS / "records" / "experiments" / "post-b-model1.jsonl").read_text("utf-8")
    reached = [
        (record["epochs"][-1]["loss"] < 1, max(own["val_accuracy"] for own in record["epochs"]))
        for record in map(json.loads, lines.splitlines())
    ]
    assert len(reached) == 15
    first, second = sorted(percent(best) for trained, best in reached if trained)
    assert f"validation accuracies are {first} and {second}% (published: 63.7%)" in PAGE
    lost = sorted(percent(best) for trained, best in reached if not trained)
    assert f"the others'\n  {lost[0]} to {lost[-1]}%" in PAGE
