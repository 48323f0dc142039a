"""Writes ``templates/page.min.js``, the script of our pages as browsers get it, from ``page.js``.

    python bench/page.py

It needs ``tdewolff-minify`` of the extra ``test``. The braces around the script keep its names to
itself, so that they can be shortened.
"""

from __future__ import annotations

from pathlib import Path

import minify

TEMPLATES = Path(__file__).parents[1] / "templates"


def main() -> None:
    """Writes the file and prints its size."""
    source = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    made = minify.string("application/javascript", f"{{{source}}}")
    (TEMPLATES / "page.min.js").write_text(f"{made}\n", encoding="utf-8")
    print(len(made.encode()), "bytes")


if __name__ == "__main__":
    main()
