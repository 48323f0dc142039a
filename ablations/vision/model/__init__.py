"""Keras models made of recipes, and what they cost."""
