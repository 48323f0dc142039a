"""From reports, histories, studies and record files to a static site, or to posts of a blog."""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from ablations.errors import StoreError, StudyError
from ablations.plan import builtin_names, imported_records, load_study, slug_of, study_file
from ablations.records.history import files_of, read_lines, studies_in
from ablations.records.origins import study_of_records
from ablations.records.sqlite.store import Store
from ablations.report.publish.manifests import digest, present
from ablations.report.publish.summaries import FoundReport, find_reports, has_reports
from ablations.report.site.contents import Source, StudyHistory
from ablations.report.site.kept import Earlier, State

DEFAULTS = ("reports", "history")
"""What a site is built from unless something else is named, as far as it exists."""

_STORE = "records.sqlite"
_VARIANT = "-with-"


@dataclass(frozen=True, slots=True)
class _StudyFile:
    """A study file or built-in study, and where its store lies if it has records."""

    name: str
    path: Path
    runs_dir: Path

    @property
    def slug(self) -> str:
        return slug_of(self.path.stem)

    @property
    def store(self) -> Store:
        return Store(self.runs_dir / self.slug / _STORE)

    @property
    def imported(self) -> Path | None:
        """The records beside the study file, where another tool has recorded its trials."""
        beside = self.path.with_suffix(".jsonl").is_file()
        return imported_records(load_study(self.name)) if beside else None


@dataclass(slots=True)
class _Found:
    """What the sources hold: reports, histories (folder and name), and studies by name.

    ``named`` are the sources themselves.
    """

    reports: list[FoundReport] = field(default_factory=list)
    histories: list[tuple[Path, str]] = field(default_factory=list)
    studies: dict[str, _StudyFile] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)


def make_site(
    sources: Sequence[str | Path],
    out: Path,
    *,
    runs_dir: Path = Path("runs"),
    base_url: str | None = None,
    look: Path | None = None,
) -> Path:
    """Builds a static site and returns the path of its index.

    Args:
        sources: Folders of reports or histories, study files, built-in names, and record files;
            without any, the folders ``reports`` and ``history`` that exist.
        out: Folder of the site. What did not change is not written.
        runs_dir: Where the records of the studies lie. A study whose report is not among the
            sources is rendered from them.
        base_url: Where the site will be served.
        look: A folder of templates and a style of the user's own.

    Raises:
        StudyError: if there is nothing to build from, a source is nothing of this kind, it is
            unknown how to judge a history, two studies have one address, or the look is wrong.
        StoreError: if a history or a store cannot be read.
    """
    url = _checked_url(base_url)
    named = [*sources] or [name for name in DEFAULTS if _holds_any(Path(name))]
    _require_apart(out, [*named, look] if look else named)
    found = _find(named, runs_dir)
    with tempfile.TemporaryDirectory(prefix="ablations-site-") as scratch:
        made = _sources(found, Path(scratch))
        if not made:
            raise _nothing(named)
        state, earlier = State.of(made, _program(look), url), Earlier(out)
        if not earlier.is_whole(state):
            from ablations.report.formats.html import looking
            from ablations.report.site.build import build_site  # what sets pages takes a while

            with looking(look):
                build_site(made, earlier, state, base_url=url)
    return out / "index.html"


def _holds_any(folder: Path) -> bool:
    return has_reports(folder) or bool(studies_in(folder))


def _nothing(named: Sequence[str | Path]) -> StudyError:
    return StudyError(
        "there is nothing to build a site from",
        received=", ".join(map(str, named)) or f"no folder {' and no folder '.join(DEFAULTS)}",
        cure="Train a study first, 'ablations run STUDY', or name folders of reports and histories",
    )


def make_posts(sources: Sequence[str | Path], out: Path) -> list[Path]:
    """Writes the reports of some folders as posts into a Jekyll blog; returns their paths.

    Args:
        sources: Folders of reports; without any, ``reports``.
        out: The blog's folder.
    """
    from ablations.report.publish.jekyll import build_jekyll

    folders = [Path(name) for name in sources] or [Path(DEFAULTS[0])]
    return build_jekyll([report for folder in folders for report in find_reports(folder)], out)


