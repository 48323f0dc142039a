"""Ablation studies for image classifiers: from a study file to a report that can be trusted."""

__version__ = "0.1.0"
