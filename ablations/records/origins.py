"""Tells which study file a folder of records or a report belongs to.

Both are named after the study file alone, without its folder; two files of one name must not share
a store, nor overwrite each other's report. Paths are kept relative to the folder, so that a whole
tree can be moved, and so that a report which is published names no folder outside of its project.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from ablations.core.study import Study
from ablations.errors import StoreError, StudyError

_FILE = "origin.json"
_BUILT_IN = "built-in "
_ELSEWHERE = "elsewhere "
_CLIMBS = 2


def origin_of_report(study: Study, reports_dir: Path) -> dict[str, Any]:
    """Returns what a report says of where its study lies: relative to the folder of all reports."""
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
    ours = origin_of_report(study, reports_dir)
    if not isinstance(kept, dict) or kept == ours:
        return
    same_study = _is_ours(str(kept.get("study")), study, reports_dir)
    if same_study and kept.get("with") == study.variant:
        return
    raise StudyError(
        f"{folder} is the report of another study",
        received=f"{_shown(study)}, and there a report of {_told(kept.get('study'), reports_dir)}",
        cure="Rename this study file, or name another folder with --reports-dir",
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
            received=f"{_shown(study)}, and there records of {_told(kept, folder)}",
            cure="Rename this study file, or name another folder with --runs-dir",
        )


def claim_records(study: Study, folder: Path) -> None:
    """Notes that a store belongs to the study; where nothing can be written, nothing is."""
    text = json.dumps({"study": _place(study, folder)}, ensure_ascii=False)
    path = folder / _FILE
    with suppress(OSError):
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            folder.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)


def _place(study: Study, folder: Path) -> str:
    if study.file is None:
        return f"{_BUILT_IN}{study.slug}"
    return Path(os.path.relpath(study.file, folder.resolve())).as_posix()


def _is_ours(kept: str, study: Study, folder: Path) -> bool:
    """Whether this is the study that was noted, or one that took the place of one that is gone."""
    if kept == _place(study, folder):
        return True
    if kept.startswith(_BUILT_IN):
        built_in = Path(str(files("ablations.studies"))) / f"{kept.removeprefix(_BUILT_IN)}.toml"
        return not built_in.is_file()
    if kept.startswith(_ELSEWHERE):
        return bool(kept == origin_of_report(study, folder)["study"])
    other = folder.resolve() / kept
    if not other.is_file():
        return True
    return study.file is not None and other.samefile(study.file)


def _shown(study: Study) -> str:
    return f"{_BUILT_IN}{study.slug}" if study.file is None else os.path.relpath(study.file)


def _told(kept: object, folder: Path) -> str:
    text = str(kept)
    if text.startswith((_BUILT_IN, _ELSEWHERE)):
        return text
    return os.path.relpath(folder.resolve() / text)


def _read(path: Path) -> dict[str, Any]:
    """Reads a JSON object; what is missing or damaged tells of no other study."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
