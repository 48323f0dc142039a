"""The listing has the fields that the documentation names, and leads to pages that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ablations.report.site.contents import Site, SiteStudy, StudyHistory
from ablations.report.site.listing import listing
from ablations.sites import make_site

DOCS = Path(__file__).parents[3] / "docs" / "site.md"


def document(site: Site) -> dict[str, Any]:
    (content,) = listing(site).values()
    return json.loads(content)


def fields(value: object, path: str = "") -> Iterator[str]:
    """Yields the paths of all fields; what is between brackets is a list."""
    if isinstance(value, dict) and path.rpartition(".")[2] not in ("gates", "arm"):
        for name, own in value.items():
            yield (inner := f"{path}.{name}".lstrip("."))
            yield from fields(own, inner)
    if isinstance(value, list):
        for own in value:
            yield from fields(own, f"{path}[]")


def test_the_listing_says_what_was_found(site: Site):
    found = document(site)
    assert found["schema"] == 1
    first, second = found["studies"]
    assert first["question"] == "Do augmentation, preprocessing and transfer each help?"
    assert first["gates"] == {"failed": 1, "inconclusive": 1, "passed": 2}
    assert first["arms"][0] == "baseline"
    assert first["history"]["commit"]["name"] == f"{11:040x}"
    series = first["history"]["series"][0]
    assert series["arm"] == {"augmentation": "off", "preprocessing": "off", "initialization": "scratch"}  # fmt: skip
    assert [own["verdict"] for own in series["changes"]] == ["regressed", "improved"]
    assert series["changes"][0]["vanished"] == series["changes"][1]["commit"]
    assert (second["report"], second["history"]) == ("deep/other/index.html", None)


def test_the_documentation_names_each_field(site: Site):
    _, _, listed = DOCS.read_text(encoding="utf-8").partition("## The listing\n")
    table = re.findall(r"^\| `([\w.\[\]]+)` \|", listed, re.MULTILINE)
    assert set(table) == set(fields(document(site)))


def test_a_study_of_a_history_alone_and_an_odd_name_are_listed(past: Callable[..., StudyHistory]):
    (own,) = document(Site([SiteStudy("a\udcff", None, past(title='"\x00</script>'))]))["studies"]
    assert own["title"] == '"\x00</script>'
    assert (own["report"], own["answer"], own["arms"]) == (None, [], [])


def test_the_committed_reports_are_listed_with_their_pages(tmp_path: Path):
    make_site([Path(__file__).parents[3] / "reports"], tmp_path / "site")
    found = json.loads((tmp_path / "site" / "index.json").read_text(encoding="utf-8"))
    assert len(found["studies"]) > 5
    for own in found["studies"]:
        assert (tmp_path / "site" / own["report"]).is_file()
