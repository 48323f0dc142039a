"""Where records come from: one registry for ``--records``, ``--against``, ``export`` and the API.

To read the runs of another tool, write a module with a ``READER`` and add it to ``FILES``.
"""

from __future__ import annotations

from pathlib import Path

from ablations.core.past import Past
from ablations.core.record import RunRecord
from ablations.core.study import Study
from ablations.errors import StoreError
from ablations.records.agreement import distinct
from ablations.records.readers import git_revision, jsonl, report_json, sqlite
from ablations.records.readers.reader import Found, missing_source

FILES = (sqlite.READER, report_json.READER, jsonl.READER)
"""The kinds of files; JSON lines come last, for they may have any name."""

READERS = (*FILES, git_revision.reader_of(FILES))
"""All kinds of sources, in the order in which they are asked."""


def read_source(name: str, study: Study) -> Found:
    """Reads the records, or the measured findings, of whatever a user names.

    Args:
        name: A path, or ``REVISION:PATH`` of a file that is committed to git.
        study: The study, to find its files in a folder of many studies.

    Returns:
        The records without copies of the same one, or what a report measured.

    Raises:
        StoreError: if there is no such thing, it cannot be read, or a trial has two records.
    """
    if not name or name.startswith("-"):
        raise missing_source(repr(name))
    path = _inside(Path(name), study)
    reader = next((reader for reader in READERS if reader.takes(path)), None)
    if reader is None:
        slug = study.slug
        lacks = f", a folder without records of {slug} (such as {slug}.jsonl)"
        raise missing_source(f"{name}{lacks}" if path.is_dir() else name)
    found = reader.read(path, name)
    try:
        return found if isinstance(found, Past) else distinct(found)
    except StoreError as error:
        raise error.at(name) from error


def read_records_of(name: str, study: Study) -> tuple[RunRecord, ...]:
    """Reads the records that a source holds, as `read_source` does.

    Raises:
        StoreError: also if it holds findings without their records.
    """
    found = read_source(name, study)
    if isinstance(found, Past):
        raise StoreError(
            f"{name} holds findings without their records",
            received=f"what was measured of {len(found.arms)} arms",
            cure="Name a .jsonl file that 'ablations export' writes, or a records.sqlite",
        )
    return found


def _inside(path: Path, study: Study) -> Path:
    """Returns the study's file in a folder; a path to anything else as it is."""
    if not path.is_dir():
        return path
    names = (name for reader in READERS for name in reader.inside)
    files = (path / n.format(slug=study.slug, report=study.report_name) for n in names)
    return next((file for file in files if file.is_file()), path)
