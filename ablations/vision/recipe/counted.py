"""Which settings decide what an arm computes, and so name its trials."""

from __future__ import annotations

from ablations.core.design import Settings
from ablations.vision.recipe.settings import names_file

OF_A_BASE = ("weights", "freeze")
"""Settings that are read where there is a base, and nowhere else."""

OF_A_FOLDER = ("skip_broken",)
"""Settings that are read where images lie in a folder that anybody may have filled."""


def counted(settings: Settings) -> Settings:
    """Returns the settings without those that are not used, and files without their paths.

    It is careful: what is left out must be read nowhere in this package in that case. A function
    named by ``build`` is given all settings, so there they all count.
    """
    if "build" in settings:
        return settings
    kept = dict(settings)
    if "base" not in settings:
        _leave_out(kept, OF_A_BASE)
    elif names_file(str(settings.get("weights", "none"))):
        kept["weights"] = "a file"
    dataset = str(settings.get("dataset", ""))
    if dataset.startswith("directory:"):
        kept["dataset"] = "directory:"
    else:
        _leave_out(kept, OF_A_FOLDER)
    return kept


def _leave_out(settings: dict[str, object], names: tuple[str, ...]) -> None:
    for name in names:
        settings.pop(name, None)
