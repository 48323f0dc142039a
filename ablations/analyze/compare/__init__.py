"""Records compared with thresholds, with the past, and with published numbers."""
