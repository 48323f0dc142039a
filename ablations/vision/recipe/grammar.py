"""Reads layers as a study file writes them, ``conv:16,padding=same``, without any framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ablations.errors import StudyError
from ablations.vision.recipe.words import AUGMENT_WORDS, WORDS, Value, Word


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer of a list: its word, and the values that were given with their names."""

    name: str
    arguments: tuple[tuple[str, Value], ...] = ()

    @property
    def word(self) -> Word:
        """The description of this layer's word."""
        return WORDS[self.name]

    def get(self, name: str) -> Value | None:
        """Returns the value that was given for ``name``, or ``None``."""
        return dict(self.arguments).get(name)


def parse_layers(setting: str, value: object) -> tuple[LayerSpec, ...]:
    """Reads a list of layers.

    Args:
        setting: Name of the setting, for errors.
        value: The list of texts.

    Raises:
        StudyError: if it is no list of texts, or one of them does not fit the grammar.

    Example:
        >>> parse_layers("layers", ["conv:16,padding=same", "pool"])[0].arguments
        (('filters', 16), ('padding', 'same'))
    """
    return _parse_list(setting, value, WORDS)


def parse_augment(setting: str, value: object) -> tuple[LayerSpec, ...]:
    """Reads a list of random layers, as ``parse_layers`` reads all words."""
    return _parse_list(setting, value, AUGMENT_WORDS)


def _parse_list(setting: str, value: object, words: Mapping[str, Word]) -> tuple[LayerSpec, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        example = "flip" if setting == "augment" else "conv:16"
        cure = f'Write for example {setting} = ["{example}"]'
        raise StudyError(f"setting '{setting}' must be a list of texts", received=value, cure=cure)
    return tuple(_parse(text, f"{setting}[{i}]", words) for i, text in enumerate(value))


def _parse(text: str, place: str, words: Mapping[str, Word]) -> LayerSpec:
    name, _, rest = text.partition(":")
    if name not in words:
        raise _unknown(name, text, place, words)
    word = words[name]
    items = _merge_range([item.strip() for item in rest.split(",")] if rest else [], word)
    arguments = _arguments(items, word, place, text)
    missing = [p for p in list(word.parameters)[: word.required] if p not in arguments]
    if missing:
        raise StudyError(
            f"{place}: '{name}' needs {missing[0]}",
            received=text,
            cure=f"Write for example {word.example}",
        )
    return LayerSpec(name, tuple(arguments.items()))


def _unknown(name: str, text: str, place: str, words: Mapping[str, Word]) -> StudyError:
    near = get_close_matches(name, words, n=1)
    known = "Words are " + ", ".join(sorted(word for word in words if word.islower()))
    cure = f"Perhaps '{near[0]}' was meant. {known}" if near else known
    return StudyError(f"{place}: unknown word '{name}'", received=text, cure=cure)


def _merge_range(items: list[str], word: Word) -> list[str]:
    """Lets ``rotation:0,1`` mean the pair 0..1, for layers whose first value is a factor."""
    if next(iter(word.parameters), "") == "factor" and len(items) > 1 and "=" not in items[1]:
        return [f"{items[0]}..{items[1]}", *items[2:]]
    return items


def _arguments(items: list[str], word: Word, place: str, text: str) -> dict[str, Value]:
    given: dict[str, Value] = {}
    names = list(word.parameters)
    for i, item in enumerate(items):
        key, equals, value = item.rpartition("=")
        key = key.strip() if equals else (names[i] if i < len(names) else "")
        if key not in names or key in given:
            takes = f"It takes {', '.join(names)}" if names else "It takes no values"
            what = f"'{key}' twice" if key in given else f"'{item}'"
            raise StudyError(
                f"{place}: '{text.partition(':')[0]}' cannot take {what}", received=text, cure=takes
            )
        try:
            given[key] = word.parameters[key].read(value.strip())
        except ValueError:
            raise StudyError(
                f"{place}: {key} must be {word.parameters[key].description}",
                received=text,
                cure=f"Write for example {word.example}",
            ) from None
    return given
