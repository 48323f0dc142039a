"""Reads the past that a gate compares the present with."""

from __future__ import annotations

from ablations.analyze.compare.regression import past_of_records
from ablations.core.past import Past
from ablations.core.study import Study
from ablations.entry import find_entry
from ablations.errors import StoreError
from ablations.records.readers import read_source


def read_past(name: str, study: Study) -> Past:
    """Reads the past of a study by what ``--against`` names.

    Args:
        name: A path, or ``REVISION:PATH`` of a file that is committed to git.
        study: The study, to find its files in a folder of many studies, and what of recorded
            settings decides results.

    Raises:
        StoreError: if there is no such thing, or it cannot be read.
    """
    found = read_source(name, study)
    if isinstance(found, Past):
        return found
    identify = find_entry(study.entry, study.folder).identity
    try:
        return past_of_records(found, name, identify=identify)
    except StoreError as error:
        raise error.at(name) from error
