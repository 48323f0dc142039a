"""What a page may show and run: its policy names its own styles and scripts by their digests.

Texts of a study are escaped and stand in no style and no script, so those in the head of a page are
ours, or those of the user's look. What stands anywhere else is not allowed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping

_POLICY = re.compile(r'(http-equiv="Content-Security-Policy" content=")([^"]*)(")')
_INLINE = re.compile(r"<(style|script)\b[^>]*>(.*?)</\1>", re.DOTALL)
_ANY = "'unsafe-inline'"


def digest(text: str) -> str:
    """Returns the source by which a policy allows one style or script.

    Example:
        >>> digest("a{}")
        "'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='"
    """
    found = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return f"'sha256-{base64.b64encode(found).decode()}'"


def rules_of(page: str) -> dict[str, str]:
    """Returns the rules of a page's policy by their names; empty where it has none."""
    found = _POLICY.search(page)
    return _parsed(found[2]) if found else {}


def allowing(page: str, more: Mapping[str, str]) -> str:
    """Returns a page whose policy, if it has one, allows these sources as well.

    Args:
        page: The page.
        more: Sources by the names of their rules. A rule that allows all styles or scripts stays as
            it is, because with a digest in it browsers would allow that one alone.
    """
    return _POLICY.sub(lambda own: f"{own[1]}{_extended(own[2], more)}{own[3]}", page, count=1)


def sealed(page: str) -> str:
    """Returns a page whose policy allows the styles and scripts in its head, and no others."""
    head, _, _ = page.partition("</head>")
    more: dict[str, str] = {}
    for kind, text in _INLINE.findall(head):
        name = f"{kind}-src"
        more[name] = f"{more.get(name, '')} {digest(text)}".strip()
    return allowing(page, more) if more else page


def _extended(policy: str, more: Mapping[str, str]) -> str:
    """Adds sources to the rules of a policy, each once.

    Example:
        >>> _extended("img-src 'self'; script-src 'x'", {"script-src": "'x' 'y'", "a-src": "z"})
        "img-src 'self'; script-src 'x' 'y'; a-src z"
    """
    rules = _parsed(policy)
    for name, sources in more.items():
        own = rules.get(name, "").split()
        if _ANY not in own:
            rules[name] = " ".join(dict.fromkeys([*own, *sources.split()]))
    return "; ".join(f"{name} {sources}".strip() for name, sources in rules.items())


def _parsed(policy: str) -> dict[str, str]:
    return dict(rule.strip().partition(" ")[::2] for rule in policy.split(";") if rule.strip())
