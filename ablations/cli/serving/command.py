"""The command that previews a site while its sources change."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ablations.cli.options import RunsDir
from ablations.cli.several import LookFolder, SiteSources
from ablations.cli.terminal.printing import note, say, stopping_cleanly
from ablations.errors import AblationsError

_SECONDS = 1.0
"""Between two looks at the sources."""


def serve(
    sources: SiteSources = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen on 127.0.0.1; 0: a free port.")
    ] = 8000,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder of the site, to keep it.", file_okay=False),
    ] = None,
    look: LookFolder = None,
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Preview the site on this machine, with pages that reload.

    They do when what the site is built from changes. A build that fails is named, and the last good
    one stays. Ctrl-C stops it.
    """
    from ablations.sites import make_site

    with stopping_cleanly("stopped"), _folder(out) as folder:

        def build() -> None:
            make_site(sources or (), folder, runs_dir=runs_dir, look=look)

        _serve(build, folder, lambda: _places(sources or (), look, runs_dir), port)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """Gives the folder of the site, or one that is deleted at the end."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="ablations-serve-") as scratch:
        yield Path(scratch) / "site"


def _places(sources: Sequence[str], look: Path | None, runs_dir: Path) -> list[Path]:
    """Returns the files and folders that a site is built from."""
    from ablations.sites import DEFAULTS

    named = [Path(source) for source in sources or DEFAULTS]
    stores = (
        [] if all(own.is_dir() for own in named) else sorted(runs_dir.glob("*/records.sqlite*"))
    )
    return [*named, *stores, *([look] if look else [])]


def _serve(
    build: Callable[[], None], folder: Path, places: Callable[[], list[Path]], port: int
) -> None:
    """Builds, serves, and builds again whenever a file of the places changed."""
    from ablations.cli.serving.server import SiteServer
    from ablations.cli.serving.watching import snapshot

    with SiteServer(folder, port) as server:
        seen = snapshot(places(), apart=folder)
        build()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(server.address)
        try:
            while True:
                time.sleep(_SECONDS)
                if (now := snapshot(places(), apart=folder)) != seen:
                    seen = now
                    if _rebuilt(build, folder):
                        server.versions.advance()
        finally:
            server.shutdown()


def _rebuilt(build: Callable[[], None], folder: Path) -> bool:
    """Builds again; says what is wrong if that fails, and returns whether a file changed."""
    from ablations.report.publish.manifests import read_manifest

    before = read_manifest(folder)
    try:
        build()
    except (AblationsError, OSError) as error:
        note(f"ablations: {error}")
        return False
    changed = read_manifest(folder) != before
    if changed:
        note("built again")
    return changed
