"""Turns the errors that pydantic finds in a file into one line with a cure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ablations.errors import StudyError, meant, place
from ablations.plan.schema import StudyFile

_FORMS = {"design.applies": 'applies = { preprocessing = { initialization = "scratch" } }'}


def as_study_error(
    file: str, error: ValidationError, model: type[BaseModel] = StudyFile
) -> StudyError:
    """Returns the first of pydantic's errors about ``model`` in the three parts of an error."""
    first, *others = _errors(error)
    location = [part for part in first["loc"] if not _is_type_tag(part)]
    where, received = place(location), first["input"]
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        cure = f"{meant(str(location[-1]), known)}Known here are {', '.join(known)}"
        return StudyError(f"{file}: unknown key '{where}'{more}", received=received, cure=cure)
    if first["type"] == "missing":
        example = "; 'ablations init' writes a commented example" if model is StudyFile else ""
        cure = f"Add it{example}"
        return StudyError(f"{file}: '{where}' is missing{more}", received="nothing", cure=cure)
    text = first["msg"][:1].lower() + first["msg"][1:]
    choices = re.findall(r"'([^']*)'", str(first.get("ctx", {}).get("expected", "")))
    form = next((own for start, own in _FORMS.items() if where.startswith(start)), "")
    shown = f"Write for example {form}" if form else "See 'ablations schema' for its form"
    cure = f"{meant(str(received), choices)}{shown}"
    problem = f"{file}: '{where}' cannot be used: {text}{more}"
    return StudyError(problem, received=received, cure=cure)


def _errors(error: ValidationError) -> list[ErrorDetails]:
    """Returns the errors; of those about the members of one union only the most specific."""
    found: dict[tuple[int | str, ...], ErrorDetails] = {}
    for one in error.errors(include_url=False):
        tags = [i for i, part in enumerate(one["loc"]) if _is_type_tag(part)]
        where = one["loc"][: tags[0]] if tags else one["loc"]
        if where not in found or len(one["loc"]) > len(found[where]["loc"]):
            found[where] = one
    errors = list(found.values())
    if errors[0]["type"] == "missing":  # most likely it is there, but misspelt
        errors.sort(key=lambda one: one["type"] != "extra_forbidden")
    return errors


def _is_type_tag(part: int | str) -> bool:
    """Whether pydantic put this into a location to name a member of a union."""
    tags = ("constrained", "list[", "AdaptiveSeeds")
    return isinstance(part, str) and (part.startswith(tags) or part == "int")


def _known_keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    for part in location:
        fields = {own.alias or name: own for name, own in model.model_fields.items()}
        if not isinstance(part, str) or part not in fields:
            continue  # a position in a list, or a name of the user's own
        model = _model_in(fields[part].annotation) or model
    return [own.alias or name for name, own in model.model_fields.items()]


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Returns the model that an annotation such as ``list[GateTable]`` contains."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
