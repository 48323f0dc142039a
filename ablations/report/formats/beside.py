"""Writes what lies beside the page: the numbers as CSV, the drawings, and the pictures."""

from __future__ import annotations

from collections.abc import Iterator

from ablations.report.blocks import Block, Figure, Image, Report, Table, walk
from ablations.report.figures.drawings import draw_thumbnail


def beside(report: Report) -> dict[str, str | bytes]:
    """Returns the files of all blocks by their paths, and the picture of the study's card."""
    blocks = walk((*report.opening, *report.sections))
    files = dict(file for block in blocks for file in _files(block))
    return files | {"figures/thumbnail.svg": draw_thumbnail(report.findings)}


def _files(block: Block) -> Iterator[tuple[str, str | bytes]]:
    if isinstance(block, Table):
        yield from ((data.path, data.text) for data in block.data)
    elif isinstance(block, Figure):
        yield block.path, block.svg
        yield block.data.path, block.data.text
    elif isinstance(block, Image):
        yield block.path, block.png
