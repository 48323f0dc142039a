"""Records held against thresholds, against the past, and against published numbers."""