def _checked_url(text: str | None) -> str | None:
    """Returns an address in ASCII, as maps and feeds need it, without the slash at its end.

    Raises:
        StudyError: if nothing can be served there.
    """
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and parts.hostname
        host = parts.netloc.encode("idna").decode()
    except ValueError:  # UnicodeError is one
        known = None
    if not known or parts.query or parts.fragment or any(c in text for c in " \t\n\"'<>\\"):
        raise StudyError(
            "this is not the address of a site",
            received=text,
            cure="Write it as in: --base-url https://example.org/studies",
        )
    return f"{parts.scheme}://{host}{quote(parts.path, safe='/%:@!$&()*+,;=')}".rstrip("/")


def _require_apart(out: Path, sources: Iterable[str | Path]) -> None:
    """A site is swapped in as a folder, so it must not be one that others lie in."""
    target = Path(os.path.realpath(out))  # also of links that lead to themselves
    places = [(Path.cwd(), "the current folder")]
    places += [(Path(own), "what it is built from") for own in sources if Path(own).exists()]
    for inside, what in places:
        if inside.resolve().is_relative_to(target):
            raise StudyError(
                f"a site cannot take the place of a folder that holds {what}",
                received=str(target),
                cure="Name a folder of its own, such as 'site'",
            )


def _find(names: Sequence[str | Path], runs_dir: Path) -> _Found:
    """Sorts the sources by what they hold."""
    found, reports = _Found(named=list(map(str, names))), dict[Path, FoundReport]()
    for name in names:
        path = Path(name)
        if path.is_dir():
            for report in _add_folder(found, path):
                reports.setdefault(report.folder.resolve(), report)
        elif path.suffix == ".sqlite" and path.is_file():
            _add_store(found, path)
        elif path.suffix == ".toml" or str(name) in builtin_names():
            _add_study(found, _StudyFile(str(name), study_file(str(name)), runs_dir))
        else:
            raise StudyError(
                "this is nothing that a site can be built from",
                received=str(name),
                cure="Name folders of reports or histories, study files, built-in studies, or "
                "record files",
            )
    found.reports += reports.values()
    return found


def _add_folder(found: _Found, path: Path) -> list[FoundReport]:
    """Notes the histories and stores of a folder, and returns its reports."""
    own = [(path, name) for name in studies_in(path)]
    whole = path.resolve()
    if not own and files_of(whole.parent, whole.name):  # the history of one study
        own = [(whole.parent, whole.name)]
    found.histories += [each for each in own if each not in found.histories]
    stores = [path / _STORE] if (path / _STORE).is_file() else sorted(path.glob(f"*/{_STORE}"))
    for store in stores:
        _add_store(found, store)
    if has_reports(path) or not (own or stores):
        return find_reports(path)
    return []


def _add_store(found: _Found, path: Path) -> None:
    """Notes a store with the study that its folder names.

    Raises:
        StudyError: if it names none.
    """
    folder = path.resolve().parent
    name = study_of_records(folder)
    if name is None or path.name != _STORE or slug_of(study_file(name).stem) != folder.name:
        raise StudyError(
            "it is unknown of which study these records are",
            received=str(path),
            cure="Name the study file in its place, and with --runs-dir the folder of its runs: "
            "ablations site STUDY --runs-dir RUNS",
        )
    _add_study(found, _StudyFile(name, study_file(name), folder.parent))


def _add_study(found: _Found, own: _StudyFile) -> None:
    other = found.studies.setdefault(own.slug, own)
    if (other.path.resolve(), other.runs_dir.resolve()) != (
        own.path.resolve(), own.runs_dir.resolve()
    ):  # fmt: skip
        raise StudyError(
            f"two sources are of one study, '{own.slug}'",
            received=f"{other.name} with {other.runs_dir}, and {own.name} with {own.runs_dir}",
            cure="Leave one of them out, or rename one study file",
        )


def _sources(found: _Found, scratch: Path) -> list[Source]:
    """Returns the studies of the site, each with its report, its history, or both.

    Of several reports of a study, the newest has the history.
    """
    newest = sorted(found.reports, key=lambda own: own.place)
    newest.sort(key=lambda own: own.summary.finished_at or "", reverse=True)
    made = [
        (own.summary.slug, Source(own.place, _digest_of_report(own), report=partial(_same, own)))
        for own in newest
    ]
    reported = {slug for slug, _ in made}
    made += [
        (slug, Source(slug, _digest_of_store(own), report=partial(_rendered, own, scratch)))
        for slug, own in found.studies.items()
        if slug not in reported and (own.store.total() or own.imported)
    ]
    for name, folder in _one_each(found.histories).items():
        study = _study_of(found, folder, name)
        own = Source(
            name, _digest_of_history(folder, name, study),
            history=partial(_judged, folder, name, study),
        )  # fmt: skip
        at = next((i for i, (slug, _) in enumerate(made) if slug == name), len(made))
        made[at : at + 1] = [(name, _both(made[at][1], own) if at < len(made) else own)]
    return [source for _, source in made]


