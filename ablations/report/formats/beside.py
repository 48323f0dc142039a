"""Writes what lies beside the page: the numbers as CSV, the drawings, and the pictures."""

from __future__ import annotations

from collections.abc import Iterator

from ablations.report.blocks import Block, Figure, Image, Page, Report, Table, walk
from ablations.report.figures.drawings import draw_thumbnail


def beside(report: Report) -> dict[str, str | bytes]:
    """Returns the files of all blocks by their paths, and the picture of the study's card."""
    return block_files(report) | {"figures/thumbnail.svg": draw_thumbnail(report.findings)}


def block_files(page: Page) -> dict[str, str | bytes]:
    """Returns the files of all blocks of a page by their paths."""
    blocks = walk((*page.opening, *page.sections))
    return dict(file for block in blocks for file in _files(block))


def _files(block: Block) -> Iterator[tuple[str, str | bytes]]:
    if isinstance(block, Table):
        yield from ((data.path, data.text) for data in block.data)
    elif isinstance(block, Figure):
        yield block.path, block.svg
        yield block.data.path, block.data.text
    elif isinstance(block, Image):
        yield block.path, block.png
