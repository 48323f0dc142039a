"""The commands ``bundle`` and ``verify``: a study in one file for others, and whether it holds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablations.cli.checking import train_again
from ablations.cli.options import AsJson, DataDir, Jobs, Samples, Source, with_session
from ablations.cli.terminal.printing import note, print_json, reading, say

if TYPE_CHECKING:
    from ablations.session import Session


_AUTHOR = typer.Option(
    "--author", metavar="NAME", help="Who made it, else git's user.name; may be repeated."
)
_LICENSE = typer.Option("--license", metavar="SPDX", help="Such as CC-BY-4.0.")
_BUNDLE = typer.Argument(
    metavar="BUNDLE", help="A file that 'bundle' wrote.", exists=True, dir_okay=False
)
_RERUN = typer.Option(
    "--rerun", metavar="N", min=0, help="Train so many of its trials again, by its code."
)


@with_session
def bundle(
    session: Session,
    *,
    to: Annotated[Path, typer.Option("-o", "--out", help="The zip file to write.", dir_okay=False)],
    authors: Annotated[list[str] | None, _AUTHOR] = None,
    licensed: Annotated[str | None, _LICENSE] = None,
    source: Source = None,
    samples: Samples = True,
) -> None:
    """Write one file for others: report, records, code, packages.

    It also says how to cite the study. It holds the changes of the working tree that are not
    committed: look at them before you publish it.
    """
    from ablations.bundling.archive import archived, require_replaceable
    from ablations.bundling.contents import Credits, bundle_files, doubts
    from ablations.files import replaced_file
    from ablations.text.formatting import counted

    require_replaceable(to)
    session = reading(session, source, samples=samples)
    records = session.records()
    findings = session.findings(records)
    files = bundle_files(findings, records, Credits(authors or (), licensed), samples=samples)
    with replaced_file(to) as file:
        file.write(archived(files))
    note(f"{counted(len(files), 'file')} are in {to}; to check it: ablations verify {to}")
    for line in doubts(findings, files):
        note(line)


def verify(
    path: Annotated[Path, _BUNDLE],
    *,
    again: Annotated[int, _RERUN] = 0,
    data_dir: DataDir = None,
    jobs: Jobs = "auto",
    as_json: AsJson = False,
) -> None:
    """Check a bundle: by its checksums, or by training again.

    1: a file or a result differs. 4: a trial could not be trained again. --rerun runs the bundle's
    code.
    """
    from ablations.bundling.archive import differences, read_archive
    from ablations.bundling.unpacking import unpacked

    files = read_archive(path)
    found = differences(files)
    if found or not again:
        _tell(found, as_json=as_json, n=len(files) - 1)
        raise typer.Exit(1 if found else 0)
    with tempfile.TemporaryDirectory() as folder:
        session = unpacked(files, Path(folder), data_dir=data_dir)
        code = train_again(session, again, jobs, as_json=as_json)
    raise typer.Exit(code)


def _tell(found: tuple[str, ...], *, as_json: bool, n: int) -> None:
    from ablations.text.formatting import counted

    if as_json:
        print_json({"equal": not found, "differences": list(found)})
        return
    for line in found:
        say(line)
    note(f"{counted(n, 'file')} are as they were bundled" if not found else "the bundle differs")
