"""Training on a cluster: what `run --on` takes, and where it trains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ablations.session import Session

On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ray[://HOST:PORT]",
        help="Train on a Ray cluster: the one at this address, or at RAY_ADDRESS, or else one that "
        "is started on this machine.",
    ),
]
Spread = Annotated[
    bool,
    typer.Option("--spread", help="With --on: let the arms of a seed train on different machines."),
]


@contextmanager
def on_cluster(
    session: Session, on: str | None, *, jobs: int | None, spread: bool
) -> Iterator[Session]:
    """Yields the session that trains where ``--on`` says, connected if there is work to do.

    Raises:
        StudyError: if no cluster can be used.
    """
    if on is None:
        if spread:
            raise typer.BadParameter("--spread belongs to --on")
        yield session
        return
    from ablations.run.executors.ray import RayExecutor, connected

    address = _address(on)
    there = replace(session, executor=RayExecutor(address, jobs, spread))
    if not session.progress().to_do:
        yield there
        return
    with connected(address, session.study.folder):
        yield there


def _address(on: str) -> str | None:
    kind, mark, address = on.partition("://")
    if kind != "ray" or (mark and not address):
        raise typer.BadParameter(f"--on takes 'ray' or 'ray://HOST:PORT', and not '{on}'.")
    return address or None
