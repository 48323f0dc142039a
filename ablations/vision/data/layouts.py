"""Recognises folders of images that come with their split: ``train/``, ``val/`` and ``test/``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ablations.errors import DataError, StudyError
from ablations.text.formatting import listing
from ablations.vision.recipe.settings import Recipe

PARTS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""The parts of a split, and what their folders are called, in small or capital letters."""

_EXAMPLE = 'split = { train = "train", test = "test" }'


Layout = tuple[tuple[str, str], ...]
"""The parts that have a folder, in the order of ``PARTS``, each with the folder's name."""


def described(layout: Layout) -> str:
    """Returns which folders give which part, and what is drawn."""
    given = listing([f"{part} by {folder}/" for part, folder in layout])
    missing = [part for part in PARTS if part not in dict(layout)]
    drawn = f"; {listing(missing)} images are drawn from the training images" if missing else ""
    return f"the split is given by folders: {given}{drawn}"


def _in_order(folders: Mapping[str, str]) -> Layout:
    return tuple((part, folders[part]) for part in PARTS if part in folders)


def recognise(root: Path, recipe: Recipe) -> Layout | None:
    """Returns how the images below ``root`` are split, or ``None`` if each folder is a class.

    The study may name the folders. Otherwise folders called like parts of a split are taken for
    such if all hold class folders and nothing lies beside them; a folder that ``classes`` names is
    a class.

    Raises:
        DataError: if the folders could be meant either way, or one is missing.
        StudyError: if the settings contradict the split that is there.
    """
    named = recipe.split_folders
    found = _named(root, named) if named else _unnamed(root, recipe)
    if found is not None:
        _check_settings(root, recipe, found)
    elif recipe.split == "given":
        raise DataError(
            f"{root}: there is no given split",
            received=[folder.name for folder in folders_in(root)],
            cure=f"Put the class folders below train, val and test, name other folders with "
            f"{_EXAMPLE}, or remove split",
        )
    return found


def folders_in(folder: Path) -> list[Path]:
    """Returns the folders that lie in a folder, sorted, without hidden ones."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def _named(root: Path, named: dict[str, str]) -> Layout:
    for part, folder in named.items():
        if not (root / folder).is_dir():
            raise DataError(
                f"{root}: there is no folder for the {part} images",
                received=folder,
                cure="Correct the setting 'split', or --data-dir",
            )
    return _in_order(named)


def _unnamed(root: Path, recipe: Recipe) -> Layout | None:
    folders = folders_in(root)
    parts = {
        folder.name: part
        for folder in folders
        if (part := _part(folder.name)) and folder.name not in (recipe.classes or ())
    }
    divided = [folder.name for folder in folders if folders_in(folder) and folder.name in parts]
    others = [folder.name for folder in folders if folder.name not in divided]
    if not divided:
        _check_classes(root, parts, recipe)
        return None
    if others:
        named = {part: folder for folder, part in parts.items() if folder in divided}
        raise _either_way(root, divided, others, named=named)
    return _layout(root, parts)


def _part(name: str) -> str | None:
    return next((part for part, names in PARTS.items() if name.lower() in names), None)


def _layout(root: Path, parts: dict[str, str]) -> Layout:
    counts = Counter(parts.values())
    if "train" not in counts or max(counts.values()) > 1:
        problem = "two folders for one part" if "train" in counts else "no folder train"
        raise DataError(
            f"{root}: a given split with {problem}",
            received=listing(list(parts)),
            cure=f"Name the folders in the study: {_EXAMPLE}",
        )
    return _in_order({part: folder for folder, part in parts.items()})


def _either_way(
    root: Path, divided: list[str], others: list[str], *, named: dict[str, str]
) -> DataError:
    parts = ", ".join(f'{part} = "{folder}"' for part, folder in _in_order(named))
    example = f"split = {{ {parts} }}" if "train" in named else _EXAMPLE
    return DataError(
        f"{root}: these folders may be classes or parts of a split",
        received=f"class folders in {listing(divided)}; beside them {listing(others)}",
        cure=f"Name the parts of a split in the study, which ignores other folders: {example}; or "
        f'name the classes: classes = "{",".join(sorted([*divided, *others]))}"',
    )


def _check_classes(root: Path, parts: dict[str, str], recipe: Recipe) -> None:
    """Raises ``DataError`` for class folders that seem to be a split."""
    if len(set(parts.values())) > 1:
        raise DataError(
            f"{root}: folders called like parts of a split hold no class folders",
            received=listing(list(parts)),
            cure=f"Put the images into {next(iter(parts))}/CLASS, or if these are the classes, "
            f'write classes = "{",".join(folder.name for folder in folders_in(root))}"',
        )
    inside = sorted(
        {f.name for folder in folders_in(root) for f in folders_in(folder) if _part(f.name)}
    )
    if len({_part(name) for name in inside}) > 1 and recipe.settings.get("split") != "disjoint":
        raise DataError(
            f"{root}: a split lies inside of the classes",
            received=listing(inside),
            cure="Move the images to train/CLASS, val/CLASS and test/CLASS, or write "
            'split = "disjoint" to draw a new split from all of them',
        )


def _check_settings(root: Path, recipe: Recipe, layout: Layout) -> None:
    """Raises ``StudyError`` if the study asks for something else than the split that is there."""
    there = dict(layout)
    sizes = {"test": recipe.test_size, "validation": recipe.validation_size}
    for part, size in sizes.items():
        if part in there and size is not None:
            raise _contradicts(root, f"{part}_size", size, [there[part]])
    split = recipe.settings.get("split", recipe.split)
    if split == "as-published" or recipe.settings.get("split") == "disjoint":
        raise _contradicts(root, "split", split, list(there.values()))


def _contradicts(root: Path, setting: str, value: object, folders: list[str]) -> StudyError:
    return StudyError(
        f"{root}: setting '{setting}' contradicts the split that the folders give",
        received=f"{setting} = {value}, beside {listing(folders)}",
        cure=f"Remove {setting}",
    )
