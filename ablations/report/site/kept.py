"""What an earlier build of a site left: files that need not be written again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from ablations.errors import StudyError
from ablations.report.publish.manifests import is_unchanged, present, read_manifest
from ablations.report.publish.summaries import SITE_MARKER
from ablations.report.site.contents import Source


@dataclass(frozen=True, slots=True)
class State:
    """What a site was built from: digests of the program with its look, and of each study.

    ``studies`` has them by the place of the study.
    """

    program: str
    studies: Mapping[str, str]

    @classmethod
    def of(cls, sources: Sequence[Source], program: str, base_url: str | None) -> State:
        """Returns the state of a site that is built from these.

        Args:
            sources: The studies.
            program: A digest of all else that decides how pages look.
            base_url: Where the site will be served.

        Raises:
            StudyError: if two studies have one address.
        """
        _require_own_places(sources)
        own = f"{program} {base_url or ''}".strip()
        return cls(own, {source.place: source.digest for source in sources})

    def note(self, folder: Path) -> None:
        """Writes it into a site."""
        facts = {"program": self.program, "studies": dict(sorted(self.studies.items()))}
        text = json.dumps(facts, indent=0, ensure_ascii=False)
        (folder / SITE_MARKER).write_text(f"{text}\n", encoding="utf-8")


def _require_own_places(sources: Sequence[Source]) -> None:
    """No study may lie in another's folder, whose files would be its own."""
    places = sorted(f"{source.place}/" for source in sources)
    for place, following in pairwise(places):
        if following.startswith(place):
            raise StudyError(
                "two studies have one address in the site, or one lies inside of the other",
                received=f"{place} and {following}",
                cure="Leave one of the two sources out, or move its folder to another name",
            )


class Earlier:
    """An earlier build: its state, and those of its files that are as they were written.

    Args:
        folder: The site; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listed = read_manifest(folder) or {}

    @cached_property
    def intact(self) -> frozenset[str]:
        """The files that were written and not changed since."""
        own = self._listed.items()
        return frozenset(name for name, was in own if is_unchanged(self.folder / name, was))

    @cached_property
    def state(self) -> State | None:
        """What it was built from, if that is noted."""
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            facts = json.loads((self.folder / SITE_MARKER).read_text(encoding="utf-8"))
            return State(str(facts["program"]), dict(facts["studies"]))
        return None

    def is_whole(self, state: State) -> bool:
        """Whether this very site is there, and nobody changed it, as far as times of change say."""
        listed = self._listed
        return SITE_MARKER in listed and self.state == state and present(self.folder) == listed

    def files(self, place: str, state: State) -> tuple[str, ...]:
        """Returns the files of a study, if nothing of it changed; else none."""
        was = self.state
        if was is None or was.program != state.program:
            return ()
        if place not in was.studies or was.studies[place] != state.studies[place]:
            return ()
        own = tuple(name for name in self._listed if name.startswith(f"{place}/"))
        return own if self.intact.issuperset(own) else ()


@dataclass(frozen=True, slots=True)
class Target:
    """The new folder of a site, into which what did not change comes as a link to the old file.

    A link keeps the time of change, and a file is not written again. Where links are not possible,
    files are copied.
    """

    folder: Path
    earlier: Earlier

    def keep(self, name: str) -> None:
        """Takes a file of the earlier build as it is."""
        old, new = self.earlier.folder / name, self._place(name)
        try:
            os.link(old, new)
        except OSError:
            shutil.copy2(old, new)

    def write(self, name: str, content: str | bytes) -> None:
        """Writes a file, unless the earlier build wrote the same."""
        raw = content.encode(errors="replace") if isinstance(content, str) else content
        if self._is(name, raw):
            self.keep(name)
        else:
            self._place(name).write_bytes(raw)

    def _is(self, name: str, raw: bytes) -> bool:
        return name in self.earlier.intact and (self.earlier.folder / name).read_bytes() == raw

    def _place(self, name: str) -> Path:
        path = self.folder / name
        if path.is_dir():
            raise StudyError(
                "a study has the address of a file that every site has",
                received=name,
                cure="Rename the folder of that report",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
