"""A model as a chain of steps, and the part of it that training cannot change.

The frozen prefix of a model is what comes before its first trainable layer. What it makes of an
image is always the same, apart from augmentation, so it need not be computed in every epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import keras

OWN_PACKAGES = ("keras.", "ablations.")
"""Layers from other packages may be random without showing it, so they end a prefix."""


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One step of a chain: an operation and how to call it on a tensor."""

    operation: Any
    apply: Callable[[Any], Any]

    @property
    def layers(self) -> list[keras.Layer]:
        """All layers inside that are no models themselves."""
        if not isinstance(self.operation, keras.Layer):
            return []
        inside = self.operation._flatten_layers()
        return [layer for layer in inside if not isinstance(layer, keras.Model)]

    @property
    def augments(self) -> bool:
        """Whether it is one of Keras's random layers for images, which rest in inference.

        One that crops is not counted: in inference it leaves images larger than in training. Nor
        is colour jitter, which draws its numbers only while it applies them.
        """
        named = type(self.operation).__name__.startswith("Random")
        drawn = hasattr(self.operation, "get_random_transformation")
        others = (keras.layers.RandomCrop, keras.layers.RandomColorJitter)
        return named and drawn and not isinstance(self.operation, others)

    @property
    def heavy(self) -> bool:
        """Whether it multiplies by weights."""
        return any(hasattr(layer, "kernel") for layer in self.layers)

    @property
    def fixed(self) -> bool:
        """Whether its output depends on nothing but its input, in training as in inference."""
        if not type(self.operation).__module__.startswith(OWN_PACKAGES):
            return False
        return not self.augments and all(map(_rests, self.layers))


def _rests(layer: keras.Layer) -> bool:
    """Whether a layer has nothing to learn, adapt or draw.

    That it was called with ``training=False`` says nothing: ``fit`` calls all of a model anew with
    ``training=True``, which wins. It is why a frozen base may still drop out.
    """
    known = type(layer).__module__.startswith(OWN_PACKAGES)
    # What a Lambda does cannot be inspected; spectral normalisation changes even frozen weights.
    if not known or isinstance(layer, keras.layers.Lambda | keras.layers.SpectralNormalization):
        return False
    adapts = layer.trainable and layer.non_trainable_variables
    draws = layer._seed_generators
    return not (layer.trainable_variables or adapts or draws)


def links_of(model: keras.Model) -> list[Link]:
    """Returns the steps of a model and of models inside it; what is no chain is one step."""
    nodes = _nodes(model)
    if nodes is None:
        return [Link(model, model)]
    return [link for node in nodes for link in _links_of_node(node)]


def _nodes(model: keras.Model) -> list[Any] | None:
    """Returns the calls that a model is made of if each takes only the last one's output."""
    if not type(model).__module__.startswith("keras."):
        return None  # its own call may do more than its layers
    graph = getattr(model, "_functional", None) or model
    depths = getattr(graph, "_nodes_by_depth", None)
    if depths is None or any(len(nodes) != 1 for nodes in depths.values()):
        return None
    first, *nodes = (depths[depth][0] for depth in sorted(depths, reverse=True))
    last = first
    for node in nodes:
        if [id(tensor) for tensor in node.input_tensors] != [id(last.outputs[0])]:
            return None
        last = node
    ends = [id(tensor) for tensor in graph.outputs]
    return nodes if ends == [id(last.outputs[0])] else None


def _links_of_node(node: Any) -> list[Link]:
    if isinstance(node.operation, keras.Model):
        if _nodes(node.operation) is not None:
            return links_of(node.operation)
        if halves := _halves(node.operation):
            return [Link(half, half) for half in halves]
    return [Link(node.operation, _caller(node))]


def _halves(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Returns the frozen beginning of a branching model and what follows it.

    The cut lies at the last single tensor that all paths pass before the first trainable layer:
    after a residual block, and not within it. ``None`` where no weights come before it.
    """
    graph = getattr(model, "_functional", None) or model
    depths = getattr(graph, "_nodes_by_depth", None)
    if depths is None or not type(model).__module__.startswith("keras."):
        return None
    nodes = [node for depth in sorted(depths, reverse=True) for node in depths[depth]]
    links = [Link(node.operation, node.operation) for node in nodes]
    if len({id(link.operation) for link in links}) < len(links):
        return None  # a layer that is called twice could be on both sides
    fixed = len(list(takewhile(lambda link: link.fixed, links)))
    if fixed == len(links):
        return None
    for count in range(fixed, 0, -1):
        passed = _passed(nodes, count)
        if len(passed) == 1 and any(link.heavy for link in links[:count]):
            head, tail = (graph.inputs[0], passed[0]), (passed[0], graph.outputs[0])
            return keras.Model(*head), keras.Model(*tail)
    return None


def _passed(nodes: Sequence[Any], count: int) -> list[Any]:
    """Returns the tensors that the first nodes make and later ones take."""
    made = {id(tensor): tensor for node in nodes[:count] for tensor in node.outputs}
    taken = {id(tensor) for node in nodes[count:] for tensor in node.input_tensors}
    return [tensor for key, tensor in made.items() if key in taken]


def _caller(node: Any) -> Callable[[Any], Any]:
    def call(tensor: Any) -> Any:
        args, kwargs = node.arguments.fill_in({id(node.input_tensors[0]): tensor})
        return node.operation(*args, **kwargs)

    return call


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A model in parts: fixed ``before``, ``random``, fixed ``after``, and ``rest`` to train.

    ``random`` begins and ends with augmentation where it is not empty.
    """

    before: tuple[Link, ...]
    random: tuple[Link, ...]
    after: tuple[Link, ...]
    rest: tuple[Link, ...]

    @property
    def heavy(self) -> bool:
        """Whether frozen weights follow the augmentation: what they make is worth keeping."""
        return any(link.heavy for link in (self.after if self.random else self.before))


def cut(model: keras.Model) -> Cut:
    """Cuts a model after its frozen prefix; without weights there, after its augmentation."""
    links = links_of(model)
    prefix = list(takewhile(lambda link: link.fixed or link.augments, links))
    random = [i for i, link in enumerate(prefix) if link.augments]
    if not any(link.heavy for link in prefix):
        prefix = prefix[: random[-1] + 1] if random else []
    first, last = (random[0], random[-1] + 1) if random else (len(prefix), len(prefix))
    rest = links[len(prefix) :]
    return Cut(*map(tuple, (prefix[:first], prefix[first:last], prefix[last:], rest)))


def model_of(links: Sequence[Link], shape: Sequence[int]) -> keras.Model:
    """Returns the model of these steps, on inputs of ``shape`` (without examples)."""
    inputs = outputs = keras.Input(tuple(shape))
    for link in links:
        outputs = link.apply(outputs)
    return keras.Model(inputs, outputs)
