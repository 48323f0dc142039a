from __future__ import annotations

from pathlib import Path

import pytest

from ablations.records.written import ATTRIBUTES, MANIFEST, without_results


@pytest.fixture
def top(tmp_path: Path) -> Path:
    report = tmp_path / "reports" / "é study"
    report.mkdir(parents=True)
    (report / MANIFEST).write_text(f"{'0' * 64}  report.json\n{'0' * 64}  data/arms.csv\n")
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / ".gitattributes").write_text(ATTRIBUTES)
    return tmp_path


@pytest.mark.parametrize(
    "path",
    [
        "reports/é study/report.json",
        "reports/é study/data/arms.csv",
        f"reports/é study/{MANIFEST}",
        "history/study/2026-11.jsonl",
        "history/study/environments.jsonl",
    ],
)
def test_what_we_wrote_is_a_result(top: Path, path: str):
    assert without_results([path], top) == ()


@pytest.mark.parametrize(
    "path",
    [
        "reports/é study/train.py",  # a file of the user beside the report's
        "reports/report.json",
        "report.json",
        "reports/other/report.json",  # without a list it is nobody's
        "data/2026-11.jsonl",  # data that are called like a month of a history
        "data/environments.jsonl",
        "history/study/labels.jsonl",
        "study.toml",
    ],
)
def test_all_else_is_not(top: Path, path: str):
    assert without_results([path], top) == (path,)
