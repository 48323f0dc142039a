"""Which settings decide what an arm computes, and so name its trials."""

from __future__ import annotations

from ablations.core.design import Settings
from ablations.vision.recipe.settings import names_file


def counted(settings: Settings) -> Settings:
    """Returns the settings without those that are not used, and files without their paths.

    A setting may be left out only where nothing in this package reads it. A function named by
    ``build`` is given all settings, so there they all count.
    """
    if "build" in settings:
        return settings
    kept = dict(settings)
    if "base" not in settings:
        kept.pop("weights", None)
        for setting in ("freeze", "unfreeze"):
            kept.pop(setting, None)
    elif names_file(str(settings.get("weights", "none"))):
        kept["weights"] = "a file"
    if "unfreeze" not in kept:
        kept.pop("fine_tune_rate", None)
    dataset = str(settings.get("dataset", ""))
    if dataset.startswith("directory:"):
        kept["dataset"] = "directory:"
    else:
        kept.pop("skip_broken", None)
    return kept
