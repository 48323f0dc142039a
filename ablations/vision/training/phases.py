"""The phases of a training: one, or two where layers of a pretrained base are fine-tuned.

As the Keras guide on transfer learning has it, a new head is first trained on the frozen base; its
large first gradients would otherwise spoil what the base has learned. Then layers of the base are
unfrozen, and all is compiled anew with a much lower learning rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ablations.vision.model.build import Built, unfreeze
from ablations.vision.recipe.settings import Recipe


def phases(built: Built, recipe: Recipe) -> Iterator[tuple[Recipe, range]]:
    """Yields the recipe and the epochs of each phase, once the base is frozen as it is to be there.

    The second phase takes the second half of the epochs, and the odd one.

    Args:
        built: The model that is trained; what is frozen in it changes between phases.
        recipe: Its recipe.
    """
    if built.base is None or recipe.unfreeze is None:
        yield recipe, range(recipe.epochs)
        return
    half = recipe.epochs // 2
    built.base.trainable = False
    yield recipe, range(half)
    unfreeze(built.base, recipe.unfreeze)
    yield replace(recipe, learning_rate=recipe.fine_tune_rate), range(half, recipe.epochs)
