"""A look changes pages block by block, and what is wrong in it is one line with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablations.errors import StudyError
from ablations.report.formats.html import looking, own_style, render_html
from ablations.report.site.cards import index
from ablations.report.site.contents import Site

OURS = '{% extends "ablations/index.html.j2" %}\n'


def shown(folder: Path, text: str, *, name: str = "index.html.j2") -> str:
    """Sets the index with a template of a look."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    with looking(folder):
        (page,) = index(Site(())).values()
    return str(page)


def error_of(folder: Path, text: str, *, name: str = "index.html.j2") -> str:
    with pytest.raises(StudyError) as error:
        shown(folder, text, name=name)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_template_changes_one_block_and_keeps_the_others(tmp_path: Path):
    ours = str(next(iter(index(Site(())).values())))
    page = shown(tmp_path, OURS + "{% block title %}Our lab{% endblock %}")
    assert page == ours.replace("<title>Ablation studies</title>", "<title>Our lab</title>")
    more = OURS + "{% block body %}<p>Before</p>{{ super() }}{% endblock %}"
    assert shown(tmp_path, more).replace("<p>Before</p>", "", 1) == ours


def test_the_base_of_all_pages_can_be_changed_even_later(tmp_path: Path):
    assert "<p>End</p>" not in shown(tmp_path, OURS)
    blocks = "".join(
        f"{{% block {name} %}}{{% endblock %}}" for name in ("policy", "description", "body")
    )
    page = shown(tmp_path, f"<title>{{% block title %}}{{% endblock %}}</title>{blocks}<p>End</p>", name="_base.html.j2")  # fmt: skip
    assert page.startswith("<title>Ablation studies</title>")
    assert page.endswith("<p>End</p>")


def test_a_look_lasts_as_long_as_it_is_asked_for(tmp_path: Path):
    before = render_html("index.html.j2", ())
    assert shown(tmp_path, "mine") == "mine"
    assert render_html("index.html.j2", ()) == before
    assert own_style() == ""


def test_text_of_studies_is_escaped_there_too(tmp_path: Path):
    (tmp_path / "index.html.j2").write_text("{{ page }}")
    with looking(tmp_path):
        assert render_html("index.html.j2", "<script>\x00") == "&lt;script&gt;\ufffd"


def test_a_style_is_read_as_it_is_and_cannot_end_its_element(tmp_path: Path):
    (tmp_path / "style.css").write_text("a{#b{c:d}}{{ x }}")
    with looking(tmp_path):
        assert own_style() == "a{#b{c:d}}{{ x }}"
    (tmp_path / "style.css").write_text("a{}\n</STYLE><script>")
    with looking(tmp_path), pytest.raises(StudyError) as error:
        own_style()
    assert str(error.value) == (
        f"{tmp_path}/style.css:2: a style sheet cannot hold this, as it would end there. Received: "
        "</style. Write it without the elements around it, or as <\\/style within a string."
    )
    (tmp_path / "style.css").write_bytes(b"\xff")
    with (
        looking(tmp_path),
        pytest.raises(StudyError, match=r"style.css is no text. Received: .*UTF-8"),
    ):
        own_style()


CURE = "Correct this line; docs/site.md says what a look can change."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n{% block title %}\n{% endblok %}", ":4: this is no template. Received: Encountered unknown tag 'endblok'. Jinja was looking for the following tags: 'endblock'. The innermost block that needs to be closed is 'block'. " + CURE),
        ("a\n{{ }", ":3: this is no template. Received: unexpected '}'. " + CURE),
        ("\n{% block title %}\n{{ pag.title }}{% endblock %}", ":4: this template cannot be set. Received: 'pag' is undefined. " + CURE),
        ("{% block title %}{{ page.title }}{% endblock %}", ":2: this template cannot be set. Received: 'tuple object' has no attribute 'title'. " + CURE),
        ("{% block title %}{{ 1 / 0 }}{% endblock %}", ":2: this template cannot be set. Received: ZeroDivisionError: division by zero. " + CURE),
        ("{% block title %}{% include 'x' %}{% endblock %}", ":2: this template cannot be set. Received: there is no template x. " + CURE),
        ("{% block titel %}{% endblock %}", ":2: ablations/index.html.j2 has no block of this name. Received: titel. Did you mean 'title'? It has body, description, policy, script, title."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_file_and_line(tmp_path: Path, text: str, message: str):
    found = error_of(tmp_path, OURS + text)
    assert found.startswith(f"{tmp_path}/index.html.j2{message}"), found
    assert shown(tmp_path, OURS)  # the cure


def test_names_that_would_have_no_effect_are_refused(tmp_path: Path):
    found = error_of(tmp_path, "", name="idnex.html.j2")
    assert found == (
        f"{tmp_path}/idnex.html.j2 takes the place of no template. Received: idnex.html.j2. Did you "
        "mean 'index.html.j2'? Name it as one of ours (arm.html.j2, history.html.j2, index.html.j2, "
        "report.html.j2, search.html.j2), or with _ in front if another one includes it."
    )
    (tmp_path / "idnex.html.j2").unlink()
    own = error_of(tmp_path, '{% extends "index.html.j2" %}')
    assert own == (
        f"{tmp_path}/index.html.j2: a template cannot extend itself. Received: index.html.j2. Extend "
        'ours: {% extends "ablations/index.html.j2" %}.'
    )
    missing = tmp_path / "none"
    with pytest.raises(StudyError, match=f"there is no such folder of a look. Received: {missing}"):
        looking(missing).__enter__()


def test_the_look_of_the_documentation_works(tmp_path: Path):
    text = (Path(__file__).parents[3] / "docs" / "site.md").read_text(encoding="utf-8")
    (template,) = re.findall(r"```jinja\n(.*?)```", text, re.DOTALL)
    (style,) = re.findall(r"```css\n(.*?)```", text, re.DOTALL)
    (tmp_path / "style.css").write_text(style)
    page = shown(tmp_path, template)
    assert "<title>Studies of our lab</title>" in page
    assert page.index("what helped.</p>") < page.index("<h1>Ablation studies</h1>")
    with looking(tmp_path):
        assert own_style() == style
