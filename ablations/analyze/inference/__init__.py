"""Intervals, contrasts and effects, and how many seeds they take."""
