"""Notes which study file a folder of records or a report belongs to, and checks it.

Both have the name of the study file without its folder; two files of one name must not share a
store, nor overwrite each other's report. Paths are kept relative to the folder, so that a whole
tree can be moved, and so that a report which is published names no folder outside of its project.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from ablations.core.study import Study
from ablations.errors import StoreError, StudyError
from ablations.files import replaced_file

_FILE = "origin.json"
_BUILT_IN = "built-in "
_IN_PYTHON = "made in Python: "
_ELSEWHERE = "elsewhere "
_CLIMBS = 2


def origin_of_report(study: Study, reports_dir: Path) -> dict[str, Any]:
    """Returns where a report's study lies, relative to the folder of all reports."""
    where = _place(study, reports_dir)
    if where.count("..") > _CLIMBS:
        digest = hashlib.sha256(str(study.file).encode()).hexdigest()[:16]
        where = f"{_ELSEWHERE}{digest}"
    return {"study": where, "with": study.variant}


def require_own_report(study: Study, reports_dir: Path) -> None:
    """Makes sure that no report of another study would be replaced.

    Raises:
        StudyError: if there is one, and its study is still there.
    """
    folder = reports_dir / study.report_name
    kept = _read(folder / "report.json").get("origin")
    if not isinstance(kept, dict):
        return
    if kept.get("with") == study.variant and _is_ours(str(kept.get("study")), study, reports_dir):
        return
    raise StudyError(
        f"{folder} is the report of another study",
        received=f"{_shown(study)}, and there a report of {_named(kept.get('study'), reports_dir)}",
        cure=_cure(study, "reports-dir"),
    )


def require_own_records(study: Study, folder: Path) -> None:
    """Makes sure that a store belongs to the study.

    Raises:
        StoreError: if it belongs to another study file that is still there.
    """
    kept = _read(folder / _FILE).get("study")
    if isinstance(kept, str) and not _is_ours(kept, study, folder):
        raise StoreError(
            f"{folder} holds the records of another study",
            received=f"{_shown(study)}, and there records of {_named(kept, folder)}",
            cure=_cure(study, "runs-dir"),
        )


def claim_records(study: Study, folder: Path) -> None:
    """Notes that a store belongs to the study, where its folder may be written."""
    _write(folder, _place(study, folder))


def _write(folder: Path, place: str) -> None:
    path, note = folder / _FILE, {"study": place}
    with suppress(OSError):
        if _read(path) != note:
            folder.mkdir(parents=True, exist_ok=True)
            with replaced_file(path) as file:
                file.write(json.dumps(note, ensure_ascii=False).encode())


def merge_origins(folders: Iterable[Path], target: Path) -> None:
    """Notes in a store's folder whose it is, as in those of the files that are merged into it.

    Files with the same bytes are one study, as two machines have a copy of it each.

    Raises:
        StoreError: if they belong to different study files, as far as these are still there.
    """
    known = [name for folder in (target, *folders) if (name := _absolute(folder))]
    if len({_content(name) for name in known}) > 1:
        names = [name if name.startswith(_BUILT_IN) else os.path.relpath(name) for name in known]
        raise StoreError(
            "the files hold records of different study files with one name",
            received="; ".join(sorted(set(names))),
            cure="Merge those of each study into a folder of its own, with --runs-dir",
        )
    if not _read(target / _FILE) and known:
        built_in = known[0].startswith(_BUILT_IN)
        places = known if built_in else [_relative(Path(name), target) for name in known]
        _write(target, min(places, key=lambda place: (place.count("/"), place)))  # the nearest copy


def _content(name: str) -> str:
    """Returns what tells a study from others of its name, given what `_absolute` returns."""
    if name.startswith(_BUILT_IN):
        return name
    try:
        return hashlib.sha256(Path(name).read_bytes()).hexdigest()
    except OSError:
        return name


def study_of_records(folder: Path) -> str | None:
    """Returns the study file, or the name of the built-in study, that a store belongs to.

    ``None`` if the folder does not name one, or the file is no longer there.
    """
    return _absolute(folder).removeprefix(_BUILT_IN) or None


def _absolute(folder: Path) -> str:
    """Returns the study file that is noted in a folder; nothing where it is no longer there."""
    kept = str(_read(folder / _FILE).get("study") or "")
    if not kept or kept.startswith(_BUILT_IN):
        return kept
    path = (folder.resolve() / kept).resolve()
    return str(path) if path.is_file() else ""


def _place(study: Study, folder: Path) -> str:
    if study.file is None:
        return f"{_IN_PYTHON if study.in_python else _BUILT_IN}{study.slug}"
    return _relative(Path(study.file), folder)


def _cure(study: Study, option: str) -> str:
    if study.in_python:
        word = option.replace("-", "_")
        return f"Give make_study another name=, or name another folder with {word}="
    return f"Rename this study file, or name another folder with --{option}"


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder.resolve())).as_posix()


def _is_ours(kept: str, study: Study, folder: Path) -> bool:
    """Whether this is the study that was noted, or that one no longer exists."""
    if kept == _place(study, folder):
        return True
    if kept.startswith(_BUILT_IN):
        built_in = Path(str(files("ablations.studies"))) / f"{kept.removeprefix(_BUILT_IN)}.toml"
        return not built_in.is_file()
    if kept.startswith(_IN_PYTHON):
        return False  # whether that still exists cannot be known
    if kept.startswith(_ELSEWHERE):
        return bool(kept == origin_of_report(study, folder)["study"])
    other = folder.resolve() / kept
    if not other.is_file():
        return True
    return study.file is not None and other.samefile(study.file)


def _shown(study: Study) -> str:
    return _place(study, Path()) if study.file is None else os.path.relpath(study.file)


def _named(kept: object, folder: Path) -> str:
    text = str(kept)
    if text.startswith((_BUILT_IN, _ELSEWHERE, _IN_PYTHON)):
        return text
    return os.path.relpath(folder.resolve() / text)


def _read(path: Path) -> dict[str, Any]:
    """Reads a JSON object; one that is missing or damaged counts as empty."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
