"""How others cite a study: CITATION.cff, and what Zenodo reads when the bundle is uploaded.

Sources: Citation File Format 1.2.0, https://citation-file-format.github.io; Zenodo's metadata of
depositions, https://developers.zenodo.org/#representation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Citation:
    """What a citation says: ``license`` is an SPDX name, or ``None`` where none was given."""

    title: str
    abstract: str
    authors: tuple[str, ...]
    day: str
    license: str | None


def citation_files(cited: Citation) -> dict[str, bytes]:
    """Returns both files. Strings of JSON are strings of YAML."""
    return {"CITATION.cff": _cff(cited).encode(), ".zenodo.json": _zenodo(cited).encode()}


def _cff(cited: Citation) -> str:
    lines = [
        "cff-version: 1.2.0",
        'message: "If you use this study, please cite it as below."',
        "type: dataset",
        f"title: {_quoted(cited.title)}",
        f"abstract: {_quoted(cited.abstract)}",
        f"date-released: {_quoted(cited.day)}",
        *([f"license: {_quoted(cited.license)}"] if cited.license else []),
        "authors:",
        *(f"  - name: {_quoted(author)}" for author in cited.authors),
    ]
    return "\n".join([*lines, ""])


def _zenodo(cited: Citation) -> str:
    document = {
        "title": cited.title,
        "description": cited.abstract,
        "upload_type": "dataset",
        "publication_date": cited.day,
        "creators": [{"name": author} for author in cited.authors],
        "keywords": ["ablation study", "image classification", "reproducibility"],
    }
    return dumped(document | ({"license": cited.license.lower()} if cited.license else {}))


def dumped(document: object) -> str:
    """Returns JSON that people can read too."""
    return f"{json.dumps(document, ensure_ascii=False, indent=2)}\n"


def _quoted(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def listed(authors: Sequence[str]) -> tuple[str, ...]:
    """Returns the names that are not empty, each once."""
    return tuple(dict.fromkeys(" ".join(name.split()) for name in authors if name.strip()))
