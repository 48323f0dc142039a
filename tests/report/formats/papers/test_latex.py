"""Tables and figures for papers are compiled by LaTeX, whatever names hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ablations.errors import StudyError
from ablations.report.formats.papers.contents import Numbers, PaperTable
from ablations.report.formats.papers.latex import _set, latex
from ablations.report.writing import write_formats
from ablations.text.escaping import escape_latex

DOCUMENT = r"""
\documentclass{article}
\usepackage{booktabs}
\usepackage{siunitx}
\usepackage{graphicx}
\usepackage{pgf}
\begin{document}
%s
\end{document}
"""


def compiled(folder: Path, *, hostile: bool = False) -> str:
    """Compiles all tables and figures of a folder; returns the words of LaTeX's log."""
    tables = [rf"\input{{{path.stem}}}\par" for path in sorted(folder.glob("*.tex"))]
    figures = [
        rf"\resizebox{{\linewidth}}{{!}}{{\input{{{path.name}}}}}\par"
        for path in sorted(folder.glob("*.pgf"))
    ]
    drawings = [
        rf"\includegraphics[width=\linewidth]{{{path.name}}}\par"
        for path in sorted(folder.glob("*.pdf"))
    ]
    (folder / "main.tex").write_text(DOCUMENT % "\n".join([*tables, *figures, *drawings]))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "main.tex"],
        cwd=folder, capture_output=True, timeout=240, check=False,
    )  # fmt: skip
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    return log


needs_tex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="needs pdflatex with booktabs and siunitx"
)


def test_a_table_has_aligned_numbers_and_its_unit_in_the_heading(decision):
    files = latex(decision)
    assert sorted(files) == [
        "arms-without-intervals.tex",
        "arms.tex",
        "effects-without-intervals.tex",
        "effects.tex",
    ]
    lines = str(files["effects.tex"]).splitlines()
    assert lines[2] == (
        r"\begin{tabular}{l l S[table-format=-2.1] S[table-format=-2.1] S[table-format=-2.1] "
        r"S[table-format=1.0] l}"
    )
    assert lines[4] == (
        r"Factor & Levels & {Change (pp)} & \multicolumn{2}{c}{Adjusted 95\% interval} & "
        r"{Seeds} & Verdict \\"
    )
    assert (
        r"augmentation \ensuremath{\times} initialization & off \ensuremath{\rightarrow} on, "
        r"scratch \ensuremath{\rightarrow} transfer & -8.5 & -11.4 & -5.6 & 3 & worse \\" in lines
    )
    assert "-11.4" not in str(files["effects-without-intervals.tex"])


def test_what_is_unknown_is_a_dash_and_no_number(nothing, decide):
    files = latex(decide(nothing))
    assert "off & off & scratch & {--} & {--} & {--} & 0 \\\\" in str(files["arms.tex"])
    assert "effects.tex" not in files


def test_very_large_and_very_small_numbers_have_an_exponent(make, decide):
    from ablations.core.metrics import MetricInfo

    steps = MetricInfo("steps", "number", "higher")
    found = decide(make(metric=steps, gains={"augmentation": 2e13}))
    text = str(latex(found)["arms.tex"])
    assert re.search(r"S\[table-format=-?\d+\.\d+e2\]", text)
    assert re.search(r"& 2\.00e\+13 &", text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("[5cm] *x", "{[}5cm] {*}x"),
        ("a--b", "a-{}-b"),
        ("$x_1^2$ & 5% #1 ~", r"\$x\_1\textasciicircum{}2\$ \& 5\% \#1 \textasciitilde{}"),
        ("−1\u202fpp × 10⁻³", r"\ensuremath{-}1\,pp \ensuremath{\times} 10\textsuperscript{"
         r"\ensuremath{-}}³"),
    ],
)  # fmt: skip
def test_a_name_is_never_a_command(name, text):
    assert escape_latex(name) == text


@needs_tex
def test_tables_and_figures_compile(decision, tmp_path: Path):
    write_formats(decision, ["latex", "pdf", "pgf"], tmp_path)
    assert {path.stem for path in tmp_path.glob("*.pgf")} >= {"arms", "effects", "interactions"}
    log = compiled(tmp_path)
    assert "Missing character" not in log
    assert (tmp_path / "main.pdf").stat().st_size > 10_000


@needs_tex
def test_names_that_look_like_commands_compile_as_text(hostile, tmp_path: Path):
    write_formats(hostile, ["latex", "pgf"], tmp_path)
    compiled(tmp_path)


def test_without_tex_pgf_says_what_to_do(decision, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(StudyError) as caught:
        write_formats(decision, ["pgf"], tmp_path)
    assert str(caught.value) == (
        "PGF needs a TeX system, which says how wide the words of a figure are. Received: none of "
        "pdflatex, lualatex and xelatex is installed. Install TeX Live, or use --format pdf."
    )
    assert not list(tmp_path.iterdir())


def test_a_narrow_interval_keeps_its_width():
    numbers = Numbers("Test accuracy", "95% interval", (0.76127,), ((0.76119, 0.76135),))
    table = PaperTable("t", "c", "b", "fraction", {"arm": ("off",)}, (numbers,), (5,))
    assert r"off & 76.127 & 76.119 & 76.135 & 5 \\" in _set(table, "c", intervals=True)
    assert r"off & 76.127 & 5 \\" in _set(table, "c", intervals=False)