def _both(report: Source, history: Source) -> Source:
    text = _digest([report.digest, history.digest])
    return replace(report, digest=text, history=history.history)


def _one_each(histories: Iterable[tuple[Path, str]]) -> dict[str, Path]:
    """Returns the folder of each history by its name."""
    found: dict[str, Path] = {}
    for folder, name in histories:
        other = found.setdefault(name, folder)
        if other.resolve() != folder.resolve():
            raise StudyError(
                f"two histories are of the study '{name}'",
                received=f"{other / name} and {folder / name}",
                cure="Leave one of them out, or move the lines of both into one folder",
            )
    return found


def _study_of(found: _Found, folder: Path, name: str) -> _StudyFile:
    """Returns the study that says how to judge a history; one with --set is that of its study.

    Raises:
        StudyError: if there is none.
    """
    bases = [name[:i] for i in range(len(name), 0, -1) if name[i:].startswith(_VARIANT)]
    for slug in (name, *bases):
        if slug in found.studies:
            return found.studies[slug]
        if slug in builtin_names():
            return _StudyFile(slug, study_file(slug), Path())
    raise StudyError(
        f"it is unknown how to judge the history of {name}: its study says by which metric and "
        "margin",
        received=str(folder / name),
        cure=f"Name the study file as well, as in: ablations site {name}.toml "
        f"{shlex.join(found.named)}",
    )


def _same(report: FoundReport) -> FoundReport:
    return report


def _rendered(own: _StudyFile, scratch: Path) -> FoundReport:
    """Renders the report of a study from its records."""
    from ablations.reporting import render_report
    from ablations.session import Session

    session = Session(load_study(own.name), runs_dir=own.runs_dir)
    records = session.records()
    page = render_report(session.findings(records), scratch, records=records)
    return find_reports(page.parent)[0]


def _judged(folder: Path, name: str, own: _StudyFile) -> StudyHistory:
    """Reads a history and judges its newest commit.

    Raises:
        StoreError: if a line cannot be read, or the newest commit has nothing of the study.
    """
    from ablations.analyze.history.judgement import judge_history
    from ablations.text.commits.history import series_labels

    study = load_study(own.name)
    if name != study.slug:
        variant = name.removeprefix(f"{study.slug}{_VARIANT}")
        study = replace(study, variant=variant, title=f"{study.title} (with {variant})")
    lines = read_lines(folder, name)
    if not lines:
        raise StoreError(
            f"{folder / name} holds no line of a history",
            received="empty files",
            cure=f"Remove the folder, or add to it: ablations history add {own.name}",
        )
    found = judge_history(study, lines)
    return StudyHistory(name, study.title, study.question, series_labels(study, found), found)


def _program(look: Path | None) -> str:
    """Returns a digest of this program with its templates: another one may judge and look other."""
    package = Path(__file__).parent
    own = _files_with_digests(package, but=(".pyc", ".json"))
    return _digest([*own, "look", *_files_with_digests(look)] if look else own)


def _files_with_digests(folder: Path, but: tuple[str, ...] = (".pyc",)) -> list[str]:
    paths = sorted(
        Path(place) / name
        for place, _, names in os.walk(folder, followlinks=True)
        for name in names
        if not name.endswith(but)
    )
    return [f"{path.relative_to(folder)} {digest(path)}" for path in paths]


def _digest_of_report(report: FoundReport) -> str:
    found = present(report.folder)
    if found is None:
        return _digest(report.files)  # which says that there is no list
    return _digest(f"{own} {name}" for name, own in found.items())


def _digest_of_history(folder: Path, name: str, study: _StudyFile) -> str:
    return _digest([name, *map(digest, (study.path, *files_of(folder, name)))])


def _digest_of_store(own: _StudyFile) -> str:
    """Returns a digest of which trials ended how, and of the study file that asks for them."""
    if (imported := own.imported) is not None:
        return _digest([digest(own.path), digest(imported)])
    ended = (f"{one.key} {one.status} {one.started_at}" for one in own.store.outcomes())
    return _digest([digest(own.path), *ended])


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode(errors="replace")).hexdigest()
