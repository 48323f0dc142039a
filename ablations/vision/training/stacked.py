"""Many Keras models of one structure as one JAX program: ``jax.vmap`` over their stacked states.

Each model keeps its own weights, optimizer state and random streams, and draws its own order of the
images; a whole epoch is one ``jax.lax.scan`` over images that stay on the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp
from numpy.typing import NDArray

from ablations.core.metrics import ACCURACY, LOSS
from ablations.vision.model.graph import cut
from ablations.vision.model.outputs import Outputs, Raw

Indices = NDArray[np.int64]
State = tuple[list[Any], list[Any], list[Any]]
"""Trainable, other changing, and optimizer variables."""

ROWS_AT_ONCE = 256
"""Images that inference takes at a time, of each model."""


class Stack:
    """Compiled models that are trained together, on images that they share.

    Args:
        models: Compiled models of one structure; they differ in the values of their variables.
        outputs: How to read their outputs.
        inputs: What they are fed, shape (example, ...); moved to the device once.
        targets: As the loss takes them, shape (example, ...).
    """

    def __init__(
        self,
        models: Sequence[keras.Model],
        outputs: Outputs,
        inputs: NDArray[Any],
        targets: NDArray[Any],
    ) -> None:
        self._model, self._outputs, self._loss = models[0], outputs, outputs.loss()
        self._data = (jnp.asarray(inputs), jnp.asarray(targets))
        self._moves = _moves(models[0])
        others = [variable.value for variable in models[0].non_trainable_variables]
        self._still = [v for v, moves in zip(others, self._moves, strict=True) if not moves]
        self._state: State = jax.tree.map(lambda *parts: jnp.stack(parts), *map(self._read, models))
        self._train = jax.jit(jax.vmap(self._epoch, in_axes=(0, None, None, 0, 0)))
        self._infer = jax.jit(jax.vmap(self._outputs_of, in_axes=(0, None, None, 0)))

    def epoch(self, steps: Indices, rest: Indices) -> dict[str, NDArray[np.float64]]:
        """Trains all models for one epoch and waits for the device.

        Args:
            steps: Images of each step, shape (model, step, image).
            rest: Those of a last, smaller step, shape (model, image); none where empty.

        Returns:
            The epoch's mean loss and accuracy over its images, each of shape (model,).
        """
        self._state, sums = self._train(self._state, self._still, self._data, steps, rest)
        images = steps.shape[1] * steps.shape[2] + rest.shape[1]
        return {name: np.asarray(sums[name], dtype=np.float64) / images for name in sums}

    def predict(self, rows: Indices) -> list[Raw]:
        """Returns the outputs of each model for its images in inference mode.

        Args:
            rows: Images of each model, shape (model, image).
        """
        count = rows.shape[1]
        size = min(count, ROWS_AT_ONCE)
        padded = np.pad(rows, [(0, 0), (0, -count % size)])
        outputs = [
            self._infer(self._state, self._still, self._data[0], padded[:, start : start + size])
            for start in range(0, padded.shape[1], size)
        ]
        whole = np.concatenate([np.asarray(part, dtype=np.float32) for part in outputs], axis=1)
        return list(whole[:, :count])

    def _read(self, model: keras.Model) -> State:
        model.optimizer.build(model.trainable_variables)
        others = zip(model.non_trainable_variables, self._moves, strict=True)
        return (
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable, moves in others if moves],
            [variable.value for variable in model.optimizer.variables],
        )

    def _merged(self, moving: list[Any], still: list[Any]) -> list[Any]:
        """Returns all untrained variables in the order that the model has them."""
        sources = (iter(still), iter(moving))
        return [next(sources[moves]) for moves in self._moves]

    def _epoch(
        self, state: State, still: list[Any], data: tuple[Any, Any], steps: Any, rest: Any
    ) -> tuple[State, dict[str, Any]]:
        def step(state: State, rows: Any) -> tuple[State, dict[str, Any]]:
            return self._step(state, still, data[0][rows].astype("float32"), data[1][rows])

        state, sums = jax.lax.scan(step, state, steps)
        totals = {name: each.sum() for name, each in sums.items()}
        if rest.shape[0]:
            state, last = step(state, rest)
            totals = {name: total + last[name] for name, total in totals.items()}
        return state, totals

    def _step(
        self, state: State, still: list[Any], inputs: Any, targets: Any
    ) -> tuple[State, dict[str, Any]]:
        """Trains one model on one batch, as its ``train_on_batch`` would; sums over its images."""
        trainable, moving, optimizer = state

        def loss_of(trainable: list[Any]) -> tuple[Any, tuple[Any, Any, list[Any]]]:
            outputs, others, extra = self._model.stateless_call(
                trainable, self._merged(moving, still), inputs, training=True, return_losses=True
            )
            loss = self._loss(targets, outputs) + sum(extra)
            return self._scaled(loss, optimizer), (loss, outputs, others)

        (_, (loss, outputs, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            trainable
        )
        trainable, optimizer = self._model.optimizer.stateless_apply(
            optimizer, gradients, trainable
        )
        moved = [v for v, moves in zip(others, self._moves, strict=True) if moves]
        correct = self._outputs.correct(outputs, targets)
        sums = {ACCURACY: correct.sum(), LOSS: loss * len(inputs)}
        return (trainable, moved, optimizer), sums

    def _scaled(self, loss: Any, optimizer: list[Any]) -> Any:
        """Returns the loss by the optimizer's present scale, where float16 needs one."""
        values = list(zip(self._model.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=values):
            return self._model.optimizer.scale_loss(loss)

    def _outputs_of(self, state: State, still: list[Any], inputs: Any, rows: Any) -> Any:
        others = self._merged(state[1], still)
        images = inputs[rows].astype("float32")
        return self._model.stateless_call(state[0], others, images, training=False)[0]


def _moves(model: keras.Model) -> list[bool]:
    """Says of each untrained variable whether training changes it; frozen layers' stay still.

    What stays still is the same in all models, so that it need not be multiplied with them: a
    convolution by one kernel is one over all their images, by many kernels it is many.
    """
    parts = cut(model)
    fixed = [link.operation for link in (*parts.before, *parts.after)]
    still = {id(v) for operation in fixed for v in getattr(operation, "variables", ())}
    return [id(variable) not in still for variable in model.non_trainable_variables]
