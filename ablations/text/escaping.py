"""Escapes text for HTML, SVG, YAML, terminals, and Markdown as GitHub and kramdown read it.

Names, captions and messages come from studies, training functions and the records of others.
"""

from __future__ import annotations

import json
import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
"""What XML and YAML do not allow, and control characters that HTML does not."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All that moves a cursor or more, apart from tabs and new lines."""

_LINE_ENDS = re.compile("[\u2028\u2029\x85]")
_MARKS = re.compile(
    r"(?P<interval>\[(?=[^\]]*\d)[+−\d., \u202f]+\](?![(\[:]))"  # plain numbers are no link
    r"|[\\`*\[\]|~${]|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|&(?=#?\w+;)"
)
_FIRST = re.compile(
    r"(?P<number>\d{1,9})(?=[.)](?:\s|$))|[#>:](?!\w+;)|[-+](?=[\s+=-]|$)|=(?==*\s*$)"
)
"""What makes a line a list, a heading, a quotation or a definition, at its beginning."""

_IN_HTML = re.compile(r"[\\`*\[\]|~${}<>&\"'^]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"<": "&lt;", "&": "&amp;"}


def printable(text: str) -> str:
    """Replaces each character that a page or a text file must not contain."""
    if text.isascii() and text.isprintable():  # most are, and there are many
        return text
    return _UNPRINTABLE.sub("\ufffd", _LINE_ENDS.sub(" ", text))


def harmless(text: str) -> str:
    r"""Replaces each control character, so that a terminal obeys no text of a record.

    Example:
        >>> harmless("\x1b[2J gone")
        '�[2J gone'
    """
    return _CONTROL.sub("\ufffd", text)


def one_line(text: str) -> str:
    """Makes text one line of printable characters."""
    return printable(re.sub(r"[\t\r\n\f\v]+", " ", text)).strip(" ")


def shortened(text: str, most: int) -> str:
    """Cuts text that may be of any length, such as the message of an error.

    Example:
        >>> shortened("no such layer", 10), shortened("no", 10)
        ('no such l…', 'no')
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def escape_markdown(text: str) -> str:
    r"""Escapes text for Markdown, in which it is then no markup, HTML, template or second line.

    Example:
        >>> escape_markdown("a|b <script> test_accuracy *x* [93.1, 96.8] {: onclick}")
        'a\\|b &lt;script> test_accuracy \\*x\\* [93.1, 96.8] \\{: onclick}'
    """
    flat = one_line(text)
    if flat == "^":  # kramdown ends a block here, and has no escape for it
        return "&#94;"
    escaped = _MARKS.sub(_escaped_mark, flat)
    return _FIRST.sub(_escaped_first, escaped, count=1) if _FIRST.match(escaped) else escaped


def _escaped_mark(found: re.Match[str]) -> str:
    return found["interval"] or _ENTITIES.get(found[0]) or f"\\{found[0]}"


def _escaped_first(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found["number"] else f"\\{found[0]}"


def escape_entities(text: str) -> str:
    """Escapes text within an HTML tag, which not all readers of Markdown take for HTML.

    Example:
        >>> escape_entities("a*b* {{ c }} test_loss")
        'a&#42;b&#42; &#123;&#123; c &#125;&#125; test_loss'
    """
    return _IN_HTML.sub(lambda found: f"&#{ord(found[0])};", one_line(text))


def fence(text: str, language: str) -> str:
    """Writes lines as a code block, between fences longer than any in the text.

    Example:
        >>> print(fence("x", "text"))
        ~~~text
        x
        ~~~
    """
    lines = printable(text)
    longest = max(map(len, re.findall(r"~+", lines)), default=0)
    tildes = "~" * max(3, longest + 1)
    return f"{tildes}{language}\n{lines}\n{tildes}"


def quote_yaml(text: str) -> str:
    """Writes one line as a YAML string that holds no HTML tag, even where a layout does not escape.

    Example:
        >>> quote_yaml("a: b")
        '"a: b"'
    """
    inert = re.sub(r"<(?=[A-Za-z/!?])", "<\u2060", one_line(text))  # an invisible joiner
    return json.dumps(inert, ensure_ascii=False)


_REFERENCES = re.compile(r"@|#(?=\d)|://|www(?=\.)|\bgh(?=-\d)|:(?=[\w+-]+:)", re.IGNORECASE)
"""What GitHub and GitLab make a mention, a reference, a link or an emoji of, in text."""


def escape_comment(text: str) -> str:
    r"""Escapes text for a comment, in which it also calls nobody and links to nothing.

    Example:
        >>> escape_comment("@all see #12").replace("\u2060", "·")
        '@·all see #·12'
    """
    return escape_markdown(_REFERENCES.sub("\\g<0>\u2060", one_line(text)))


def escape_command(text: str) -> str:
    r"""Escapes the text of a workflow command of GitHub, in which it is then no other command.

    Example:
        >>> escape_command("90%\n::error::x")
        '90%25 ::error::x'
    """
    return one_line(text).replace("%", "%25")


def escape_property(text: str) -> str:
    """Escapes a property of a workflow command, such as its title.

    Example:
        >>> escape_property("a: b, c")
        'a%3A b%2C c'
    """
    return escape_command(text).replace(":", "%3A").replace(",", "%2C")


_IN_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"{\char34}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}", "[": "{[}", "*": "{*}", "\ufffd": "{?}",
    "\u2212": r"\ensuremath{-}", "\u2013": r"\textendash{}", "\u2014": r"\textemdash{}",
    "\u2018": r"\textquoteleft{}", "\u2019": r"\textquoteright{}", "\u2026": r"\ldots{}",
    "\u00d7": r"\ensuremath{\times}", "\u00b1": r"\ensuremath{\pm}", "\u00b5": r"\ensuremath{\mu}",
    "\u202f": r"\,", "\u00a0": "~", "\u2060": "",
    "\u2190": r"\ensuremath{\leftarrow}", "\u2191": r"\ensuremath{\uparrow}",
    "\u2192": r"\ensuremath{\rightarrow}", "\u2193": r"\ensuremath{\downarrow}",
    "\u25b2": r"\ensuremath{\bigtriangleup}", "\u25bc": r"\ensuremath{\bigtriangledown}",
    "\u2501": r"\textemdash{}", "\u207b": r"\textsuperscript{\ensuremath{-}}",
    "\u2070": r"\textsuperscript{0}",
    **{chr(0x2070 + digit): rf"\textsuperscript{{{digit}}}" for digit in range(4, 10)},
}  # fmt: skip
"""What is a command or an active character in LaTeX, or an option after the end of a row, and signs
of ours that its fonts lack. Letters that are not Latin stay; they need LuaLaTeX or XeLaTeX."""


def escape_latex(text: str) -> str:
    r"""Escapes text for LaTeX, in which it is then only text.

    Example:
        >>> print(escape_latex("50% of \\input{x_1} & more"))
        50\% of \textbackslash{}input\{x\_1\} \& more
    """
    escaped = "".join(_IN_LATEX.get(sign, sign) for sign in one_line(text))
    return re.sub("-(?=-)", "-{}", escaped)
