"""From run records to findings: frozen numbers, without text or figures.

Start at ``analysis.analyze``; ``frames.to_frames`` gives the same records as tidy tables. Formulas,
sources and limits are in ``docs/statistics.md``.
"""
