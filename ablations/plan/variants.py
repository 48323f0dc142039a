"""Names what a study becomes when shared settings are overridden, for a report of its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ablations.core.design import Settings

_LONGEST = 60


def overridden(before: Settings, after: Settings) -> dict[str, Any]:
    """Returns the settings that now have another value, by name and in order.

    Example:
        >>> overridden({"epochs": 20, "scale": "0..1"}, {"epochs": 2, "scale": "0..1"})
        {'epochs': 2}
    """
    # As text, because 1, 1.0 and true are equal in Python, and yet other settings.
    return {
        k: after[k] for k in sorted(after) if k not in before or repr(before[k]) != repr(after[k])
    }


def variant_name(changed: Mapping[str, Any]) -> str:
    """Returns letters, digits and hyphens that identify these settings.

    A name that does not show them completely ends with the beginning of a digest.

    Example:
        >>> variant_name({"epochs": 2}), variant_name({"learning_rate": 0.5})
        ('epochs-2', 'learning-rate-0-5-c16015')
    """
    if not changed:
        return ""
    words = "-".join(f"{key}-{value}" for key, value in changed.items())
    plain = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    if len(plain) <= _LONGEST and all(_is_plain(*pair) for pair in changed.items()):
        return plain
    text = json.dumps(changed, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{plain[:_LONGEST].strip('-')}-{digest}".lstrip("-")


def _is_plain(key: str, value: object) -> bool:
    """Whether letters and digits show a setting completely."""
    whole = type(value) is int and value >= 0
    word = isinstance(value, str) and re.fullmatch("[a-z][a-z0-9]*", value)
    return bool(re.fullmatch("[a-z0-9]+", key) and (whole or word))


def variant_title(title: str, changed: Mapping[str, Any]) -> str:
    """Returns a title with what was overridden.

    Example:
        >>> variant_title("Does dropout pay?", {"epochs": 2})
        'Does dropout pay? (with epochs = 2)'
    """
    if not changed:
        return title
    listed = ", ".join(f"{key} = {value}" for key, value in changed.items())
    shown = listed if len(listed) <= _LONGEST else f"{listed[:_LONGEST]}…"
    return f"{title} (with {shown})"
