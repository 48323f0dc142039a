"""Has pages reload themselves: only as they are served, never as they lie on the disk."""

from __future__ import annotations

import base64
import hashlib
import re

EVENTS = "/.ablations/events"
"""Where pages listen; no site has a file there."""

_SCRIPT = "new EventSource({address!r}).onmessage = () => location.reload()"
_POLICY = re.compile(r'(http-equiv="Content-Security-Policy" content=")([^"]*)(")')


def reloading(page: bytes, version: int) -> bytes:
    """Returns a page with a script that loads it again once there is another version of the site.

    The page's own policy is kept, and allows this one script and its connection as well.

    Args:
        page: As it was built.
        version: The one that it belongs to.
    """
    script = _SCRIPT.format(address=f"{EVENTS}?seen={version}")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    more = {"script-src": f"'sha256-{digest}'", "connect-src": "'self'"}
    text = page.decode("utf-8", "surrogateescape")
    text = _POLICY.sub(lambda own: f"{own[1]}{_extended(own[2], more)}{own[3]}", text, count=1)
    head, mark, tail = text.rpartition("</body>")
    if mark:
        text = f"{head}<script>{script}</script>{mark}{tail}"
    return text.encode("utf-8", "surrogateescape")


def _extended(policy: str, more: dict[str, str]) -> str:
    """Adds sources to the rules of a policy.

    Example:
        >>> _extended("img-src 'self'; script-src 'x'", {"script-src": "'y'", "connect-src": "z"})
        "img-src 'self'; script-src 'x' 'y'; connect-src z"
    """
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";") if rule.strip())
    for name, sources in more.items():
        rules[name] = f"{rules.get(name, '')} {sources}".strip()
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())
