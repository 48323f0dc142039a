"""Describes a bundle as an RO-Crate of one process that was run: the training of the study.

Sources: RO-Crate 1.1, https://w3id.org/ro/crate/1.1; Process Run Crate 0.5,
https://w3id.org/ro/wfrun/process/0.5.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablations.bundling.citing import Citation, dumped

METADATA = "ro-crate-metadata.json"

_CONTEXT = "https://w3id.org/ro/crate/1.1/context"
_CRATE = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_TYPES = {".md": "text/markdown", ".jsonl": "application/jsonl", ".cff": "text/yaml"}

Entity = dict[str, Any]

_NO_LICENSE = "No license was given: ask the authors."


@dataclass(frozen=True, slots=True)
class Training:
    """The process: what was trained, by which program, from when to when, with which result.

    ``trainer`` is the tool that recorded the trials, where these were imported.
    """

    name: str
    description: str
    entry: str
    version: str
    inputs: tuple[str, ...]
    result: str
    began: str
    ended: str
    completed: bool
    trainer: str = ""


def crate(files: Mapping[str, bytes], cited: Citation, training: Training) -> bytes:
    """Returns the metadata of a bundle.

    Args:
        files: All other files by their paths.
        cited: Title, authors, day and license.
        training: The process whose results they are.
    """
    people = [_person(place, name) for place, name in enumerate(cited.authors, 1)]
    graph = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "conformsTo": {"@id": _CRATE},
            "about": {"@id": "./"},
        },
        _root(files, cited, people),
        {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        _action(training, people),
        _program(training),
        *people,
        *(own for own in [_license(cited)] if own),
        *(_file(name, content) for name, content in sorted(files.items())),
    ]
    return dumped({"@context": _CONTEXT, "@graph": graph}).encode()


def _root(files: Mapping[str, bytes], cited: Citation, people: Sequence[Entity]) -> Entity:
    license_ = _license(cited)
    return {
        "@id": "./",
        "@type": "Dataset",
        "conformsTo": {"@id": _PROFILE},
        "name": cited.title,
        "description": cited.abstract,
        "datePublished": cited.day,
        "license": {"@id": license_["@id"]} if license_ else _NO_LICENSE,
        "author": _references(people),
        "hasPart": [{"@id": _address(name)} for name in sorted(files)],
        "mentions": {"@id": "#training"},
    }


def _action(training: Training, people: Sequence[Entity]) -> Entity:
    done = "CompletedActionStatus" if training.completed else "FailedActionStatus"
    return {
        "@id": "#training",
        "@type": "CreateAction",
        "name": training.name,
        "description": training.description,
        "instrument": {"@id": _program(training)["@id"]},
        "agent": {"@id": people[0]["@id"]},
        "object": _references([{"@id": _address(name)} for name in training.inputs]),
        "result": {"@id": _address(training.result)},
        "startTime": training.began,
        "endTime": training.ended,
        "actionStatus": f"http://schema.org/{done}",
    }


def _program(training: Training) -> Entity:
    return {
        "@id": f"https://pypi.org/project/ablations/{training.version}/",
        "@type": "SoftwareApplication",
        "name": f"ablations {training.version}, {training.entry}",
        "description": f"Imported the trials, which {training.trainer} recorded."
        if training.trainer
        else "Trains each arm of the study with each seed.",
        "url": "https://pypi.org/project/ablations/",
        "softwareVersion": training.version,
    }


def _license(cited: Citation) -> Entity | None:
    """Describes the license, where one was given."""
    if cited.license is None:
        return None
    place = f"https://spdx.org/licenses/{_address(cited.license)}"
    return {"@id": place, "@type": "CreativeWork", "name": cited.license}


def _person(place: int, name: str) -> Entity:
    return {"@id": f"#author-{place}", "@type": "Person", "name": name}


def _file(name: str, content: bytes) -> Entity:
    suffix = f".{name.rpartition('.')[2]}"
    kind = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "text/plain")
    return {
        "@id": _address(name),
        "@type": "File",
        "name": name,
        "encodingFormat": kind,
        "contentSize": str(len(content)),
    }


def _address(name: str) -> str:
    """Returns a path as a relative URI."""
    from urllib.parse import quote

    return quote(name)


def _references(entities: Sequence[Entity]) -> Entity | list[Entity]:
    """Refers to entities; to a single one without a list, as RO-Crate recommends."""
    found = [{"@id": entity["@id"]} for entity in entities]
    return found[0] if len(found) == 1 else found
