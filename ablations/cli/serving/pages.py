"""Has pages reload themselves: only as they are served, never as they lie on the disk."""

from __future__ import annotations

from ablations.report.formats.policy import allowing, digest

EVENTS = "/.ablations/events"
"""Where pages listen; no site has a file there."""

_SCRIPT = "new EventSource({address!r}).onmessage = () => location.reload()"


def reloading(page: bytes, version: int) -> bytes:
    """Returns a page with a script that loads it again once there is another version of the site.

    The page's own policy is kept, and allows this one script and its connection as well.

    Args:
        page: As it was built.
        version: The one that it belongs to.
    """
    script = _SCRIPT.format(address=f"{EVENTS}?seen={version}")
    more = {"script-src": digest(script), "connect-src": "'self'"}
    text = allowing(page.decode("utf-8", "surrogateescape"), more)
    head, mark, tail = text.rpartition("</body>")
    if mark:
        text = f"{head}<script>{script}</script>{mark}{tail}"
    return text.encode("utf-8", "surrogateescape")
