"""Figures: values ready to draw, and what draws them."""
