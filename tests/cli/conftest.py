from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def _quick(figures_drawn_once: None) -> None:
    """Draws equal charts once."""
