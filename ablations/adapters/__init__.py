"""Training functions and callbacks for Keras, scikit-learn, PyTorch, Lightning and Hugging Face.

They train nothing that the framework would not train by itself: they give the trial's seeds to the
split, the order and the model, and report epochs, step times and predictions of the test examples.

`keras`, `sklearn` and `torch` return a training function, for `ablations.make_study` or a study
file; `lightning` and `transformers` return a callback for the ``Trainer`` of a training function of
yours. `split` shares examples out equally in all arms. No framework is imported before a trial
needs it.
"""

from __future__ import annotations

from ablations.adapters.callbacks import lightning as lightning
from ablations.adapters.callbacks import transformers as transformers
from ablations.adapters.keras_model import keras as keras
from ablations.adapters.parts import split as split
from ablations.adapters.pytorch import torch as torch
from ablations.adapters.scikit_learn import sklearn as sklearn

__all__ = ["keras", "lightning", "sklearn", "split", "torch", "transformers"]
