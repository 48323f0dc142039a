"""The only place that turns numbers, levels and verdicts into words."""
